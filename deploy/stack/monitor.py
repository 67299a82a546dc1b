"""The monitor: one program beside the gateway, with a key of its own, and somebody who can sign in."""

import secrets
from contextlib import closing

from deploy.stack.home import Home
from deploy.stack.part import PYTHON, Program
from deploy.stack.workers import OF_THE_MONITOR, OwnProgram, passed_on
from models.api_key import parse
from models.errors import Unauthenticated
from streams.key_desk import KeyDesk, asked_for
from streams.ledger.keys import KeyRecord, PostgresKeys
from streams.ledger.users import PostgresUsers
from streams.secret_files import FOLDER, MONITOR_KEY_FILE, pepper_of
from streams.settings import Settings, variable_of
from streams.user_desk import UserDesk

MONITOR, GATEWAY, METRICS = "monitor", "gateway", "monitor-metrics"
# Nobody else: whoever administers may make more of them.
FIRST_ADMIN, PASSWORD_FILE = "admin", "admin-password"
LIMIT_PER_MINUTE = 1200
APPLICATION = "fraudml-stack"


class Monitor(OwnProgram):
    kind = MONITOR
    role = None
    port_field = "monitor_port"
    more_ports = (METRICS,)

    def prepare(self) -> None:
        """A key for it, and an admin where nobody can sign in."""
        let_in(self.site.settings, self.site.home)

    def program(self) -> Program:
        return Program((PYTHON, "-m", "deploy.cli.main", "monitor"), self.environment())

    def environment(self) -> dict[str, str]:
        """The stores are none of its business: it asks the gateway."""
        gateway = {"FRAUDML_GATEWAY_URL": f"http://{self.site.address(GATEWAY)}"}
        metrics = {variable_of("monitor_metrics_port"): str(self.site.ports[METRICS])}
        return super().environment() | passed_on(self.site.settings, OF_THE_MONITOR) | gateway | metrics

    def address(self) -> str:
        return self.url()

    def metrics_url(self) -> str:
        # A home of an earlier version has no such port until the next `fraudml up`.
        return f"http://{self.site.address(METRICS)}/metrics" if METRICS in self.site.ports else ""


def let_in(settings: Settings, home: Home) -> None:
    """
    Raises:
        LedgerUnavailable: keys and people cannot be kept.
    """
    if not settings.monitor_key.get_secret_value():
        _key(settings, home)
    with closing(PostgresUsers(settings.database_url, settings.ledger_timeout_s, APPLICATION)) as users:
        if not users.records():
            desk, password = UserDesk(users, secrets.token_bytes), home.secret(PASSWORD_FILE)
            desk.create(FIRST_ADMIN, "admin", password, actor=APPLICATION, why="the first start")


def _key(settings: Settings, home: Home) -> None:
    """One that lives: what the file holds may be none of the ledger's, and the other way round."""
    file = home.root / FOLDER / MONITOR_KEY_FILE
    with closing(PostgresKeys(settings.database_url, settings.ledger_timeout_s, APPLICATION)) as keys:
        desk = KeyDesk(keys, lambda: pepper_of(settings, secrets.token_bytes), secrets.token_bytes)
        live = [key for key in desk.records() if _is_its(key)]
        written = _key_id(file.read_text()) if file.exists() else None
        if written in [key.key_id for key in live]:
            return
        for key in live:
            desk.revoke(key.key_id, actor=APPLICATION, why="its file is not here")
        asked = asked_for(MONITOR, MONITOR, ["users:act"], LIMIT_PER_MINUTE, None)
        made = desk.create("local", asked, grantor=None, actor=APPLICATION, why="the monitor's own")
    home.write(file, made.key)


def _is_its(key: KeyRecord) -> bool:
    return key.state == "live" and (key.owner, key.name) == (MONITOR, MONITOR)


def _key_id(text: str) -> str | None:
    try:
        return parse(text).key_id
    except Unauthenticated:
        return None
