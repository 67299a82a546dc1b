"""What it means that Postgres or Redis failed: where TLS is the reason, what to look at is said."""

import re

from models.errors import LedgerUnavailable, ViewUnavailable

# The clients' own words. They stay the reason that is told.
OF_TLS = re.compile(r"\[SSL|SSL error|server certificate|root certificate|not support SSL")
CHECK_POSTGRES = (
    "check sslmode, sslrootcert and the host in DATABASE_URL or the role's own, and the certificate's dates"
)
CHECK_REDIS = (
    "check FRAUDML_REDIS_CA_FILE, the host in REDIS_URL or the role's own, and the certificate's dates"
)


def of_postgres(what: str, why: str, next_step: str = "") -> LedgerUnavailable:
    """next_step: where TLS is not the reason."""
    return LedgerUnavailable(what, why=why, next_step=_next(why, CHECK_POSTGRES, next_step))


def of_redis(what: str, why: str, next_step: str = "") -> ViewUnavailable:
    """The same."""
    return ViewUnavailable(what, why=why, next_step=_next(why, CHECK_REDIS, next_step))


def _next(why: str, of_tls: str, otherwise: str) -> str:
    return of_tls if OF_TLS.search(why) else otherwise
