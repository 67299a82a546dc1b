"""Operations: is it up, does it keep up, what stands in its way."""

from deploy.grafana.boards import Board, Variable
from deploy.grafana.panels import (
    BAD,
    GOOD,
    PLAIN,
    QUANTILES,
    SECOND,
    WARNING,
    Query,
    graph,
    number,
    quantiles,
)
from deploy.grafana.processes import MONITOR, PROCESSES

OF_WORKERS = 'job="worker",instance=~"$instance"'
OF_GATEWAYS = 'job="gateway"'
LATENCY = "fraud_prediction_latency_seconds"

_NOW = [
    number(
        "Instances down",
        "Workers, gateways, background checks and monitors that Prometheus does not reach.",
        'count(up{job=~"worker|gateway|reconciler|monitor"} == 0) or vector(0)',
        "short",
        (1, 2),
    ),
    number(
        "Records that wait",
        "Over all topics: what workers have not finished.",
        "sum(topic:fraud_consumer_lag_records:sum)",
        "short",
        (1000, 10000),
    ),
    number(
        "Gateway errors, 1 h",
        "Share of requests answered with a 5xx; 0.1 % are allowed.",
        "job:fraud_api_errors:ratio_rate1h",
        "percentunit",
        (0.001, 0.01),
    ),
    number(
        "Slow answers, 1 h",
        "Share of the gateway's decisions later than 100 ms; 1 % may be.",
        "gateway:fraud_prediction_slow:ratio_rate1h",
        "percentunit",
        (0.01, 0.1),
    ),
    number(
        "Late records, 1 h",
        "Share of the stream's records decided later than 200 ms; 1 % may be.",
        "worker:fraud_prediction_slow:ratio_rate1h",
        "percentunit",
        (0.01, 0.1),
    ),
    number(
        "Proven right",
        "Share of all records since the background check began on which topics, stores and alerts agree.",
        "min(fraud_reconciled_ratio)",
        "percentunit",
        (0.999, 0.9),
    ),
]
_STREAM = [
    graph(
        "Lag by topic",
        "Records on the topic that are not finished. It grows where more comes in than is decided.",
        [Query(f"sum by (topic) (fraud_consumer_lag_records{{{OF_WORKERS}}})", "{{topic}}")],
        "short",
        colours={"transactions": PLAIN, "labels": SECOND},
    ),
    graph(
        "From the broker to the decision",
        "From the broker's timestamp to the committed decision. 99 % are to be within 200 ms.",
        quantiles(LATENCY, OF_WORKERS),
        "s",
        colours=QUANTILES,
        limit=0.2,
    ),
    graph(
        "What a sweep's time is spent on",
        "Seconds of each second, by step, at most one for each lane, and one for publish.",
        [
            Query(
                f"sum by (step) (rate(fraud_sweep_step_seconds_total{{{OF_WORKERS}}}[$__rate_interval]))",
                "{{step}}",
            )
        ],
        "percentunit",
        stacked=True,
    ),
    graph(
        "Transactions per sweep",
        "How many records are decided together, in the mean. It grows with load.",
        [
            Query(
                f"sum by (instance) (rate(fraud_sweep_records_sum{{{OF_WORKERS}}}[$__rate_interval]))"
                f" / sum by (instance) (rate(fraud_sweep_records_count{{{OF_WORKERS}}}[$__rate_interval]))",
                "{{instance}}",
            )
        ],
        "short",
    ),
]
_GATEWAY = [
    graph(
        "Requests by status",
        "Requests answered in a second, probes left out.",
        [
            Query(
                "sum by (status) (rate(fraud_api_requests_total{"
                f'{OF_GATEWAYS},route!~"/healthz|/readyz|/metrics|/version"}}[$__rate_interval]))',
                "{{status}}",
            )
        ],
        "reqps",
        width=8,
        stacked=True,
        colours={"200": GOOD, "202": PLAIN, "429": WARNING, "500": BAD, "503": BAD},
    ),
    graph(
        "From the request to the answer",
        "Of decisions over HTTP. 99 % are to be within 100 ms.",
        quantiles(LATENCY, OF_GATEWAYS),
        "s",
        width=8,
        colours=QUANTILES,
        limit=0.1,
    ),
    graph(
        "Requests in progress",
        "By gateway; beyond 512 a process sheds.",
        [Query(f"fraud_api_requests_in_progress{{{OF_GATEWAYS}}}", "{{instance}}")],
        "short",
        width=8,
    ),
]
_TROUBLE = [
    graph(
        "Calls that failed",
        "Of Kafka, Postgres, Redis and MLflow, by who called; they are tried again or done without.",
        [
            Query(
                "sum by (job, dependency) (rate(fraud_dependency_errors_total[$__rate_interval]))",
                "{{job}} {{dependency}}",
            )
        ],
        "cps",
        width=8,
    ),
    graph(
        "Sweeps refused",
        "Dropped and read again, by reason: a rebalance gives a few.",
        [
            Query(
                f"sum by (reason) (rate(fraud_sweeps_refused_total{{{OF_WORKERS}}}[$__rate_interval]))",
                "{{reason}}",
            )
        ],
        "cps",
        width=8,
    ),
    graph(
        "Requests that did not authenticate",
        "By reason: without a key, with a wrong one, or turned away by address.",
        [
            Query(
                "sum by (reason) (rate(fraud_authentication_failures_total{"
                f"{OF_GATEWAYS}}}[$__rate_interval]))",
                "{{reason}}",
            )
        ],
        "reqps",
        width=8,
    ),
    graph(
        "Waits, stops, stale look-ups",
        "What keeps decisions from being made, or from being made by what holds.",
        [
            Query(f"sum(fraud_degraded_mode{{{OF_WORKERS}}})", "waiting for a store"),
            Query(f"sum(fraud_outbound_sweeps{{{OF_WORKERS}}})", "sweeps to go out"),
            Query(f"sum(fraud_partition_stopped{{{OF_WORKERS}}}) or vector(0)", "partitions stopped"),
            Query(f"sum(fraud_lookups_failing{{{OF_WORKERS}}})", "look-ups failing"),
        ],
        "short",
        width=8,
        colours={"waiting for a store": BAD, "partitions stopped": BAD, "look-ups failing": WARNING},
    ),
    graph(
        "Offsets healed from the ledger",
        "What Redis had missed, in offsets a second. It moves after Redis was away or a view was begun anew.",
        [Query(f"sum(rate(fraud_view_healed_offsets_total{{{OF_WORKERS}}}[$__rate_interval]))", "healed")],
        "cps",
        width=8,
        colours={"healed": PLAIN},
    ),
    graph(
        "Findings of the background check",
        "By check, in 15 minutes; those that stay are counted at each look. Looks are cut short by a store.",
        [
            Query("sum by (check) (increase(fraud_reconcile_findings_total[15m]))", "{{check}}"),
            Query("sum(increase(fraud_reconcile_failures_total[15m]))", "looks cut short"),
        ],
        "short",
        width=8,
    ),
]

OPERATIONS = Board(
    "fraudml-operations",
    "Fraud scoring: operations",
    "Is it up, does it keep up, what stands in its way. Alerts and what to do: docs/runbooks.",
    [Variable("instance", 'fraud_last_sweep_timestamp_seconds{job="worker"}')],
    [
        ("Now", _NOW),
        ("The stream", _STREAM),
        ("The gateway", _GATEWAY),
        ("What stands in the way", _TROUBLE),
        ("The monitor", MONITOR),
        ("Processes", PROCESSES),
    ],
)
