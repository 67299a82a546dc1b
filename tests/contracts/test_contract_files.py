"""The contracts as they are committed and explained: the files, the topics, the page with its examples."""

import json
import re
from datetime import UTC, datetime
from pathlib import Path
from shutil import copy
from typing import Any

import pytest
import yaml
from referencing import Registry
from referencing.jsonschema import DRAFT202012

from models.decision import alert_id_of
from streams.codecs import TransactionCodec
from streams.contracts.__main__ import main
from streams.contracts.asyncapi import channels_of
from streams.contracts.files import ASYNCAPI, FOLDER, contract_files
from streams.contracts.headers import REASONS
from streams.contracts.schemas import DOCUMENTS
from streams.dead_letters import headers_of
from streams.settings import Settings
from streams.topics import topics
from tests.builders import sweep_of
from tests.contracts.test_documents import SCHEMAS, fits

PAGE = (FOLDER.parents[1] / "docs/contracts.md").read_text(encoding="utf-8")
API = yaml.safe_load((FOLDER / ASYNCAPI).read_bytes())
TOPICS = topics(Settings.model_construct())


def examples() -> dict[str, Any]:
    """The documents shown on the page, by their sections."""
    sections = re.findall(r"^## ([\w ]+)\n(.*?)(?=^## |\Z)", PAGE, re.DOTALL | re.MULTILINE)
    shown = {
        title.replace(" ", "-"): re.search(r"```json\n(.*?)```", text, re.DOTALL) for title, text in sections
    }
    return {title: json.loads(block[1]) for title, block in shown.items() if block}


def test_the_committed_files_are_what_the_types_give() -> None:
    assert main(["--check"]) == 0


@pytest.mark.parametrize("name", [*contract_files(), "spare.schema.json"])
def test_a_file_that_differs_fails_the_check_until_all_are_written_anew(
    name: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for file in contract_files():
        copy(FOLDER / file, tmp_path)
    (tmp_path / name).write_text("{}")
    assert main(["--check"], tmp_path) == 1
    assert name in capsys.readouterr().err
    assert main([], tmp_path) == 0
    assert main(["--check"], tmp_path) == 0


def test_the_environment_does_not_change_the_files(monkeypatch: pytest.MonkeyPatch) -> None:
    before = contract_files()
    monkeypatch.setenv("FRAUDML_ALERTS_TOPIC", "elsewhere")
    monkeypatch.setenv("KAFKA_BOOTSTRAP_SERVERS", "elsewhere:9092")
    assert contract_files() == before


def references(node: Any) -> list[str]:
    if isinstance(node, list):
        return [found for each in node for found in references(each)]
    if not isinstance(node, dict):
        return []
    own = [node["$ref"]] if "$ref" in node else []
    return own + [found for each in node.values() for found in references(each)]


def test_every_reference_leads_somewhere() -> None:
    files = {ASYNCAPI: API} | {f"{name}.schema.json": schema for name, schema in SCHEMAS.items()}
    resources = [(name, DRAFT202012.create_resource(content)) for name, content in files.items()]
    resolver = Registry().with_resources(resources).resolver(ASYNCAPI)
    found = {each: resolver.lookup(each).contents for each in references(API)}
    assert (
        found["./alert.schema.json#/properties/customer_id"] == SCHEMAS["alert"]["properties"]["customer_id"]
    )
    assert found.keys() >= {"./transaction.schema.json", "./label.schema.json", "./dead-letter.schema.json"}


def test_the_topics_listed_are_the_topics_there_are() -> None:
    assert {name: each["address"] for name, each in API["channels"].items()} == {
        t.name: t.name for t in TOPICS
    }
    for topic in TOPICS:
        binding = API["channels"][topic.name]["bindings"]["kafka"]
        assert binding["partitions"] == topic.partitions
        assert {name: str(value) for name, value in binding["topicConfiguration"].items()} == topic.config


def test_each_topic_carries_its_own_document_whatever_it_is_called() -> None:
    settings = Settings.model_construct(
        transactions_topic="payments", labels_topic="verdicts", alerts_topic="a"
    )
    carried = {each.topic.name: each.message for each in channels_of(settings)}
    assert carried == {
        "payments": "transaction",
        "verdicts": "label",
        "a": "alert",
        "payments.dlq": "dead_payments",
        "verdicts.dlq": "dead_verdicts",
    }


def test_the_scorer_receives_what_is_produced_for_it_and_sends_the_rest() -> None:
    acts = {(each["action"], each["channel"]["$ref"].split("/")[-1]) for each in API["operations"].values()}
    inputs = {("receive", "transactions"), ("receive", "labels")}
    assert acts == inputs | {("send", t.name) for t in TOPICS if t.name != "transactions"}


@pytest.mark.parametrize("name", DOCUMENTS)
def test_the_example_on_the_page_fits_and_shows_every_field(name: str) -> None:
    assert fits(name, examples()[name])
    assert examples()[name].keys() == SCHEMAS[name]["properties"].keys()


def test_the_page_explains_every_field_and_every_reason() -> None:
    names = {name for schema in SCHEMAS.values() for name in schema["properties"]} | REASONS.keys()
    explained = re.findall(r"`(\w+)`", " ".join(re.findall(r"^\| (.*?) \|", PAGE, re.MULTILINE)))
    assert names - {*explained} == {"alert_id"}  # in the words before the alert


def test_the_examples_tell_of_one_payment() -> None:
    paid, said, decided, alert = (examples()[each] for each in ("transaction", "label", "decision", "alert"))
    moments = [datetime.fromisoformat(each["event_time"]).astimezone(UTC) for each in (paid, alert)]
    assert said["transaction_id"] == paid["transaction_id"]
    assert alert == paid | decided | {"alert_id": alert_id_of(paid["transaction_id"])}
    assert moments[0] == moments[1]


def test_the_dead_letter_on_the_page_is_what_its_value_gives() -> None:
    value = PAGE.split("```text\n")[1].split("\n```")[0].encode()
    _, (letter,) = TransactionCodec("EUR", 300_000).decode(sweep_of(value))
    shown = examples()["dead-letter"]
    given_now = {name: text.decode() for name, text in headers_of(letter).items()}
    own = {"reason", "detail", "stage", "source_topic", "attempt", "schema_version"}
    assert {name: given_now[name] for name in own} == {name: shown[name] for name in own}


@pytest.mark.parametrize("name", DOCUMENTS)
def test_unknown_fields_fit_so_that_documents_may_gain_optional_ones(name: str) -> None:
    assert fits(name, examples()[name] | {"surprise": {"deep": [1, None]}})
