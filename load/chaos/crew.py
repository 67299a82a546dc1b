"""Workers or gateways that are started again when they die, as a supervisor would; a drill takes them as it
likes."""

from collections.abc import Callable
from random import Random
from threading import Event, Lock, Thread

import psutil

from load.bench.worker_process import ChildProcess
from models.errors import Unavailable

LOOK_EVERY_S = 0.2
# A supervisor waits a moment before it starts again what has died.
START_AGAIN_AFTER_S = 1.0


class Crew:
    """Slots, each wanted or not. hire: makes the worker or gateway of a slot, not started yet."""

    def __init__(self, hire: Callable[[int], ChildProcess]) -> None:
        self._hire = hire
        self._workers: dict[int, ChildProcess] = {}
        self._lock = Lock()
        self._stop = Event()
        self._thread = Thread(target=self._keep, name="crew", daemon=True)
        self.restarts = 0

    def open(self, slots: int) -> None:
        for _ in range(slots):
            self.add()
        self._thread.start()

    def close(self) -> None:
        self._stop.set()
        self._thread.join()
        for worker in self._workers.values():
            worker.kill()

    def add(self) -> int:
        """One worker more, in the lowest slot that is free."""
        with self._lock:
            slot = next(number for number in range(len(self._workers) + 1) if number not in self._workers)
            self._workers[slot] = self._hire(slot)
            self._workers[slot].start()
            return slot

    def remove(self, slot: int) -> int:
        """Tell a worker to go for good; its exit code."""
        with self._lock:
            worker = self._workers.pop(slot)
        return worker.stop()

    def stop(self, slot: int) -> int:
        """Tell a worker to end; its exit code. It is started again as any that has ended."""
        with self._lock:
            worker = self._workers[slot]
        return worker.stop()

    def slots(self) -> list[int]:
        with self._lock:
            return sorted(self._workers)

    def one(self, rng: Random) -> int:
        return rng.choice(self.slots())

    def process(self, slot: int) -> psutil.Process:
        """The process of a slot; waits for one that is being started again.

        Raises:
            Unavailable: it does not come back.
        """
        for _ in range(int(30 / LOOK_EVERY_S)):
            with self._lock:
                worker = self._workers.get(slot)
                if worker is not None and worker.runs():
                    return worker.process()
            self._stop.wait(LOOK_EVERY_S)
        raise Unavailable(f"what ran in slot {slot} has not come back")

    def said(self, words: str) -> list[str]:
        """The lines of all workers' logs with some words in them."""
        with self._lock:
            logs = [worker.log for worker in self._workers.values()]
        lines = (line for log in logs for line in log.read_text(errors="replace").splitlines())
        return [line for line in lines if words in line]

    def _keep(self) -> None:
        while not self._stop.wait(LOOK_EVERY_S):
            if dead := self._dead():
                self._stop.wait(START_AGAIN_AFTER_S)
                self._start_again(dead)

    def _dead(self) -> list[int]:
        with self._lock:
            return [slot for slot, worker in self._workers.items() if not worker.runs()]

    def _start_again(self, slots: list[int]) -> None:
        with self._lock:
            for slot in slots:
                if not self._stop.is_set() and slot in self._workers and not self._workers[slot].runs():
                    self._workers[slot].start()
                    self.restarts += 1
