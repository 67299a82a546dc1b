"""An id in an address is one segment, which nobody resolves."""

from urllib.parse import unquote, urljoin

import httpx
import pytest

from models.path_segment import as_segment

GATEWAY = "http://gateway"
IDS = [".", "..", "...", "a/b", "/", "../x", "a?b#c", "a%2Fb", "%", "é ü", "tx-1/take", "a;b:c@d"]


@pytest.mark.parametrize("name", IDS)
def test_an_id_is_one_segment_for_whoever_follows_the_address(name: str) -> None:
    path = f"/v1/decisions/{as_segment(name)}"
    for followed in (httpx.URL(GATEWAY).join(path), httpx.URL(urljoin(f"{GATEWAY}/v1/transactions", path))):
        assert followed.raw_path == path.encode()
        assert [unquote(each) for each in path.split("/")] == ["", "v1", "decisions", name]
