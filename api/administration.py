"""What administrators do over HTTP: the desks of the command line, each behind a bulkhead of its own."""

import secrets
from collections.abc import Callable, Sequence
from contextlib import closing
from functools import partial
from typing import ParamSpec, TypeVar

from confluent_kafka import Message

from api.bulkhead import Bulkhead
from api.producing import Arrivals, Producing, unavailable
from streams.kafka import reader_config
from streams.key_desk import KeyDesk
from streams.ledger.audit import PostgresAudit
from streams.ledger.keys import PostgresKeys
from streams.ledger.replays import Replays
from streams.ledger.rules import PostgresRules
from streams.ledger.users import KnownUser, PostgresUsers
from streams.letter_desk import LetterDesk
from streams.log_reader import LogReader
from streams.model_desk import ModelDesk
from streams.registry_apart import RegistryApart
from streams.secret_files import pepper_of
from streams.settings import Settings
from streams.user_desk import UserDesk

NAME = "fraudml-gateway-admin"  # as Postgres lists its sessions
# A desk's own time-outs come first, so that what was done is told of.
MARGIN_S = 5.0
LETTERS_S = 60.0  # whole topics are read

Arguments = ParamSpec("Arguments")
Found = TypeVar("Found")


class Administration:
    """keys, users, rules, audit: to be called by `ask`. models: by `ask_registry`, letters: by
    `ask_letters`: these take seconds. producing: sends what is sent again."""

    def __init__(self, settings: Settings, producing: Producing) -> None:
        url, timeout_s = settings.database_url, settings.ledger_timeout_s
        self.keys = KeyDesk(
            PostgresKeys(url, timeout_s, NAME),
            lambda: pepper_of(settings, secrets.token_bytes),
            secrets.token_bytes,
        )
        self.users = UserDesk(PostgresUsers(url, timeout_s, NAME), secrets.token_bytes)
        self.rules = PostgresRules(url, timeout_s, NAME)
        self.audit = PostgresAudit(url, timeout_s, NAME)
        self.models = ModelDesk(RegistryApart(settings), PostgresRules(url, timeout_s, NAME))
        self._ledger_calls = Bulkhead("administration", timeout_s + MARGIN_S)
        self._doorman = UserDesk(PostgresUsers(url, timeout_s, NAME), secrets.token_bytes)
        self._sign_ins = Bulkhead("sign-in", timeout_s + MARGIN_S)
        self.letters = _letter_desk(settings, producing)
        self._letter_calls = Bulkhead("dead letters", LETTERS_S)
        self._registry_calls = Bulkhead("registry", settings.registry_timeout_s + MARGIN_S)

    async def ask(
        self, call: Callable[Arguments, Found], *args: Arguments.args, **kwargs: Arguments.kwargs
    ) -> Found:
        """
        Raises:
            NoTimeLeft: others take too long; it may be done all the same.
        """
        return await self._ledger_calls.run(call, *args, **kwargs)

    async def ask_letters(
        self, call: Callable[Arguments, Found], *args: Arguments.args, **kwargs: Arguments.kwargs
    ) -> Found:
        """
        Raises:
            NoTimeLeft: as above.
        """
        return await self._letter_calls.run(call, *args, **kwargs)

    async def sign_in(self, name: str, password: str) -> KnownUser:
        """Apart from the others: a guess at a password takes a while.

        Raises:
            Unauthenticated: there is nobody of that name, he is shut out, or the password is another.
            NoTimeLeft: as above.
        """
        return await self._sign_ins.run(self._doorman.sign_in, name, password)

    async def ask_registry(
        self, call: Callable[Arguments, Found], *args: Arguments.args, **kwargs: Arguments.kwargs
    ) -> Found:
        """
        Raises:
            NoTimeLeft: as above.
        """
        return await self._registry_calls.run(call, *args, **kwargs)

    def close(self) -> None:
        """Waits for what is under way."""
        for calls in (self._ledger_calls, self._registry_calls, self._sign_ins, self._letter_calls):
            calls.close()
        for desk in (self.keys, self.users, self.rules, self.audit, self.models, self._doorman, self.letters):
            desk.close()


def _letter_desk(settings: Settings, producing: Producing) -> LetterDesk:
    audit = PostgresAudit(settings.database_url, settings.ledger_timeout_s, NAME)
    return LetterDesk(
        settings.dead_letter_topics,
        lambda: closing(LogReader(reader_config(settings, settings.group_id), settings.kafka_timeout_s)),
        Replays(settings.database_url, settings.ledger_timeout_s),
        audit.note,
        partial(_sent, producing, settings.kafka_timeout_s),
    )


def _sent(
    producing: Producing,
    within_s: float,
    topic: str,
    keys: Sequence[bytes | None],
    values: Sequence[bytes | None],
) -> None:
    """
    Raises:
        KafkaUnavailable: Kafka did not take all of them in time; some may have arrived.
    """
    names = [str(number) for number in range(len(values))]
    arrivals = Arrivals(names)
    for name, key, value in zip(names, keys, values, strict=True):
        producing.send(topic, key, value, partial(_heard, arrivals, name))
    if len(arrivals.within(within_s)) < len(names):
        raise unavailable("some records did not arrive")


def _heard(arrivals: Arrivals, name: str, error: str | None, message: Message) -> None:
    arrivals.hear(name, error is None)
