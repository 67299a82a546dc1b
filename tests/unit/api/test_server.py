"""Whose word the server takes for where a request came from."""

from pathlib import Path
from typing import Any

import pytest
import uvicorn

from api.server import serve
from deploy.stack.temporary import own_settings


@pytest.mark.parametrize(("proxies", "believed"), [("", False), ("192.0.2.1,10.0.0.0/8", True)])
def test_forwarded_addresses_are_believed_of_named_proxies_only(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, proxies: str, believed: bool
) -> None:
    """Left to itself the server believes whoever is on this machine."""
    asked: dict[str, Any] = {}
    monkeypatch.setattr(uvicorn, "run", lambda *_, **words: asked.update(words))
    monkeypatch.setenv("PROMETHEUS_MULTIPROC_DIR", "")
    serve(own_settings(tmp_path, trusted_proxies=proxies))
    assert (asked["proxy_headers"], asked["forwarded_allow_ips"]) == (believed, proxies)
