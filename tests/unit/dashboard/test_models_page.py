"""The page Models: what it asks, and what each card says of the answers."""

from typing import Any

import pytest

from api.examples import AUDIT_ROW, MODEL, POLICY
from dashboard.asking import Asking
from dashboard.gateway import GatewayClient
from dashboard.pages.models import MODELS
from models.errors import BadSetting
from tests.unit.dashboard.conftest import Clock
from tests.unit.dashboard.fake_gateway import FakeGateway, problem
from tests.unit.dashboard.model_answers import (
    ANSWERS,
    QUALITY,
    STATS,
    VIC,
    asking_of,
    card,
    difference,
    figure_in,
    shown,
    tell,
    variant,
    view_at,
)

CARDS = ("in-force", "changes", "versions", "metrics", "curves", "what-if", "drift")
AWAY = problem(503, "unavailable", "A dependency does not answer", "MLflow is away")


@pytest.fixture
def asking(gateway: FakeGateway, client: GatewayClient, clock: Clock) -> Asking:
    tell(gateway)
    return asking_of(client, clock)


def asked_of(gateway: FakeGateway, path: str) -> list[dict[str, str]]:
    return [dict(each.url.params) for each in gateway.asked if each.url.path == path]


def test_it_asks_each_question_once_and_lets_the_gateway_choose_the_time(
    asking: Asking, gateway: FakeGateway
) -> None:
    shown(asking)
    assert sorted(gateway.paths()) == sorted(ANSWERS)
    assert asked_of(gateway, "/v1/quality") == [{}]
    assert asked_of(gateway, "/v1/what-if") == [{"review": "0.3", "decline": "0.8"}]


def test_models_are_asked_for_at_most_once_a_minute(
    asking: Asking, gateway: FakeGateway, clock: Clock
) -> None:
    for _ in range(60):
        shown(asking)
        clock.now_s += 1
    assert gateway.paths().count("/v1/models") == 1
    assert gateway.paths().count("/v1/quality") == 1
    assert gateway.paths().count("/v1/ab") > 5


def test_what_has_not_changed_is_not_drawn_again(asking: Asking, clock: Clock) -> None:
    first = shown(asking)
    clock.now_s += 30
    second = shown(asking)
    assert [first[place] is second[place] for place in first if "standing" not in place[0]] == [True] * (
        len(first) - 1
    )


def test_event_times_of_the_address_are_those_of_labels_and_not_of_drift(
    asking: Asking, gateway: FakeGateway
) -> None:
    shown(asking, "?from=2026-01-01T00:00:00Z&to=2026-02-01T00:00:00Z")
    span = {"from": "2026-01-01T00:00:00Z", "to": "2026-02-01T00:00:00Z"}
    assert asked_of(gateway, "/v1/quality") == [span]
    assert asked_of(gateway, "/v1/what-if")[0].items() >= span.items()
    assert asked_of(gateway, "/v1/drift") == [{}]


def test_a_paused_page_shows_nothing_of_later(asking: Asking, gateway: FakeGateway) -> None:
    shown(asking, "?at=2026-02-28T12:00:00Z")
    assert asked_of(gateway, "/v1/drift") == [{"to": "2026-02-28T12:00:00Z"}]
    assert asked_of(gateway, "/v1/quality") == [{"to": "2026-02-28T12:00:00Z"}]


@pytest.mark.parametrize(
    "search",
    [
        "?review=0.4",
        "?decline=0.4",
        "?review=a&decline=0.5",
        "?review=0.9&decline=0.2",
        "?review=nan&decline=1",
        "?review=-1&decline=0.5",
        "?review=0.1&decline=1.1",
        "?review=&decline=x",
    ],
)
def test_thresholds_that_cannot_be_are_told_and_asked_of_nobody(
    asking: Asking, gateway: FakeGateway, search: str
) -> None:
    with pytest.raises(BadSetting, match="thresholds in the address"):
        shown(asking, search)
    with pytest.raises(BadSetting, match="thresholds in the address"):
        MODELS.layout(view_at(search), VIC)
    assert gateway.asked == []


def test_thresholds_of_the_address_are_asked_about(asking: Asking, gateway: FakeGateway) -> None:
    found = shown(asking, "?review=0.2&decline=0.8")
    assert asked_of(gateway, "/v1/what-if") == [{"review": "0.2", "decline": "0.8"}]
    assert found["models-standing", "data"] == {"review": 0.2, "decline": 0.8}


def test_it_says_what_is_in_force(asking: Asking) -> None:
    said = card(shown(asking), "in-force")
    assert "Split more-lightgbm" in said
    assert "champion 80.00% FraudDetection_XGBoost as champion v2" in said
    assert "Policy may-1" in said
    assert "Since 2026-06-01 08:00, by ml/console: reviewed with the fraud desk" in said
    assert "0.00 0.3 0.8 500.00 0.1 0.5" in said
    assert "approve from 0.00 on, review from 50.00 on" in said
    assert "▲" not in said


def test_it_says_that_a_change_has_not_arrived(gateway: FakeGateway, asking: Asking) -> None:
    tell(gateway, stats={**STATS, "in_force": {**STATS["in_force"], "policy_version": "default-1"}})
    assert "▲ The gateway still decides by policy default-1" in card(shown(asking), "in-force")


def test_it_says_who_changed_what_decides(gateway: FakeGateway, asking: Asking) -> None:
    failed = {
        **AUDIT_ROW,
        "action": "promote",
        "object": "FraudDetection_XGBoost@champion",
        "before": None,
        "after": "3",
        "outcome": "failed",
    }
    tell(gateway, audit={"rows": [failed, AUDIT_ROW, {**AUDIT_ROW, "action": "revoke"}], "next_before": None})
    said = card(shown(asking), "changes")
    assert "▲ failed: FraudDetection_XGBoost as champion: nothing → 3" in said
    assert "policy: default-1 → may-1 reviewed with the fraud desk" in said
    assert said.count("default-1 → may-1") == 1


@pytest.mark.parametrize(
    ("metrics", "told"),
    [
        ({}, []),
        ({"auc_roc": 0.87}, ["AUC-ROC in training"]),
        (
            {"auc_roc": 0.87, "average_precision": 0.6},
            ["AUC-ROC in training", "Average precision in training"],
        ),
    ],
)
def test_a_metric_that_no_version_has_takes_no_column(
    gateway: FakeGateway, asking: Asking, metrics: dict[str, float], told: list[str]
) -> None:
    version: Any = MODEL["versions"][0]
    versions = [{**version, "metrics": metrics}, {**version, "version": "1", "metrics": {}}]
    tell(gateway, models={"models": [{**MODEL, "versions": versions}]})
    said = card(shown(asking), "versions")
    columns = ("AUC-ROC in training", "Average precision in training")
    assert [each for each in columns if each in said] == told


def test_it_says_which_versions_there_are_and_who_promoted_them(asking: Asking) -> None:
    said = card(shown(asking), "versions")
    assert "v2 champion 2026-06-01 07:00 0.870 as champion" in said
    assert "as champion, 2026-06-01 08:00, by ml/console better on May" in said
    assert "All promotions (1)" in said


def test_variants_that_cannot_be_told_apart_are_said_to_be(asking: Asking) -> None:
    said = card(shown(asking), "metrics")
    assert "The data cannot tell the variants apart" in said
    assert "✓ Sample ratio: customers (champion 4,480, challenger 505) are as many as the split says" in said
    assert "AUC-ROC 0.871 0.858 to 0.884 0.867 0.854 to 0.880 −0.004 −0.021 to +0.013 not told apart" in said
    assert "Amounts in EUR" in said


@pytest.mark.parametrize(
    ("changed", "words"),
    [
        (
            {"differences": [difference("auc_roc", -0.04, 0.017, True)]},
            "They differ: AUC-ROC of challenger is −0.040 (−0.057 to −0.023) from that of champion",
        ),
        ({"sample_ratio_ok": False, "sample_ratio_p": 1e-7}, "▲ Do not compare"),
        (
            {
                "variants": [variant("champion", 0.87)],
                "differences": [],
                "sample_ratio_p": 1.0,
                "without_labels": ["challenger"],
            },
            "Only champion has labels that are old enough; challenger has none yet",
        ),
        ({"truncated": True}, "only the newest count"),
        ({"variants": [{**variant("champion", 0.8), "auc_roc": None, "precision_recall": []}]}, "AUC-ROC –"),
    ],
)
def test_it_says_what_the_data_tell(
    gateway: FakeGateway, asking: Asking, changed: dict[str, Any], words: str
) -> None:
    tell(gateway, quality={**QUALITY, **changed})
    assert words in card(shown(asking), "metrics")


def test_each_figure_has_its_interval_and_variants_differ_by_more_than_colour(asking: Asking) -> None:
    found = shown(asking)
    dots = figure_in(found, "metrics", "metrics-dots")["data"]
    assert [(each["name"], each["x"]) for each in dots[:2]] == [
        ("champion", [0.871]),
        ("challenger", [0.867]),
    ]
    assert dots[0]["error_x"]["arrayminus"] == [pytest.approx(0.013)]
    for graph in ("calibration", "precision-recall", "costs"):
        drawn = figure_in(found, "curves", graph)["data"]
        lines = [each for each in drawn if each.get("name") in ("champion", "challenger") and "line" in each]
        assert {each["line"]["dash"] for each in lines} == {"solid", "dash"}
        assert {each["marker"]["symbol"] for each in lines} == {"circle", "square"}


def test_what_was_observed_never_lies_at_the_lower_edge_of_a_logarithmic_axis(asking: Asking) -> None:
    drawn = figure_in(shown(asking), "curves", "calibration")
    diagonal, champion = drawn["data"][0], drawn["data"][1]
    assert diagonal["x"] == diagonal["y"] == [0.001, 1]
    assert champion["y"][0] == 0.001
    assert champion["customdata"][0] == [0.0, 4_065]


def test_thresholds_in_force_are_drawn_over_all_amounts(asking: Asking) -> None:
    found = shown(asking)
    shapes = figure_in(found, "curves", "costs")["layout"]["shapes"]
    assert [(each["label"]["text"], each["x0"], each["x1"]) for each in shapes] == [
        ("review", 0.1, 0.3),
        ("decline", 0.5, 0.8),
    ]
    assert "review from 0.1 to 0.3, decline from 0.5 to 0.8, by amount" in card(found, "curves")
    marks = [
        each["text"] for each in figure_in(found, "curves", "precision-recall")["data"] if "text" in each
    ]
    assert marks == [["R"], ["R"], ["D"], ["D"]] * 2


def test_the_what_if_is_told_in_words_and_figures(asking: Asking) -> None:
    said = card(shown(asking, "?review=0.2&decline=0.8"), "what-if")
    assert "21.5 reviews a day (7.0 more) and 11.6 declines a day (the same)" in said
    assert "It misses 26 frauds fewer; the amount missed is 140.00 less" in said
    assert "A thousand transactions cost 5.00 less" in said
    assert "Frauds missed 222 196 −26" in said
    assert "Expected cost per 1,000 284.00 279.00 −5.00" in said
    assert "The policy in force has 2 bands of amounts" in said


def test_features_are_sorted_by_their_drift_and_bands_have_names(asking: Asking) -> None:
    found = shown(asking)
    said = card(found, "drift")
    assert "2 of 3 features have shifted: amount_minor (▲ significant shift, PSI 0.310)" in said
    assert "amount_minor 0.310 ▲ significant shift 53.00 → 61.00" in said
    assert said.rindex("amount_minor") < said.rindex("customer_tx_count_7d") < said.rindex("is_night")
    axis = figure_in(found, "drift", "drift-0")["layout"]["yaxis"]
    assert axis["categoryarray"][-1] == "amount_minor"


def test_a_policy_with_many_bands_is_folded(gateway: FakeGateway, asking: Asking) -> None:
    bands = [{"amount_minor": 100 * place, "review_at": 0.1, "decline_at": 0.9} for place in range(6)]
    policies = {**ANSWERS["/v1/policies"], "policy": {**POLICY, "bands": bands}}
    tell(gateway, policies=policies)
    assert "Thresholds of 6 bands of amounts" in card(shown(asking), "in-force")
