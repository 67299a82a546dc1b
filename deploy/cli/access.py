"""access: roles and users of the stores, made from the addresses that roles have."""


def access() -> None:
    """Give each role its rights in your own Postgres and Redis, and load our functions into Redis.

    A role is who its address names: DATABASE_URL_WORKER, REDIS_URL_GATEWAY and so on (docs/security.md). It
    is done with the addresses of operators: DATABASE_URL_MIGRATOR or DATABASE_URL, and REDIS_URL. Again it
    changes nothing. A Redis that keeps no ACL file forgets its users when it restarts: do it again then.

    [bold]Examples[/]

      DATABASE_URL=... DATABASE_URL_WORKER=... REDIS_URL=... REDIS_URL_WORKER=... fraudml access
    """
    from deploy.access import postgres_roles, redis_users
    from deploy.cli.terminal import say
    from streams.settings import read_settings

    settings = read_settings()
    made = postgres_roles.apply(settings)
    named = [each.user for each in postgres_roles.named_roles(settings)]
    say(f"Postgres: {_listed(named)} with the rights of their roles; new: {_listed(made)}")
    say(f"Redis: functions loaded; {_listed(redis_users.apply(settings))} with the rights of their roles")


def _listed(names: list[str]) -> str:
    return ", ".join(names) or "nobody"
