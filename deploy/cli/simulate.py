"""simulate: the promise, played against crashes and worse, seed by seed."""

from typing import TYPE_CHECKING, Annotated

import typer

from deploy.cli.terminal import CHECK_FAILED, print_json, reporting, say

if TYPE_CHECKING:
    from load.simulation.campaign import Outcome

FOUND_LINES = 10


def simulate(
    seeds: Annotated[int, typer.Option(min=1, help="How many schedules to play.")] = 1000,
    first_seed: Annotated[int, typer.Option("--first-seed", min=0, help="The first one's seed.")] = 0,
    without: Annotated[str, typer.Option(metavar="GUARD", help="Take one guard away: it must fail.")] = "",
    json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Play crashes, rebalances and losses against the pipeline, by seed; exits with 4 on a violation.

    Needs no stack: the real pipeline runs over doubles of Kafka, Redis and Postgres, in virtual time.

    [bold]Examples[/]

      fraudml simulate --seeds 1000
      fraudml simulate --seeds 1 --first-seed 42
      fraudml simulate --seeds 100 --without watermark --json
    """
    from deploy.jobs.simulating import simulate_seeds
    from load.simulation.guards import GUARDS

    if without and without not in GUARDS:
        raise typer.BadParameter(f"there is no guard {without}; name one of {', '.join(sorted(GUARDS))}")
    with reporting() as report:
        campaign = simulate_seeds(first_seed, seeds, without, report)
    for line in campaign.timeline:
        say(line)
    for outcome in campaign.failures[:1]:
        _tell(outcome, without)
    if json:
        print_json(campaign.document())
    else:
        say(f"{campaign.seeds:,} schedules, {campaign.violations:,} violations")
    if campaign.violations:
        raise typer.Exit(CHECK_FAILED)


def _tell(outcome: "Outcome", without: str) -> None:
    """What a seed broke, and how to see it again."""
    say(f"seed {outcome.seed} breaks the promise:")
    for violation in outcome.violations[:FOUND_LINES]:
        say(f"  {violation.promise}: {violation.found}")
    guard = f" --without {without}" if without else ""
    say(f"replay it with: fraudml simulate --seeds 1 --first-seed {outcome.seed}{guard}")
