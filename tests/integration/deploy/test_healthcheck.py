"""The health check of containers, against an address of this machine."""

from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from threading import Thread

import pytest

from deploy import healthcheck

pytestmark = pytest.mark.enable_socket


class Answer(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        self.send_response(200 if self.path == "/well" else 503)
        self.end_headers()

    def log_message(self, *_: object) -> None:
        """Nothing: the test hears by the answer."""


@pytest.fixture
def address() -> Iterator[str]:
    with HTTPServer(("127.0.0.1", 0), Answer) as server:
        thread = Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join()


@pytest.mark.parametrize(("path", "code"), [("/well", 0), ("/ill", 1)])
def test_an_answer_below_400_is_health(address: str, path: str, code: int) -> None:
    assert healthcheck.main([address + path]) == code


def test_nobody_there_is_no_health_and_says_why(address: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert healthcheck.main(["http://127.0.0.1:1/"]) == 1
    assert "http://127.0.0.1:1/: " in capsys.readouterr().err
