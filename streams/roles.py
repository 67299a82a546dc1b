"""The roles that processes act in towards the stores; each may have addresses, and so rights, of its own."""

from typing import Literal

from streams.settings import Settings

Role = Literal["migrator", "worker", "gateway", "reader", "auditor"]


# A gateway reads its statistics in the role of a reader.
ALSO_KEPT = {"gateway": "database_url_reader"}


def acting_as(settings: Settings, role: Role) -> Settings:
    """The settings with the addresses of this role where it has any, and with those of no role else.

    A process that is given one address for all of them, as by the user's guide, goes on with that.
    """
    ours = {
        store: getattr(settings, f"{store}_{role}", "") or getattr(settings, store)
        for store in ("database_url", "redis_url")
    }
    others = [field for field in role_fields() if field != ALSO_KEPT.get(role)]
    return settings.model_copy(update=dict.fromkeys(others, "") | ours)


def role_fields() -> list[str]:
    """The settings that are the address of one role."""
    return [field for field in Settings.model_fields if field.startswith(("database_url_", "redis_url_"))]


def reader_address(settings: Settings) -> str:
    """Where statistics are read, by a gateway too."""
    return settings.database_url_reader or settings.database_url
