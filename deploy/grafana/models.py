"""Models: what decides, on how much, and how differently. How well: the monitor's page Models."""

from deploy.grafana.boards import Board
from deploy.grafana.panels import BAD, PLAIN, SECOND, WARNING, Query, graph, number

CHOSEN = 'job="worker"'
VERSIONS = f"group by (variant, model, version) (fraud_model_info{{{CHOSEN}}})"


def _rate(selector: str) -> str:
    return f"sum by (variant) (rate(fraud_predictions_total{{{selector}}}[$__rate_interval]))"


def _share_of(verdict: str) -> Query:
    chosen = f'{CHOSEN},decision="{verdict}"'
    return Query(f"{_rate(chosen)} / {_rate(CHOSEN)}", "{{variant}}")


_NOW = [
    number(
        "Versions in force",
        "Models that decide at this moment, over all variants.",
        f"count({VERSIONS})",
        "short",
        width=6,
    ),
    number(
        "Workers that disagree",
        "Variants that workers decide by more than one version.",
        f"count(count by (variant) ({VERSIONS}) > 1) or vector(0)",
        "short",
        (1, 2),
        width=6,
    ),
    number(
        "Versions refused, 1 h",
        "Times that a worker refused a version which did not prove itself.",
        "sum(increase(fraud_models_refused_total[1h]))",
        "short",
        (1, 2),
        width=6,
    ),
    number(
        "Workers that hear of no promotion",
        "Their models, policy and split may be stale.",
        'sum(fraud_lookups_failing{job="worker"})',
        "short",
        (1, 2),
        width=6,
    ),
]
_IN_FORCE = [
    graph(
        "Models in force",
        "Workers by version. Two lines of a variant: a promotion is on its way, or stuck.",
        [
            Query(
                'count by (variant, model, version) (fraud_model_info{job="worker"})',
                "{{variant}}: {{model}} {{version}}",
            )
        ],
        "short",
    ),
    graph(
        "Policy and split in force",
        "Workers by what they decide with.",
        [Query('count by (policy, ab) (fraud_rules_info{job="worker"})', "policy {{policy}}, split {{ab}}")],
        "short",
    ),
]
_SHARES = [
    graph(
        "Decisions by variant",
        "The split as it turns out.",
        [
            Query(
                'sum by (variant) (rate(fraud_predictions_total{job="worker"}[$__rate_interval]))',
                "{{variant}}",
            )
        ],
        "reqps",
        stacked=True,
        colours={"champion": PLAIN, "challenger": SECOND},
    ),
    graph(
        "Flagged share, last hour and last day",
        "Twice or half of the day before is worth a ticket.",
        [
            Query("variant:fraud_flagged:ratio_rate1h", "{{variant}}, 1 h"),
            Query("variant:fraud_flagged:ratio_rate1d", "{{variant}}, 1 d"),
        ],
        "percentunit",
    ),
    graph(
        "Reviews by variant",
        "Share of decisions.",
        [
            _share_of("review"),
        ],
        "percentunit",
        colours={"champion": WARNING, "challenger": SECOND},
    ),
    graph(
        "Declines by variant",
        "Share of decisions.",
        [
            _share_of("decline"),
        ],
        "percentunit",
        colours={"champion": BAD, "challenger": SECOND},
    ),
    graph(
        "Time that scoring takes",
        "Seconds of each second that workers spend on the step.",
        [
            Query(
                'sum by (instance) (rate(fraud_sweep_step_seconds_total{step="score"}[$__rate_interval]))',
                "{{instance}}",
            )
        ],
        "percentunit",
        width=24,
    ),
]

MODELS = Board(
    "fraudml-models",
    "Fraud scoring: models",
    "What decides, on how much, and how differently. How well: the monitor's page Models.",
    [],
    [("Now", _NOW), ("In force", _IN_FORCE), ("How they differ", _SHARES)],
)
