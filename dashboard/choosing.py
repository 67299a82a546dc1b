"""What is chosen on a page goes into its address, and the page is drawn anew from there."""

from typing import Any

from dash import Dash, Input, Output, State, no_update

from dashboard.telling import tell_failure
from dashboard.view import view_of
from models.errors import BadSetting


def add_choices(app: Dash, page: str, **inputs: str) -> None:
    """inputs: the component of each word of the address. page: whose; elsewhere nothing is changed."""

    @app.callback(
        Output("url", "search", allow_duplicate=True),
        *[Input(component, "value") for component in inputs.values()],
        State("view", "data"),
        prevent_initial_call=True,
    )
    def choose(*told: Any) -> Any:
        try:
            return chosen_search(told[-1], page, **dict(zip(inputs, told[:-1], strict=True)))
        except BadSetting as error:
            tell_failure(error)
            return no_update


def chosen_search(document: Any, page: str, **chosen: Any) -> Any:
    """The end of the address with what is chosen, or no_update where it stands there already.

    Raises:
        BadSetting: what the browser says cannot be.
    """
    view = view_of(document)
    if not all(value is None or isinstance(value, str) for value in chosen.values()):
        raise BadSetting("this choice cannot be read", next_step="choose anew")
    words = {name: value or None for name, value in chosen.items()}
    if view.page != page or all(view.query.get(name) == value for name, value in words.items()):
        return no_update
    _, mark, search = view.with_(**words).partition("?")
    return mark + search
