"""Write `dashboards/*.json` anew."""

from pathlib import Path

from deploy.grafana.boards import as_json
from deploy.grafana.decisions import DECISIONS
from deploy.grafana.models import MODELS
from deploy.grafana.operations import OPERATIONS

BOARDS = {"operations": OPERATIONS, "decisions": DECISIONS, "models": MODELS}
FOLDER = Path(__file__).parent / "dashboards"


def main() -> None:
    for name, board in BOARDS.items():
        (FOLDER / f"{name}.json").write_text(as_json(board))


if __name__ == "__main__":
    main()
