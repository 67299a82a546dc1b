"""config: every setting, its value, and where it comes from."""

from typing import Annotated

import typer

from deploy.cli.terminal import print_json, print_table

STYLES = {"environment": "cyan", ".env": "cyan", "stack": "green", "default": "dim"}


def config(json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False) -> None:
    """Show every setting, its value (passwords hidden) and where it comes from.

    A value comes from the environment, else from .env, else from the stack that
    runs, else it is the default.

    [bold]Examples[/]

      fraudml config
      fraudml config --json
    """
    from deploy.origins import shown_settings

    shown = shown_settings()
    if json:
        print_json([setting._asdict() for setting in shown])
    else:
        print_table(("SETTING", "VALUE", "FROM"), shown, STYLES)
