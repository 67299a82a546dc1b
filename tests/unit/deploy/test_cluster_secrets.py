"""A Secret of the cluster, before a double of the API server that keeps one and counts its versions."""

import base64
import json
from collections.abc import Callable
from pathlib import Path

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from deploy.jobs.cluster_secrets import (
    MOST_TRIES,
    ClusterSecret,
    in_cluster,
)
from models.errors import BadSetting, ClusterRefused, ClusterUnavailable

ALL = "/api/v1/namespaces/fraud-detection/secrets"
KEYS = st.dictionaries(st.sampled_from("abcdef"), st.binary(max_size=8))


def nothing() -> None:
    """Nobody else writes."""


class ApiServer:
    """Keeps one Secret as the real one does: versions, conflicts, merge patches."""

    def __init__(self, data: dict[str, bytes] | None = None, meanwhile: Callable[[], None] = nothing) -> None:
        self.data = data
        self.version = 1
        self.meanwhile = meanwhile
        self.asked: list[str] = []

    def put(self, **values: bytes) -> None:
        self.data = (self.data or {}) | values
        self.version += 1

    def __call__(self, request: httpx.Request) -> httpx.Response:
        self.asked.append(request.method)
        answer = getattr(self, request.method.lower())(request)
        if request.method == "GET":
            self.meanwhile()
        return answer  # type: ignore[no-any-return]

    def get(self, request: httpx.Request) -> httpx.Response:
        assert request.url.path == f"{ALL}/fraud-generated"
        return self.told() if self.data is not None else status(404, "not found")

    def post(self, request: httpx.Request) -> httpx.Response:
        assert request.url.path == ALL
        body = json.loads(request.content)
        assert body["metadata"] == {"name": "fraud-generated", "namespace": "fraud-detection"}
        if self.data is not None:
            return status(409, "already exists")
        self.put(**decoded(body["data"]))
        return self.told()

    def patch(self, request: httpx.Request) -> httpx.Response:
        assert request.headers["content-type"] == "application/merge-patch+json"
        body = json.loads(request.content)
        if self.data is None:
            return status(404, "not found")
        if body["metadata"]["resourceVersion"] != str(self.version):
            return status(409, "the object has been modified")
        self.put(**decoded(body["data"]))
        return self.told()

    def told(self) -> httpx.Response:
        data = {key: base64.b64encode(value).decode() for key, value in (self.data or {}).items()}
        return httpx.Response(
            200, json={"kind": "Secret", "metadata": {"resourceVersion": str(self.version)}, "data": data}
        )


def decoded(data: dict[str, str]) -> dict[str, bytes]:
    return {key: base64.b64decode(value) for key, value in data.items()}


def status(code: int, message: str) -> httpx.Response:
    return httpx.Response(code, json={"kind": "Status", "message": message})


def secret_of(server: Callable[[httpx.Request], httpx.Response]) -> ClusterSecret:
    client = httpx.Client(transport=httpx.MockTransport(server), base_url="https://cluster")
    return ClusterSecret(client, "fraud-detection", "fraud-generated")


def test_a_secret_that_does_not_exist_has_no_values() -> None:
    assert secret_of(ApiServer()).read() == {}


def test_what_is_added_can_be_read() -> None:
    secret = secret_of(ApiServer())
    secret.add({"answer-key": b"\x00\xff"})
    assert secret.read() == {"answer-key": b"\x00\xff"}


@given(there=st.none() | KEYS, missing=KEYS)
def test_what_is_there_stays_and_what_is_missing_comes(
    there: dict[str, bytes] | None, missing: dict[str, bytes]
) -> None:
    server = ApiServer(there)
    secret_of(server).add(missing)
    assert (server.data or {}) == missing | (there or {})


def test_where_nothing_is_missing_nothing_is_written() -> None:
    server = ApiServer({"answer-key": b"old"})
    secret_of(server).add({"answer-key": b"new"})
    assert server.asked == ["GET"]


@pytest.mark.parametrize("there", [None, {"other": b"x"}], ids=["none yet", "one already"])
def test_of_two_jobs_that_make_the_same_key_the_first_wins(there: dict[str, bytes] | None) -> None:
    server = ApiServer(there)
    others = iter([lambda: server.put(pepper=b"theirs")])
    server.meanwhile = lambda: next(others, nothing)()
    secret_of(server).add({"pepper": b"ours", "answer": b"ours"})
    assert server.data == {**(there or {}), "pepper": b"theirs", "answer": b"ours"}


def test_a_secret_that_is_deleted_meanwhile_is_made_again() -> None:
    server = ApiServer({"other": b"x"})
    deleting = iter([lambda: setattr(server, "data", None)])
    server.meanwhile = lambda: next(deleting, nothing)()
    secret_of(server).add({"pepper": b"ours"})
    assert server.data == {"pepper": b"ours"}


def test_whoever_loses_every_race_gives_up_and_says_so() -> None:
    server = ApiServer({})
    server.meanwhile = lambda: server.put(noise=b"x")
    with pytest.raises(ClusterUnavailable, match=f"changed {MOST_TRIES} times"):
        secret_of(server).add({"pepper": b"ours"})


def test_missing_rights_are_told_with_the_file_that_gives_them() -> None:
    with pytest.raises(ClusterRefused, match=r"cannot get.*bootstrap\.yaml"):
        secret_of(lambda request: status(403, "cannot get secrets")).read()


@pytest.mark.parametrize(
    "answer",
    [
        status(503, "etcd is away"),
        status(429, "too many requests"),
        httpx.Response(200, text="<html>"),
        httpx.Response(200, json={"kind": "Secret", "data": {"a": "?"}}),
    ],
    ids=["no store", "too busy", "another server", "no base64"],
)
def test_an_answer_that_is_none_is_waited_out(answer: httpx.Response) -> None:
    with pytest.raises(ClusterUnavailable):
        secret_of(lambda request: answer).read()


def test_no_answer_is_waited_out() -> None:
    def refuses(request: httpx.Request) -> httpx.Response:
        raise httpx.ConnectError("connection refused")

    with pytest.raises(ClusterUnavailable, match="connection refused"):
        secret_of(refuses).read()


def test_outside_a_pod_there_is_no_account(tmp_path: Path) -> None:
    with pytest.raises(BadSetting, match="--secrets folder"):
        in_cluster(tmp_path)


def test_an_account_without_the_clusters_authority_is_refused(tmp_path: Path) -> None:
    account(tmp_path)
    with pytest.raises(BadSetting, match="certificate authority"):
        in_cluster(tmp_path)


def test_in_a_pod_the_account_asks_by_its_token(tmp_path: Path) -> None:
    import certifi

    account(tmp_path)
    (tmp_path / "ca.crt").write_bytes(Path(certifi.where()).read_bytes())
    client, namespace = in_cluster(tmp_path)
    with client:
        assert namespace == "fraud-detection"
        assert client.headers["Authorization"] == "Bearer t0ken"


def account(folder: Path) -> None:
    (folder / "token").write_text("t0ken\n")
    (folder / "namespace").write_text("fraud-detection")
