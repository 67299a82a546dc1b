"""Promotion: aliases of the registry, which a version bears, and which it bore before."""

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from models.errors import FraudError, Misuse, RegistryUnavailable
from models.mlflow_registry import promote_model_to_stage
from models.promotions import promotions_of, roll_back, versions_of
from tests.unit.models.registered import roles

# MLflow, and what it stands on, warn of themselves; what our modules are warned of stays an error.
pytestmark = pytest.mark.filterwarnings("ignore", r"error:::models\.")

NAME = "FraudDetection_XGBoost"


@pytest.fixture(autouse=True)
def versions(client: Any, tmp_path: Path) -> Any:
    """Versions 1 to 3 of a model, none of them promoted."""
    client.create_registered_model(NAME)
    for _ in range(3):
        client.create_model_version(NAME, str(tmp_path))
    yield
    client.delete_registered_model(NAME)


def test_the_newest_version_becomes_the_champion(client: Any) -> None:
    assert promote_model_to_stage(NAME, "Production") == "3"
    assert roles(client, NAME) == {"champion": "3"}


def test_staging_is_the_challenger(client: Any) -> None:
    assert promote_model_to_stage(NAME, "Staging", "2") == "2"
    assert roles(client, NAME) == {"challenger": "2"}


def test_what_was_in_production_stays_one_step_back(client: Any) -> None:
    promote_model_to_stage(NAME, "Production", "1")
    promote_model_to_stage(NAME, "Production", "2")
    assert roles(client, NAME) == {"champion": "2", "previous": "1"}
    promote_model_to_stage(NAME, "Production", "1")
    assert roles(client, NAME) == {"champion": "1", "previous": "2"}


def test_a_version_that_is_promoted_again_is_not_its_own_predecessor(client: Any) -> None:
    for version in ("1", "2", "2"):
        promote_model_to_stage(NAME, "Production", version)
    assert roles(client, NAME) == {"champion": "2", "previous": "1"}


def test_a_tenth_version_is_newer_than_a_ninth(client: Any, tmp_path: Path) -> None:
    for _ in range(7):
        client.create_model_version(NAME, str(tmp_path))
    assert promote_model_to_stage(NAME, "Production") == "10"


def test_a_version_that_does_not_exist_cannot_be_promoted_and_nothing_moves(client: Any) -> None:
    promote_model_to_stage(NAME, "Production", "1")
    promote_model_to_stage(NAME, "Production", "2")
    with pytest.raises(FraudError):
        promote_model_to_stage(NAME, "Production", "99")
    assert roles(client, NAME) == {"champion": "2", "previous": "1"}


def test_a_stage_that_does_not_exist_is_refused() -> None:
    with pytest.raises(Misuse, match=r"no stage Archived\. Next: use Production or Staging"):
        promote_model_to_stage(NAME, "Archived")


def test_a_model_without_versions_cannot_be_promoted() -> None:
    with pytest.raises(Misuse, match="FraudDetection_None has no version"):
        promote_model_to_stage("FraudDetection_None", "Production")


NOON = datetime(2026, 1, 2, 12, 0, tzinfo=UTC)


def test_who_promoted_what_when_and_why_is_kept_in_order(client: Any) -> None:
    promote_model_to_stage(NAME, "Production", "1", who="ann", why="the first", now=NOON)
    promote_model_to_stage(NAME, "Production", "3", who="bob", why="better", now=NOON + timedelta(hours=1))
    told = [(each.who, each.when, each.before, each.after, each.why) for each in promotions_of(NAME)]
    assert told == [
        ("ann", "2026-01-02T12:00:00.000000Z", None, "1", "the first"),
        ("bob", "2026-01-02T13:00:00.000000Z", "1", "3", "better"),
    ]


def test_a_rollback_is_one_step_back_and_another_one_undoes_it(client: Any) -> None:
    promote_model_to_stage(NAME, "Production", "1")
    promote_model_to_stage(NAME, "Production", "3")
    made = roll_back(NAME, "champion", who="ann")
    assert (made.before, made.after, made.why) == ("3", "1", "rolled back")
    assert roles(client, NAME) == {"champion": "1", "previous": "3"}
    assert roll_back(NAME, "champion").after == "3"


def test_without_a_predecessor_there_is_no_way_back(client: Any) -> None:
    promote_model_to_stage(NAME, "Production", "1")
    with pytest.raises(Misuse, match=r"no version of .* stood behind champion before"):
        roll_back(NAME, "champion")


def test_versions_are_listed_newest_first_with_what_they_are(client: Any) -> None:
    promote_model_to_stage(NAME, "Production", "2")
    assert [(each.version, each.aliases) for each in versions_of(NAME)] == [
        ("3", []),
        ("2", ["champion"]),
        ("1", []),
    ]
    assert versions_of("Nobody") == []


def test_an_alias_is_rolled_back_to_what_stood_there_whatever_moved_behind_another(client: Any) -> None:
    promote_model_to_stage(NAME, "Production", "1")
    promote_model_to_stage(NAME, "Production", "3")
    promote_model_to_stage(NAME, "Staging", "1")
    promote_model_to_stage(NAME, "Staging", "2")
    promote_model_to_stage(NAME, "Staging", "3")
    assert roles(client, NAME)["previous"] == "2"
    assert roll_back(NAME, "champion").after == "1"
    assert roles(client, NAME) == {"champion": "1", "challenger": "3", "previous": "3"}
    assert roll_back(NAME, "champion").after == "3"
    assert roll_back(NAME, "challenger").after == "2"


def test_an_alias_that_was_promoted_once_has_no_way_back_though_another_has(client: Any) -> None:
    promote_model_to_stage(NAME, "Production", "1")
    promote_model_to_stage(NAME, "Production", "2")
    promote_model_to_stage(NAME, "Staging", "3")
    with pytest.raises(Misuse, match=r"behind challenger before.*Next: fraudml models promote .* --version"):
        roll_back(NAME, "challenger")
    assert roles(client, NAME)["challenger"] == "3"


def test_a_version_promoted_again_is_still_rolled_back_to_the_one_before() -> None:
    for version in ("1", "2", "2"):
        promote_model_to_stage(NAME, "Production", version)
    assert roll_back(NAME, "champion").after == "1"


def test_a_version_that_no_record_put_there_is_not_rolled_back(client: Any) -> None:
    promote_model_to_stage(NAME, "Production", "1")
    promote_model_to_stage(NAME, "Production", "2")
    client.set_registered_model_alias(NAME, "champion", "3")
    with pytest.raises(Misuse, match="no promotion on record put 3 in the place of another"):
        roll_back(NAME, "champion")


def test_a_model_that_is_not_registered_cannot_be_rolled_back() -> None:
    with pytest.raises(Misuse, match="FraudDetection_None has no version"):
        roll_back("FraudDetection_None", "champion")


@pytest.mark.parametrize(("who", "why"), [("ann", "y" * 501), ("a" * 130, "better")])
def test_words_that_the_record_does_not_hold_are_refused_and_nothing_moves(
    client: Any, who: str, why: str
) -> None:
    with pytest.raises(Misuse, match=r"has \d+ characters.*Next: say it shorter"):
        promote_model_to_stage(NAME, "Production", "1", who=who, why=why)
    assert (roles(client, NAME), promotions_of(NAME)) == ({}, [])


def test_the_longest_words_are_kept_in_a_tag_that_every_registry_holds(client: Any) -> None:
    promote_model_to_stage(NAME, "Production", "1", who="\x01" * 129, why="\x01" * 500)
    (text,) = client.get_registered_model(NAME).tags.values()
    assert len(text) <= 5000
    assert promotions_of(NAME)[0].why == "\x01" * 500


def test_metrics_that_a_record_cannot_hold_do_not_keep_a_version_from_being_promoted(
    client: Any, tmp_path: Path
) -> None:
    run_id = client.create_run("0").info.run_id
    client.log_metric(run_id, "not_a_number", float("nan"))
    version = client.create_model_version(NAME, str(tmp_path), run_id=run_id).version
    promote_model_to_stage(NAME, "Production", str(version))
    for number in range(300):
        client.log_metric(run_id, f"metric_{number}", 0.1234567)
    promote_model_to_stage(NAME, "Staging", str(version))
    assert [each.metrics for each in promotions_of(NAME)] == [{}, {}]


@pytest.mark.parametrize("version", ["abc", "", "-1", "1.0", "²"])
def test_what_is_no_number_is_no_version_and_nothing_moves(client: Any, version: str) -> None:
    with pytest.raises(Misuse, match=r"is no version of a model.*Next: fraudml models list"):
        promote_model_to_stage(NAME, "Production", version)
    assert roles(client, NAME) == {}


@pytest.mark.parametrize("version", ["0", "99999999999999999999"])
def test_a_number_that_no_version_has_is_refused(version: str) -> None:
    with pytest.raises(Misuse, match=f"has no version {version}"):
        promote_model_to_stage(NAME, "Production", version)


def failing(*_: object, **__: object) -> None:
    from mlflow.exceptions import MlflowException

    raise MlflowException("the disk is full")


def test_an_alias_does_not_move_when_its_record_cannot_be_kept(
    client: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    promote_model_to_stage(NAME, "Production", "1")
    monkeypatch.setattr("mlflow.MlflowClient.set_registered_model_tag", failing)
    with pytest.raises(RegistryUnavailable, match="the disk is full"):
        promote_model_to_stage(NAME, "Production", "2")
    assert roles(client, NAME) == {"champion": "1"}


def test_a_promotion_that_did_not_happen_is_not_on_record(
    client: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    promote_model_to_stage(NAME, "Production", "1")
    monkeypatch.setattr("mlflow.MlflowClient.set_registered_model_alias", failing)
    with pytest.raises(RegistryUnavailable, match="the disk is full"):
        promote_model_to_stage(NAME, "Production", "2")
    assert [each.after for each in promotions_of(NAME)] == ["1"]


def test_a_record_left_of_a_promotion_that_failed_misleads_no_rollback(
    client: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    promote_model_to_stage(NAME, "Production", "1")
    promote_model_to_stage(NAME, "Production", "2")
    with monkeypatch.context() as patch:
        patch.setattr("mlflow.MlflowClient.set_registered_model_alias", failing)
        patch.setattr("mlflow.MlflowClient.delete_registered_model_tag", failing)
        with pytest.raises(RegistryUnavailable):
            promote_model_to_stage(NAME, "Production", "3")
    assert promotions_of(NAME)[-1].after == "3"
    assert roll_back(NAME, "champion").after == "1"
