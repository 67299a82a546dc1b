"""Decisions: how many, which, how fast, and what was set aside."""

from deploy.grafana.boards import Board, Variable
from deploy.grafana.panels import BAD, GOOD, PLAIN, SECOND, WARNING, Query, graph, number

VERDICTS = {"approve": GOOD, "review": WARNING, "decline": BAD}
CHOSEN = 'job="worker",variant=~"$variant"'
FLAGGED = f'{CHOSEN},decision=~"review|decline"'

_NOW = [
    number(
        "Decisions a second",
        "Made by workers and told by gateways, in the last five minutes.",
        "sum(job_decision:fraud_predictions:rate5m)",
        "reqps",
        width=6,
    ),
    number(
        "Flagged, 1 h",
        "Share of the stream's decisions that are reviews or declines, over all variants.",
        'sum(rate(fraud_predictions_total{job="worker",decision=~"review|decline"}[1h]))'
        ' / sum(rate(fraud_predictions_total{job="worker"}[1h]))',
        "percentunit",
        width=6,
    ),
    number(
        "With less than everything",
        "Decisions a second that were made without histories or without a model.",
        "sum(rate(fraud_degraded_decisions_total[$__rate_interval]))",
        "reqps",
        (0.001, 1),
        width=6,
    ),
    number(
        "Set aside, 1 h",
        "Dead letters of the last hour.",
        "sum(increase(fraud_dead_letters_total[1h])) or vector(0)",
        "short",
        (1, 100),
        width=6,
    ),
]
_WHAT = [
    graph(
        "Decisions by verdict",
        "Of the stream, by the chosen variants.",
        [
            Query(
                f"sum by (decision) (rate(fraud_predictions_total{{{CHOSEN}}}[$__rate_interval]))",
                "{{decision}}",
            )
        ],
        "reqps",
        stacked=True,
        colours=VERDICTS,
    ),
    graph(
        "Flagged share",
        "Reviews and declines among decisions, by variant. A step without a promotion wants a look at drift.",
        [
            Query(
                f"sum by (variant) (rate(fraud_predictions_total{{{FLAGGED}}}[$__rate_interval]))"
                f" / sum by (variant) (rate(fraud_predictions_total{{{CHOSEN}}}[$__rate_interval]))",
                "{{variant}}",
            )
        ],
        "percentunit",
        colours={"champion": PLAIN, "challenger": SECOND},
    ),
    graph(
        "By stream and by HTTP",
        "Decisions made by workers, and told by gateways.",
        [Query("sum by (job) (rate(fraud_predictions_total[$__rate_interval]))", "{{job}}")],
        "reqps",
        colours={"worker": PLAIN, "gateway": SECOND},
    ),
    graph(
        "Latency, 99 %",
        "Worker: from the broker to the committed decision. Gateway: from the request to the answer.",
        [
            Query("job:fraud_prediction_latency_seconds:p99_5m", "{{job}}"),
        ],
        "s",
        colours={"worker": PLAIN, "gateway": SECOND},
    ),
]
_ASIDE = [
    graph(
        "Dead letters",
        "Records set aside in ten minutes, by topic and reason.",
        [
            Query(
                "sum by (topic, reason) (increase(fraud_dead_letters_total[10m])) or vector(0)",
                "{{topic}} {{reason}}",
            )
        ],
        "short",
        width=8,
    ),
    graph(
        "Ids that came again",
        "duplicate: with the same body. conflict: with another one; the first stands.",
        [Query("sum by (kind) (rate(fraud_duplicates_total[$__rate_interval]))", "{{kind}}")],
        "cps",
        width=8,
        colours={"duplicate": PLAIN, "conflict": BAD},
    ),
    graph(
        "Labels by what became of them",
        "parked: its transaction is not decided yet. expired: it did not come, and the label is set aside.",
        [Query("sum by (outcome) (rate(fraud_labels_total[$__rate_interval]))", "{{outcome}}")],
        "cps",
        width=8,
        colours={"accepted": GOOD, "expired": BAD},
    ),
    graph(
        "Made with less than everything",
        "By reason: no_history while Redis is away or made anew, no_model before a gateway has one.",
        [
            Query(
                "sum by (job, reason) (rate(fraud_degraded_decisions_total[$__rate_interval]))",
                "{{job}} {{reason}}",
            )
        ],
        "reqps",
        width=12,
    ),
    graph(
        "Answers that do not stand, marks that are not ours",
        "Of 15 minutes: what callers heard and the ledger contradicts; records with a forged decision.",
        [
            Query("sum(increase(fraud_answer_conflicts_total[15m]))", "answers that do not stand"),
            Query("sum(increase(fraud_marks_refused_total[15m]))", "marks that are not ours"),
        ],
        "short",
        width=12,
        colours={"answers that do not stand": WARNING, "marks that are not ours": BAD},
    ),
]

DECISIONS = Board(
    "fraudml-decisions",
    "Fraud scoring: decisions",
    "How many, which, how fast, and what was set aside.",
    [Variable("variant", "fraud_predictions_total")],
    [("Now", _NOW), ("Decisions", _WHAT), ("Set aside, repeated, less than whole", _ASIDE)],
)
