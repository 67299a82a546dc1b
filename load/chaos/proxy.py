"""A TCP proxy that misbehaves on demand: slow, cut off, silent. It stands between a worker and a store."""

import asyncio
import socket
import struct
from collections.abc import Coroutine
from contextlib import suppress
from dataclasses import dataclass
from threading import Thread
from typing import Any

import structlog

log = structlog.get_logger(__name__)

LOCALHOST = "127.0.0.1"
CHUNK_BYTES = 16_384
ANSWER_S = 10.0
ENDING_S = 2.0
NO_LINGERING = struct.pack("ii", 1, 0)


@dataclass(frozen=True)
class Behaviour:
    """How connections fare.

    latency_s: each chunk towards the server waits that long. bytes_per_s: no faster, either way; 0 for no
    limit. cut_after_bytes: a connection is reset after so many bytes towards the server; 0 for never.
    half_open: bytes are swallowed, nothing is answered, nothing is closed. refuse: new ones are reset.
    """

    latency_s: float = 0.0
    bytes_per_s: int = 0
    cut_after_bytes: int = 0
    half_open: bool = False
    refuse: bool = False


PASS = Behaviour()


class FaultProxy:
    """Runs on a thread of its own; `behave` holds for connections that are open as well as for new ones."""

    def __init__(self, host: str, port: int) -> None:
        self._target = (host, port)
        self._behaviour = PASS
        self._open: set[asyncio.StreamWriter] = set()
        self._loop = asyncio.new_event_loop()
        self._thread = Thread(target=self._loop.run_forever, name=f"proxy-{port}", daemon=True)
        self._server: asyncio.Server | None = None
        self.resets = 0

    def start(self) -> int:
        """Listen; the port."""
        self._thread.start()
        return int(self._call(self._listen()))

    def stop(self) -> None:
        self._call(self._close())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    def behave(self, behaviour: Behaviour) -> None:
        self._behaviour = behaviour

    def cut_all(self) -> None:
        """Reset every connection that is open now."""
        self._call(self._reset_all())

    def _call(self, work: Coroutine[Any, Any, Any]) -> Any:
        return asyncio.run_coroutine_threadsafe(work, self._loop).result(ANSWER_S)

    async def _listen(self) -> int:
        self._server = await asyncio.start_server(self._serve, LOCALHOST, 0)
        return int(self._server.sockets[0].getsockname()[1])

    async def _close(self) -> None:
        if self._server is not None:
            self._server.close()
        await self._reset_all()
        others = asyncio.all_tasks() - {asyncio.current_task()}
        if others:
            # A connection that has been reset ends by itself; one that is told to is told about in the log.
            _, others = await asyncio.wait(others, timeout=ENDING_S)
        for task in others:
            task.cancel()
        await asyncio.gather(*others, return_exceptions=True)

    async def _reset_all(self) -> None:
        for writer in list(self._open):
            self._reset(writer)

    def _reset(self, writer: asyncio.StreamWriter) -> None:
        if writer in self._open:
            self._open.discard(writer)
            self.resets += 1
            # Without lingering, closing sends a reset instead of a farewell; a socket that is gone needs
            # neither.
            with suppress(OSError):
                writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, NO_LINGERING)
            writer.transport.abort()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._open.add(writer)
        if self._behaviour.refuse:
            self._reset(writer)
            return
        try:
            to_server, server = await asyncio.open_connection(*self._target)
        except OSError:
            self._reset(writer)
            return
        try:
            async with asyncio.TaskGroup() as both:
                both.create_task(self._pump(reader, server, writer, upwards=True))
                both.create_task(self._pump(to_server, writer, writer, upwards=False))
        except* (OSError, _Ended):
            log.debug("connection_ended")
        finally:
            self._reset(writer)
            server.transport.abort()

    async def _pump(
        self,
        source: asyncio.StreamReader,
        sink: asyncio.StreamWriter,
        client: asyncio.StreamWriter,
        *,
        upwards: bool,
    ) -> None:
        """Bytes one way, until either end is gone."""
        passed = 0
        while chunk := await source.read(CHUNK_BYTES):
            behaviour = self._behaviour
            if behaviour.half_open:
                continue
            if upwards and behaviour.latency_s:
                await asyncio.sleep(behaviour.latency_s)
            if behaviour.bytes_per_s:
                await asyncio.sleep(len(chunk) / behaviour.bytes_per_s)
            passed += len(chunk)
            if upwards and behaviour.cut_after_bytes and passed > behaviour.cut_after_bytes:
                self._reset(client)
                raise _Ended
            sink.write(chunk)
            with suppress(ConnectionError):
                await sink.drain()
        raise _Ended


class _Ended(Exception):
    """One end has closed: the other way has nobody to talk to any more."""
