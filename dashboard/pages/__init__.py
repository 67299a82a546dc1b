"""The pages there are."""

from collections.abc import Mapping

from dashboard.page import Page
from dashboard.pages.live import LIVE
from dashboard.pages.models import MODELS
from dashboard.pages.operations import OPERATIONS
from dashboard.pages.reviews import REVIEWS
from dashboard.view import View
from models.errors import NotFound

# By the first part of their path, in the order of the menu.
PAGES: Mapping[str, Page] = {
    "/": LIVE,
    "/reviews": REVIEWS,
    "/models": MODELS,
    "/operations": OPERATIONS,
}


def page_at(view: View) -> Page:
    """
    Raises:
        NotFound: there is none.
    """
    page = PAGES.get(view.page)
    if page is None:
        raise NotFound(f"there is no page {view.page[:60]}", next_step="choose one from the menu")
    return page
