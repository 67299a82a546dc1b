"""Who is who in Kafka, as it is told on the command line; and what every role is declared to do there."""

from pathlib import Path

import pytest
from typer.testing import CliRunner

from deploy.access.kafka_access import declared, principals_of
from deploy.cli.main import app
from deploy.stack.temporary import own_settings
from models.errors import Misuse
from streams.settings import Settings


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return own_settings(tmp_path)


def test_a_principal_may_hold_the_signs_of_a_certificates_name(settings: Settings) -> None:
    told = ["worker=User:CN=worker,OU=fraud", "gateway=User:gateway"]
    assert principals_of(told, settings) == {
        "worker": "User:CN=worker,OU=fraud",
        "gateway": "User:gateway",
    }


@pytest.mark.parametrize(
    "told",
    [
        ["worker"],
        ["worker="],
        ["worker=me"],
        ["worker=User:"],
        ["worker=User:*"],
        ["boss=User:boss"],
        ["worker=User:a"] * 2,
    ],
)
def test_what_names_no_role_and_principal_is_told_with_the_form_to_use(
    told: list[str], settings: Settings
) -> None:
    with pytest.raises(Misuse, match=r"cannot be\. .*Roles: worker, gateway, auditor\. Next: write it as"):
        principals_of(told, settings)


def test_the_declared_rules_follow_the_names_of_topics_and_group(settings: Settings) -> None:
    renamed = settings.model_copy(update={"transactions_topic": "tx", "group_id": "our-group"})
    rules = [each for each in declared(renamed) if each.role == "worker"]
    assert ("topic", "tx", "read") in [(each.kind, each.name, each.operation) for each in rules]
    assert ("group", "our-group", "read") in [(each.kind, each.name, each.operation) for each in rules]
    assert {each.state for each in rules} == {"declared"}


def test_nobody_asks_for_json_and_has_rights_changed() -> None:
    done = CliRunner().invoke(app, ["access", "--json"])
    assert done.exit_code == 2
