"""The registry's promotions, asked in this process and by one of its own: the same answers and errors."""

from pathlib import Path
from typing import Any

import pytest

from deploy.stack.temporary import own_settings
from models import promotions
from models.errors import Misuse, NotFound, RegistryUnavailable
from streams.model_desk import Registry
from streams.registry_apart import RegistryApart
from streams.settings import Settings

pytestmark = pytest.mark.filterwarnings("ignore")  # MLflow's own

# One as long as a key's owner and name may be, and words that no command line would take.
WHO, WHY = "o" * 64 + "/" + "n" * 64, "because\n'it' is \"better\", 数"


@pytest.fixture
def settings(store: str, tmp_path: Path) -> Settings:
    return own_settings(tmp_path, mlflow_tracking_uri=store)


@pytest.fixture(params=["here", pytest.param("apart", marks=pytest.mark.slow)])
def registry(request: pytest.FixtureRequest, settings: Settings) -> Registry:
    return promotions if request.param == "here" else RegistryApart(settings)


@pytest.fixture
def name(client: Any, tmp_path: Path, request: pytest.FixtureRequest) -> str:
    """Of a model with two versions."""
    found = f"M-{request.node.callspec.id}"
    client.create_registered_model(found)
    for _ in range(2):
        client.create_model_version(found, str(tmp_path))
    return found


def test_what_is_promoted_and_rolled_back_is_shown(registry: Registry, name: str) -> None:
    first = registry.promote(name, "champion", "1", who=WHO, why=WHY)
    second = registry.promote(name, "champion", None, who="ann", why="")
    assert (first.who, first.why, first.before, first.after) == (WHO, WHY, None, "1")
    assert (second.before, second.after) == ("1", "2")
    back = registry.roll_back(name, "champion", who="ann", why="worse")
    (shown,) = registry.shown([name])
    assert [each.version for each in shown.versions] == ["2", "1"]
    assert shown.versions[1].aliases == ["champion"]
    assert shown.promotions == [first, second, back]
    with pytest.raises(NotFound, match="has no version 9"):
        registry.promote(name, "champion", "9", who="ann", why="")
    with pytest.raises(Misuse, match="stood behind challenger before"):
        registry.roll_back(name, "challenger", who="ann", why="")


def test_a_model_that_was_never_registered_has_no_versions(registry: Registry) -> None:
    (shown,) = registry.shown(["M-none"])
    assert (shown.versions, shown.promotions) == ([], [])


def test_a_registry_that_answers_too_late_is_named(settings: Settings) -> None:
    hurried = RegistryApart(settings.model_copy(update={"registry_timeout_s": 0.01}))
    with pytest.raises(RegistryUnavailable, match="took too long"):
        hurried.shown(["M"])


def test_a_registry_that_is_no_registry_is_named(settings: Settings) -> None:
    nowhere = RegistryApart(settings.model_copy(update={"mlflow_tracking_uri": "http://"}))
    with pytest.raises(RegistryUnavailable, match="is no address"):
        nowhere.shown(["M"])
