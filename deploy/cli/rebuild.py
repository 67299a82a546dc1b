"""rebuild: the histories in Redis, made anew from the ledger."""

from deploy.cli.models import Json, Who, Why
from deploy.cli.terminal import print_json, reporting, say


def rebuild(who: Who = None, why: Why = "", json: Json = False) -> None:
    """Make the histories in Redis anew from the ledger, while workers go on.

    Workers do it by themselves when Redis has lost something; this is for when you doubt what it holds. They
    pause until it is whole. Safe to run twice, and beside workers that heal the same.

    [bold]Examples[/]

      fraudml rebuild
      fraudml rebuild --why "Redis was restored from a dump" --json
    """
    from deploy.jobs.rebuilding import rebuild_view
    from streams.settings import read_settings

    with reporting() as report:
        found = rebuild_view(read_settings(), report, who=who, why=why)
    if json:
        print_json(found)
    else:
        say("{records:,} records in {seconds:.1f} s, {records_per_s:,.0f} a second".format(**found))
