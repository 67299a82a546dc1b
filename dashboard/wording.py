"""Figures as people read them."""

from datetime import datetime, tzinfo

NOTHING = "–"


def count(number: float) -> str:
    return f"{number:,.0f}"


def share(part: float) -> str:
    return f"{part:.2%}"


def seconds(duration_s: float | None) -> str:
    """With the unit that fits."""
    if duration_s is None:
        return NOTHING
    if duration_s < 1:
        return f"{duration_s * 1000:.3g} ms"
    for size, unit in ((86_400, "d"), (3600, "h"), (60, "min")):
        if duration_s >= 2 * size:
            return f"{duration_s / size:.1f} {unit}"
    return f"{duration_s:.3g} s"


def amount(minor: int, currency: str) -> str:
    """Of a currency with two decimals, as all that a deployment takes have."""
    return f"{minor / 100:,.2f} {currency}"


def moment(text: str | datetime, zone: tzinfo) -> str:
    return _in(text, zone).strftime("%Y-%m-%d %H:%M:%S")


def plotted(text: str | datetime, zone: tzinfo) -> str:
    """As a figure takes it: figures know no zones."""
    return _in(text, zone).strftime("%Y-%m-%dT%H:%M:%S")


def ago(text: str | datetime, now: datetime) -> str:
    return f"{seconds(max(0.0, (now - _in(text, now.tzinfo)).total_seconds()))} ago"


def _in(text: str | datetime, zone: tzinfo | None) -> datetime:
    found = datetime.fromisoformat(text) if isinstance(text, str) else text
    return found.astimezone(zone)


def about(number: float) -> str:
    """With two digits that count: what is read aloud must not change with every look."""
    size = 10 ** max(0, len(str(int(number))) - 2)
    return count(round(number / size) * size)
