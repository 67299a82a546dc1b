"""Quality, what-if and drift of a gateway, over rows that others write: figures, and nothing where there is
nothing yet."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any

import httpx
import msgspec
import pytest

from models.ab_test import create_default_ab_config
from models.transaction import time_of_ms
from streams.quality.answering import NO_LABEL, NO_MODEL
from streams.quality.documents import Drift, Quality, WhatIf
from tests.builders import NOON_MS, label
from tests.contracts.offers import label_next
from tests.contracts.test_answers import answered
from tests.integration.api.test_gateway_lists import BOOTSTRAP, Gateway, running
from tests.stores import Stores, empty_ledger

pytestmark = [pytest.mark.stack, pytest.mark.timeout(180)]

NOON = time_of_ms(NOON_MS)
SPLIT = create_default_ab_config()
SPAN = {
    "from": (NOON - timedelta(days=1)).isoformat(),
    "to": (NOON + timedelta(days=30)).isoformat(),
}
KINDS = {"/v1/quality": Quality, "/v1/what-if": WhatIf, "/v1/drift": Drift}


@pytest.fixture(scope="module")
def gateway(stores: Stores, own_database: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Gateway]:
    empty_ledger(own_database)
    with running(stores, own_database, tmp_path_factory.mktemp("gateway")) as gateway:
        yield gateway


@pytest.fixture(scope="module")
def caller(gateway: Gateway) -> Iterator[httpx.Client]:
    headers = {"X-API-Key": BOOTSTRAP}
    with httpx.Client(base_url=gateway.address, headers=headers, timeout=60) as client:
        yield client


def got(caller: httpx.Client, path: str, **asked: Any) -> Any:
    answer = caller.get(path, params=asked)
    assert answer.status_code == 200, answer.text
    return msgspec.json.decode(answer.content, type=KINDS[path])


def test_before_any_label_has_come_there_is_a_reason_and_no_error(caller: httpx.Client) -> None:
    quality, what_if = got(caller, "/v1/quality"), got(caller, "/v1/what-if", review=0.2, decline=0.7)
    assert (quality.why, quality.labelled, quality.variants) == (NO_LABEL, 0, [])
    assert (what_if.why, what_if.labelled, what_if.asked) == (NO_LABEL, 0, None)
    drift = got(caller, "/v1/drift")
    assert (drift.why, drift.models) == (NO_MODEL, [])


def test_what_became_of_decisions_is_told_by_variant(gateway: Gateway, caller: httpx.Client) -> None:
    """Sixty reviews, a day each of thirty; the higher the score, the likelier a fraud."""
    names = {"champion": "FraudDetection_XGBoost", "challenger": "FraudDetection_LightGBM"}
    made = [
        answered(
            f"tx-{variant}-{number}",
            ab_version=SPLIT.version,
            variant=variant,
            model_name=names[variant],
            model_version="1",
            customer_id=f"c-{number}",
            amount_minor=1000 * number,
            score=0.31 + number / 100,
            event_time=NOON + timedelta(days=number),
        )
        for variant in names
        for number in range(30)
    ]
    gateway.ledger.answer(made)
    fraud = {each.decided.transaction_id for each in made if each.decided.score > 0.5}
    ids = [each.decided.transaction_id for each in made]
    label_next(gateway.ledger, *(label(each, label="fraud" if each in fraud else "genuine") for each in ids))

    found = got(caller, "/v1/quality", **SPAN)
    assert (found.labelled, found.ab_version, found.truncated, found.why) == (60, "default-1", False, None)
    assert [(each.name, each.transactions, each.frauds) for each in found.variants] == [
        ("champion", 30, 10),
        ("challenger", 30, 10),
    ]
    assert found.variants[0].models == ["FraudDetection_XGBoost@1"]
    assert found.variants[0].auc_roc.value == 1.0
    assert found.variants[0].review_rate.value == 1.0
    # Half of the customers each is not nine in ten and one.
    assert not found.sample_ratio_ok
    assert {each.figure for each in found.differences} >= {"auc_roc", "cost_per_thousand_minor"}

    what = got(caller, "/v1/what-if", review=0.505, decline=0.9, variant="champion", **SPAN)
    assert (what.labelled, what.frauds, what.days) == (30, 10, 30)
    assert (what.asked.reviews_per_day, what.in_force.reviews_per_day) == (pytest.approx(1 / 3), 1.0)
    assert (what.asked.frauds_caught, what.differences.frauds_caught) == (10, 0)
    assert what.differences.cost_per_thousand_minor == pytest.approx(-500 * 1000 * 20 / 30)


def test_who_asks_the_same_at_once_gets_the_same(caller: httpx.Client) -> None:
    with ThreadPoolExecutor(4) as threads:
        answers = list(threads.map(lambda _: caller.get("/v1/quality", params=SPAN).content, range(4)))
    assert len(set(answers)) == 1


@pytest.mark.parametrize(
    "asked",
    [
        "/v1/quality?from=2018-06-02T00:00:00Z&to=2018-06-01T00:00:00Z",
        "/v1/quality?missed_share=2",
        "/v1/what-if",
        "/v1/what-if?review=0.8&decline=0.7",
        "/v1/what-if?review=0.1&decline=0.7&variant=",
        "/v1/drift?to=0001-01-01T00:00:00Z",
    ],
)
def test_what_cannot_be_asked_is_told(caller: httpx.Client, asked: str) -> None:
    refused = caller.get(asked)
    assert (refused.status_code, refused.json()["code"]) == (422, "invalid_value"), refused.text
