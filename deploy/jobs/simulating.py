"""Play seeds on all cores, and count what they break."""

from deploy.stack.report import Report
from load.simulation.campaign import Campaign, run_campaign
from load.simulation.guards import GUARDS
from models.errors import NotFound


def simulate_seeds(first_seed: int, seeds: int, without: str, report: Report) -> Campaign:
    """Raises NotFound for a guard that does not exist."""
    if without and without not in GUARDS:
        raise NotFound(f"there is no guard {without}", next_step=f"name one of {', '.join(sorted(GUARDS))}")
    with report.counting("playing schedules", seeds) as count:
        return run_campaign(first_seed, seeds, without or None, lambda: count(1))
