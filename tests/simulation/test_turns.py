"""Turns: one runs at a time, only while it is resumed, and a crash leaves nothing to catch."""

from collections.abc import Callable

from load.simulation.turns import Crashed, Task


def counting(told: list[int], upto: int) -> Task:
    task: Task

    def work() -> None:
        for number in range(upto):
            told.append(number)
            task.pause()

    task = Task(work)
    return task


def stubborn(told: list[str]) -> Task:
    """Work that catches whatever an application may catch."""
    task: Task

    def work() -> None:
        while True:
            try:
                task.pause()
            except Exception:
                told.append("caught")
            finally:
                told.append("cleaned up")

    task = Task(work)
    return task


def test_work_goes_on_only_while_it_is_resumed() -> None:
    told: list[int] = []
    task = counting(told, 3)
    task.resume()
    task.resume()
    assert told == [0, 1]
    task.kill()


def test_work_that_ends_is_done() -> None:
    task = counting([], 1)
    task.resume()
    task.resume()
    assert (task.done, task.failure) == (True, None)


def test_what_work_raises_is_kept() -> None:
    def work() -> None:
        raise ValueError("it failed")

    task = Task(work)
    task.resume()
    assert isinstance(task.failure, ValueError)


def test_a_crash_cannot_be_caught() -> None:
    told: list[str] = []
    task = stubborn(told)
    task.resume()
    task.kill()
    assert isinstance(task.failure, Crashed)
    assert told == ["cleaned up"]


def test_work_that_never_began_can_be_killed() -> None:
    told: list[int] = []
    task = counting(told, 1)
    task.kill()
    assert task.done
    assert told == []


def test_two_of_them_take_turns_as_the_scheduler_says() -> None:
    told: list[int] = []
    tasks: list[Task] = []

    def telling(number: int) -> Callable[[], None]:
        def work() -> None:
            for _ in range(2):
                told.append(number)
                tasks[number].pause()

        return work

    tasks += [Task(telling(0)), Task(telling(1))]
    for number in (1, 0, 0, 1):
        tasks[number].resume()
    assert told == [1, 0, 0, 1]
    for task in tasks:
        task.kill()
