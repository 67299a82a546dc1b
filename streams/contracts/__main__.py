"""`python -m streams.contracts`: write the contracts' files, or with --check only say which differ."""

import sys
from argparse import ArgumentParser
from collections.abc import Sequence
from pathlib import Path

from streams.contracts.files import FOLDER, differing, write


def main(arguments: Sequence[str] | None = None, folder: Path = FOLDER) -> int:
    """The exit status: 1 when files differ under --check."""
    parser = ArgumentParser(prog="python -m streams.contracts", description=__doc__)
    parser.add_argument("--check", action="store_true", help="write nothing; fail when the files differ")
    if not parser.parse_args(arguments).check:
        write(folder)
        return 0
    names = differing(folder)
    if names:
        sys.stderr.write(f"not what the types give: {', '.join(names)}. Next: make contracts\n")
    return int(bool(names))


if __name__ == "__main__":
    sys.exit(main())
