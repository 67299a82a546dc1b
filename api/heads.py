"""The head of a request, which the parser would let grow without end, before anybody is asked for a key."""

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

LARGEST_HEAD_BYTES = 64 * 1024
BETWEEN = len(": \r\n")


class BoundedHead(HttpToolsProtocol):
    """A connection whose requests' addresses and headers stay small; else it answers 400, and is closed.

    A head that has ended is measured by itself. One that has not is measured by the pieces in which it comes,
    so that it may be larger by one piece before it is refused.
    """

    _pieces_bytes = 0
    _in_head = False

    def on_message_begin(self) -> None:
        super().on_message_begin()
        self._in_head, self._pieces_bytes = True, 0

    def on_headers_complete(self) -> None:
        self._in_head = False
        held = sum(len(name) + len(value) + BETWEEN for name, value in self.headers)
        if len(self.url) + held > LARGEST_HEAD_BYTES:
            raise ValueError("the head is too large")  # the parser stops, and its caller answers 400
        super().on_headers_complete()

    def data_received(self, data: bytes) -> None:
        super().data_received(data)
        if not self._in_head or self.transport.is_closing():
            return
        self._pieces_bytes += len(data)
        if self._pieces_bytes > LARGEST_HEAD_BYTES:
            self.send_400_response("The request's head is too large.")
