"""TLS before a store of the embedded stack, which speaks none; its certificate may be replaced."""

import asyncio
import ssl
from collections.abc import Coroutine
from contextlib import suppress
from pathlib import Path
from threading import Thread
from typing import Any

from deploy.stack.ports import LOCALHOST

ASKS_FOR_TLS_BYTES = 8  # of Postgres' own request, which comes before the handshake
CHUNK_BYTES = 65_536
WITHIN_S = 10.0


class TlsFront:
    """Runs on a thread of its own. postgres: whether clients ask for TLS as those of Postgres do."""

    def __init__(self, address: str, pair: tuple[Path, Path], *, postgres: bool) -> None:
        host, _, port = address.rpartition(":")
        self._target = (host, int(port))
        self._postgres = postgres
        self._context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self._open: set[asyncio.StreamWriter] = set()
        self._loop = asyncio.new_event_loop()
        self._thread = Thread(target=self._loop.run_forever, name="tls-front", daemon=True)
        self.show(pair)

    def start(self) -> int:
        """Listen; the port."""
        self._thread.start()
        return int(self._call(self._listen()))

    def show(self, pair: tuple[Path, Path]) -> None:
        """Another certificate to whoever connects from now on."""
        self._context.load_cert_chain(*pair)

    def cut(self) -> int:
        """End every connection; how many there were."""
        return int(self._call(self._cut()))

    def stop(self) -> None:
        self._call(self._close())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(WITHIN_S)
        self._loop.close()

    def _call(self, coroutine: Coroutine[Any, Any, Any]) -> Any:
        return asyncio.run_coroutine_threadsafe(coroutine, self._loop).result(WITHIN_S)

    async def _listen(self) -> int:
        context = None if self._postgres else self._context
        self._server = await asyncio.start_server(self._serve, LOCALHOST, 0, ssl=context)
        return int(self._server.sockets[0].getsockname()[1])

    async def _cut(self) -> int:
        found = list(self._open)
        for writer in found:
            writer.transport.abort()
        return len(found)

    async def _close(self) -> None:
        self._server.close()
        await self._cut()
        others = asyncio.all_tasks() - {asyncio.current_task()}
        for task in others:
            task.cancel()
        await asyncio.gather(*others, return_exceptions=True)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(OSError, asyncio.IncompleteReadError):
            if self._postgres:
                await reader.readexactly(ASKS_FOR_TLS_BYTES)
                writer.write(b"S")
                await writer.start_tls(self._context)
            self._open.add(writer)
            upwards, server = await asyncio.open_connection(*self._target)
            try:
                pumps = (self._pump(reader, server), self._pump(upwards, writer))
                await asyncio.wait(map(asyncio.ensure_future, pumps), return_when=asyncio.FIRST_COMPLETED)
            finally:
                server.transport.abort()
        self._open.discard(writer)
        writer.transport.abort()

    async def _pump(self, source: asyncio.StreamReader, sink: asyncio.StreamWriter) -> None:
        with suppress(OSError):
            while chunk := await source.read(CHUNK_BYTES):
                sink.write(chunk)
                await sink.drain()
