"""Time spans for people."""

STEPS = ((86_400, "d"), (3_600, "h"), (60, "m"), (1, "s"))


def in_words(seconds: float) -> str:
    """The two largest units: 3 d 4 h, 5 m 12 s, 8 s."""
    left = int(seconds)
    told: list[str] = []
    for size, unit in STEPS:
        count, left = divmod(left, size)
        if count or (size == 1 and not told):
            told.append(f"{count} {unit}")
    return " ".join(told[:2])
