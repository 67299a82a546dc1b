"""Panels of operations that no transaction passes through: the monitor, and every process as such."""

from deploy.grafana.panels import BAD, GOOD, QUANTILES, WARNING, Query, graph, quantiles

OF_MONITORS = 'job="monitor"'

MONITOR = [
    graph(
        "What the monitor asks",
        "Questions to the gateway, by what came of them: it told, said no, or could not or did not answer.",
        [
            Query(
                "sum by (outcome) (rate(fraud_monitor_gateway_calls_total{"
                f"{OF_MONITORS}}}[$__rate_interval]))",
                "{{outcome}}",
            )
        ],
        "reqps",
        width=8,
        stacked=True,
        colours={"answered": GOOD, "refused": WARNING, "failed": BAD},
    ),
    graph(
        "From an act on a page to its answer",
        "Of the monitor's callbacks; pages that compute over many rows take seconds.",
        quantiles("fraud_monitor_callback_latency_seconds", OF_MONITORS),
        "s",
        width=8,
        colours=QUANTILES,
    ),
    graph(
        "Sign-ins refused",
        "By reason: name or password, too many, no gateway to ask, no form of ours.",
        [
            Query(
                "sum by (reason) (rate(fraud_monitor_sign_ins_refused_total{"
                f"{OF_MONITORS}}}[$__rate_interval]))",
                "{{reason}}",
            )
        ],
        "reqps",
        width=8,
    ),
]
PROCESSES = [
    graph(
        "Processor time",
        "Cores used by each worker, background check and monitor.",
        [Query("rate(process_cpu_seconds_total[$__rate_interval])", "{{job}} {{instance}}")],
        "short",
        width=6,
    ),
    graph(
        "Memory",
        "Resident, by process.",
        [Query("process_resident_memory_bytes", "{{job}} {{instance}}")],
        "bytes",
        width=6,
    ),
    graph(
        "Spans dropped",
        "Of OpenTelemetry, where it is on: the queue was full, or the collector did not take them.",
        [
            Query(
                "sum by (job, reason) (rate(fraud_spans_dropped_total[$__rate_interval]))",
                "{{job}} {{reason}}",
            )
        ],
        "cps",
        width=6,
    ),
    graph(
        "Age of the background check's last look",
        "Seconds since one came to its end; one is due each minute.",
        [Query("time() - fraud_reconcile_last_run_timestamp_seconds", "{{instance}}")],
        "s",
        width=6,
        limit=900,
    ),
]
