"""docker-compose.yml, as far as can be said without a container engine."""

import json
import re
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml

from streams.settings import CHECKOUT

FILE = CHECKOUT / "docker-compose.yml"


@pytest.fixture(scope="module")
def compose() -> Any:
    return yaml.safe_load(FILE.read_text())


def specification() -> Any:
    """Compose's own schema, as it comes with check-jsonschema."""
    spec = find_spec("check_jsonschema")
    assert spec is not None
    assert spec.submodule_search_locations
    vendored = Path(spec.submodule_search_locations[0], "builtin_schemas", "vendor", "compose-spec.json")
    return json.loads(vendored.read_text())


def test_it_is_what_compose_understands(compose: Any) -> None:
    jsonschema.validate(compose, specification())


def test_every_port_is_published_on_loopback_only(compose: Any) -> None:
    ports = [port for service in compose["services"].values() for port in service["ports"]]
    assert ports
    assert all(port.startswith("127.0.0.1:") for port in ports)


def test_every_service_says_when_it_is_healthy_and_keeps_its_data(compose: Any) -> None:
    for name, service in compose["services"].items():
        assert service["healthcheck"]["test"], name
        (volume,) = service["volumes"]
        assert volume.split(":")[0] in compose["volumes"], name


def test_no_password_stands_in_the_file() -> None:
    for value in re.findall(r"PASSWORD: *(.+)", FILE.read_text()):
        assert re.fullmatch(r"\$\{[A-Z_]+:\?.+\}", value)
