"""What a page is: a layout without data, what it asks the gateway, and what changes with each answer."""

from collections.abc import Awaitable, Callable, Mapping
from typing import Any, NamedTuple

from dash import Dash
from dash.development.base_component import Component

from dashboard.asking import Asking
from dashboard.sessions import Session
from dashboard.view import View

# New values by component and property.
Updates = Mapping[tuple[str, str], Any]


class Page(NamedTuple):
    """layout: drawn when the page is opened. ask, show: again and again, while somebody looks at it.

    ask: raises what the gateway client raises, and BadSetting for an address that cannot be.
    title: also of the link in the menu. act: adds callbacks to the app for what people do here; they ask
    through what they are given. told_of: words of the address that change what is told, not what is drawn.
    """

    title: str
    layout: Callable[[View, Session], Component]
    ask: Callable[[Asking, View], Awaitable[Any]]
    show: Callable[[Any, View], Updates]
    act: Callable[[Dash, Callable[[], Asking]], None] | None = None
    told_of: tuple[str, ...] = ()
