"""The thread on which what goes out is given to Kafka."""

from collections.abc import Callable
from threading import Event, Thread

from streams.insistence import Insistence
from streams.outbound import Outbound

LOOK_EVERY_S = 0.2
STOP_WITHIN_S = 1.0


class Sender:
    """Has turns taken, again and again while Kafka is away.

    stop: set when the worker is told to go; what is left then is read again by whoever comes next. refused:
    called when partitions are not ours any more. failed: called once, with what ended the thread.
    """

    def __init__(
        self,
        outbound: Outbound,
        insist: Insistence,
        *,
        stop: Event,
        refused: Callable[[], None],
        failed: Callable[[BaseException], None],
    ) -> None:
        self._outbound = outbound
        self._insist = insist
        self._stop = stop
        self._refused = refused
        self._failed = failed
        self._closed = Event()
        self._thread = Thread(target=self._run, name="sender", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def close(self) -> None:
        """End the thread, whatever waits."""
        self._closed.set()
        if self._thread.ident is not None:
            self._thread.join(STOP_WITHIN_S)

    def _run(self) -> None:
        try:
            while not self._closed.is_set():
                self._outbound.await_one(LOOK_EVERY_S)
                if self._outbound:
                    self.turn()
        except BaseException as error:
            self._failed(error)

    def turn(self) -> None:
        """One turn of what goes out.

        Raises:
            Unavailable: Kafka stayed away for too long.
            Halt: going on would break the promise.
        """
        if self._insist(self._outbound.turn):
            return
        if self._stop.is_set():
            self._outbound.give_up()
        else:
            self._refused()
