import pytest

from deploy.stack.errors import StackError
from deploy.stack.parts import COMPANIONS, SERVICES
from deploy.stack.plan import plan
from models.errors import NotFound


def test_on_a_machine_where_nothing_runs_everything_is_new() -> None:
    todo = plan([], SERVICES, 1)
    assert todo.new == todo.wanted == todo.kept == [*SERVICES, "worker-0"]


def test_what_runs_is_left_alone() -> None:
    todo = plan([*SERVICES, "worker-0"], SERVICES, 1)
    assert todo.new == todo.spare == []


def test_workers_are_added_to_a_running_stack() -> None:
    assert plan([*SERVICES, "worker-0"], SERVICES, 3).new == ["worker-1", "worker-2"]


def test_spare_workers_are_stopped() -> None:
    todo = plan([*SERVICES, "worker-0", "worker-1", "worker-2"], SERVICES, 1)
    assert todo.spare == ["worker-1", "worker-2"]
    assert todo.kept == [*SERVICES, "worker-0"]


def test_no_number_of_workers_leaves_them_as_they_are() -> None:
    todo = plan([*SERVICES, "worker-0", "worker-1"], SERVICES, None)
    assert todo.new == todo.spare == []


def test_companions_run_beside_the_workers() -> None:
    todo = plan([], SERVICES, 1, companions=["monitor", "reconciler", "gateway"])
    assert todo.new == todo.kept == [*SERVICES, "worker-0", "gateway", "reconciler", "monitor"]
    assert plan([*SERVICES, "worker-0"], SERVICES, None, companions=["gateway"]).new == ["gateway"]
    assert plan([], SERVICES, 0, companions=COMPANIONS).new == list(SERVICES)


@pytest.mark.parametrize(("workers", "asked"), [(1, False), (0, True)], ids=["not asked for", "no workers"])
def test_companions_that_are_not_wanted_are_stopped(workers: int, asked: bool) -> None:
    running = [*SERVICES, "worker-0", *COMPANIONS]
    todo = plan(running, SERVICES, workers, companions=COMPANIONS if asked else ())
    assert COMPANIONS.keys() <= set(todo.spare)
    assert not COMPANIONS.keys() & set(todo.kept)


def test_services_that_run_and_were_not_asked_for_stay() -> None:
    todo = plan(["kafka"], ["valkey"], 0)
    assert (todo.new, todo.kept) == (["valkey"], ["kafka", "valkey"])


def test_an_unknown_service_is_not_found() -> None:
    with pytest.raises(NotFound, match="there is no part redis"):
        plan([], ["redis"], 0)


def test_mlflow_is_not_started_without_the_postgres_it_builds_on() -> None:
    with pytest.raises(StackError, match=r"mlflow cannot run without postgres\. Next: start postgres too"):
        plan([], ["mlflow"], 0)
    assert plan(["postgres"], ["mlflow"], 0).new == ["mlflow"]


def test_workers_may_use_stores_that_run_elsewhere() -> None:
    assert plan([], ["kafka"], 1).new == ["kafka", "worker-0"]
