"""Play seeds on all cores, and count what they break."""

from deploy.stack.report import Report
from load.simulation.campaign import Campaign, run_campaign


def simulate_seeds(first_seed: int, seeds: int, without: str, report: Report) -> Campaign:
    with report.counting("playing schedules", seeds) as count:
        return run_campaign(first_seed, seeds, without or None, lambda: count(1))
