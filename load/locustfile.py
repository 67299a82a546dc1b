"""For Locust: callers of a gateway, as in docs/load-testing.md.

    locust -f load/locustfile.py --host=http://127.0.0.1:8000 --users=100 --spawn-rate=10 --run-time=5m

Locust runs it, and puts gevent beneath Python's sockets: nothing of ours may import it.
"""

import logging
from argparse import ArgumentTypeError
from datetime import UTC, date, datetime, timedelta
from itertools import count
from pathlib import Path
from typing import Any

from locust import FastHttpUser, events, task
from locust.argument_parser import LocustArgumentParser
from locust.env import Environment
from locust.runners import WorkerRunner

from load.goals import Goals, Measured, read_keys
from load.traffic import NEW, Caller, transactions_of
from models.errors import BadSetting, FraudError

TIMEOUT_S = 5.0
CHECK_FAILED = 4  # as of the command line
YESTERDAY = datetime.now(UTC).date() - timedelta(days=1)
log = logging.getLogger(__name__)


class Callers:
    """What all callers of this process share. Ids bear the name of the run and the number of the caller."""

    def __init__(self, environment: Environment) -> None:
        options = environment.parsed_options
        assert options is not None, "Locust reads its command line before it begins"
        if not options.keys_file:
            raise BadSetting(
                "no keys to ask with",
                next_step="docs/load-testing.md: --keys-file, or FRAUDML_LOCUST_KEYS, names a file of them",
            )
        self._keys = read_keys(Path(options.keys_file))
        self._table = transactions_of(options.customers, options.seed, options.day, options.currency)
        self._seed = options.seed
        self._run = options.run_name
        self._environment = environment
        self._numbers = count()
        self.mean_wait_s = 1 / options.per_user

    def next(self) -> tuple[Caller, str]:
        """A caller, and the key it asks with."""
        number = next(self._numbers)
        name = f"{self._run}-{getattr(self._environment.runner, 'worker_index', 0)}-{number}"
        return Caller(self._table, name, self._seed), self._keys[number % len(self._keys)]


class Shop(FastHttpUser):
    """One caller of the gateway, on a connection of its own."""

    insecure = False
    connection_timeout = TIMEOUT_S
    network_timeout = TIMEOUT_S

    def __init__(self, environment: Environment) -> None:
        super().__init__(environment)
        self._callers: Callers = environment.callers  # type: ignore[attr-defined]
        self._caller, key = self._callers.next()
        self._headers = {"X-API-Key": key, "Content-Type": "application/json"}

    def wait_time(self) -> float:
        return self._caller.wait_s(self._callers.mean_wait_s)

    @task
    def ask(self) -> None:
        question = self._caller.ask()
        with self.client.request(
            question.method,
            question.path,
            name=question.kind,
            data=question.body,
            headers=self._headers,
            allow_redirects=False,
            catch_response=True,
        ) as answer:
            if answer.status_code in question.expected:
                answer.success()
            else:
                answer.failure(f"{answer.status_code}, not {question.expected[0]}")
        self._caller.hear(question, answer.status_code)


@events.init_command_line_parser.add_listener
def add_options(parser: LocustArgumentParser) -> None:
    group = parser.add_argument_group("fraudml")
    add: Any = group.add_argument
    add("--keys-file", env_var="FRAUDML_LOCUST_KEYS", help="Keys, one a line; only you may read it (0600)")
    add("--max-p99-ms", type=float, help="Exit with 4 if new decisions took longer")
    add("--max-fail-ratio", type=float, help="Exit with 4 if a greater share of requests failed")
    add("--per-user", type=_positive, default=1.0, help="Requests a second of each user, on average")
    add("--customers", type=_whole, default=5000, help="Simulated customers")
    add("--seed", type=_whole, default=1, help="The same seed and run name ask the same")
    add("--run-name", default=f"locust-{datetime.now(UTC):%Y%m%dT%H%M%S}", help="Leads all ids")
    add("--day", type=date.fromisoformat, default=YESTERDAY, help="Day of the transactions, UTC")
    add("--currency", env_var="FRAUDML_CURRENCY", default="EUR", help="That of the deployment")


@events.init.add_listener
def prepare(environment: Environment, **_: Any) -> None:
    try:
        environment.callers = Callers(environment)  # type: ignore[attr-defined]
    except FraudError as error:
        raise SystemExit(str(error)) from None


@events.quitting.add_listener
def judge(environment: Environment, **_: Any) -> None:
    options = environment.parsed_options
    if isinstance(environment.runner, WorkerRunner) or options is None:
        return
    goals = Goals(options.max_p99_ms, options.max_fail_ratio)
    broken = goals.broken(_measured(environment))
    for line in broken:
        log.error(line)
    if broken:
        environment.process_exit_code = CHECK_FAILED
    elif goals.max_fail_ratio is not None and environment.runner and not environment.runner.exceptions:
        environment.process_exit_code = 0


def _measured(environment: Environment) -> Measured:
    decisions = environment.stats.get(NEW, "POST")
    p99_ms = decisions.get_response_time_percentile(0.99)
    return Measured(decisions.num_requests, p99_ms, environment.stats.total.fail_ratio)


def _positive(text: str) -> float:
    if not 0 < (value := float(text)) < float("inf"):
        raise ArgumentTypeError(f"{text} is not above 0")
    return value


def _whole(text: str) -> int:
    if (value := int(text)) < 1:
        raise ArgumentTypeError(f"{text} is not 1 or more")
    return value
