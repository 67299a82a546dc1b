"""The page of the gateway names every problem as the code does."""

from api.problems import KINDS
from streams.settings import CHECKOUT

PAGE = (CHECKOUT / "docs" / "gateway.md").read_text()
PROBLEMS = PAGE.split("\n## Problems\n")[1].split("\n## ")[0]


def test_every_problem_is_on_the_page() -> None:
    rows = [
        f"| `{code}` | {int(kind.status)} | {kind.title}. {kind.meaning} |" for code, kind in KINDS.items()
    ]
    assert [row for row in rows if row not in PROBLEMS] == []
    assert PROBLEMS.count("\n| `") == len(rows)
