"""The secrets that a deployment makes for itself: what is missing of them, and nothing else."""

from collections.abc import Mapping

from deploy.jobs.connections import keys_of, users_of
from deploy.jobs.generated_secrets import GeneratedSecrets
from deploy.stack.monitor import FIRST_ADMIN, LIMIT_PER_MINUTE, MONITOR, PASSWORD_FILE
from deploy.stack.report import Report
from models.api_key import RandomBytes, parse
from models.errors import Unauthenticated
from streams.key_desk import KeyDesk, asked_for
from streams.ledger.keys import KeyRecord
from streams.secret_files import ANSWER_KEY_FILE, MONITOR_KEY_FILE, PEPPER_FILE, SECRET_BYTES
from streams.settings import Settings
from streams.user_desk import UserDesk

ACTOR = "fraudml-bootstrap"
KEY_ENV = "live"
MAKE_ANOTHER = "remove it from there, and run fraudml bootstrap again"


def make_secrets(
    settings: Settings, kept: GeneratedSecrets, report: Report, random_bytes: RandomBytes
) -> bool:
    """Keep those that are missing, all at once. False where all are there.

    One that is set in the environment is not made. The ledger must have its schema.

    Raises:
        LedgerUnavailable: keys and people cannot be kept.
        Misuse, Unavailable: the secrets cannot be read or kept.
    """
    made = {name: random_bytes(SECRET_BYTES).hex().encode() for name in _missing(settings, kept.read())}
    # Kept before anything is digested with them: what opens nothing is better than what nobody has.
    if made:
        kept.add(made)
    there = kept.read()
    _first_admin(settings, there, random_bytes)
    if key := _monitor_key(settings, there, report, random_bytes):
        made[MONITOR_KEY_FILE] = key.encode()
        kept.add(made)
    names = ", ".join(sorted(made))
    report.note(f"secrets: made {names}" if names else "secrets: as they were")
    return bool(names)


def _missing(settings: Settings, there: Mapping[str, bytes]) -> list[str]:
    """Those that are neither kept nor set in the environment; a password only where nobody can sign in."""
    given = {PEPPER_FILE: settings.key_pepper, ANSWER_KEY_FILE: settings.answer_key}
    wanted = [name for name, setting in given.items() if not setting.get_secret_value()]
    with users_of(settings) as users:
        wanted += [] if users.records() else [PASSWORD_FILE]
    return [name for name in wanted if name not in there]


def _first_admin(settings: Settings, there: Mapping[str, bytes], random_bytes: RandomBytes) -> None:
    with users_of(settings) as users:
        if not users.records():
            desk = UserDesk(users, random_bytes)
            desk.create(
                FIRST_ADMIN, "admin", there[PASSWORD_FILE].decode(), actor=ACTOR, why="the first start"
            )


def _monitor_key(
    settings: Settings, there: Mapping[str, bytes], report: Report, random_bytes: RandomBytes
) -> str | None:
    """A key for it, in the place of one that is lost. One that is there stays, alive or not."""
    if settings.monitor_key.get_secret_value():
        return None
    with keys_of(settings) as keys:
        desk = KeyDesk(keys, lambda: _pepper(settings, there), random_bytes)
        live = [key for key in desk.records() if _is_its(key)]
        if written := there.get(MONITOR_KEY_FILE):
            if _key_id(written.decode()) not in [key.key_id for key in live]:
                report.note(f"secrets: {MONITOR_KEY_FILE} is of no key that lives. Next: {MAKE_ANOTHER}")
            return None
        for key in live:
            desk.revoke(key.key_id, actor=ACTOR, why="nobody has it")
        asked = asked_for(MONITOR, MONITOR, ["users:act"], LIMIT_PER_MINUTE, None)
        return desk.create(KEY_ENV, asked, grantor=None, actor=ACTOR, why="the monitor's own").key


def _pepper(settings: Settings, there: Mapping[str, bytes]) -> bytes:
    return settings.key_pepper.get_secret_value().encode() or there[PEPPER_FILE]


def _is_its(key: KeyRecord) -> bool:
    return key.state == "live" and (key.owner, key.name) == (MONITOR, MONITOR)


def _key_id(text: str) -> str | None:
    try:
        return parse(text).key_id
    except Unauthenticated:
        return None
