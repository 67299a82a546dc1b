"""The page of the gateway names every problem as the code does."""

from api.problems import KINDS
from streams.settings import CHECKOUT

PAGE = (CHECKOUT / "docs" / "gateway.md").read_text()


def test_every_problem_is_on_the_page() -> None:
    rows = [
        f"| `{code}` | {int(kind.status)} | {kind.title}. {kind.meaning} |" for code, kind in KINDS.items()
    ]
    assert [row for row in rows if row not in PAGE] == []
    assert PAGE.count("\n| `") - PAGE.count("\n| `POST ") - PAGE.count("\n| `GET ") == len(rows)
