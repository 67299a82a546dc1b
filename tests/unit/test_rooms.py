"""The rooms: every module can be imported, on its own feet, and does nothing by it."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from models.boosters import FAMILIES
from tests.unit.models.trained import model_folder

ROOMS = ("models", "streams", "api", "dashboard", "load", "deploy")
CHECKOUT = Path(__file__).resolve().parents[2]
# Alembic and Locust run these themselves; the tools of peers are not installed here.
SCRIPTS = ("deploy.migrations.", "load.locustfile", "load.peers.tools.")
# Of MLflow, which asks whether the machine knows IPv6, and makes a temporary folder and file.
OTHERS_DOINGS = {"deploy.stack.mlflow_server": ("socket.bind", "os.mkdir", "os.remove")}

WATCHER = """
import importlib, json, sys, threading

NETWORK = ("socket.bind", "socket.connect", "socket.getaddrinfo", "socket.sendto")
CHANGES = ("os.fork", "os.mkdir", "os.remove", "os.rename", "os.system", "subprocess.Popen")
did = {}
current = ""

def watch(event, arguments):
    writing = event == "open" and isinstance(arguments[1], str) and set(arguments[1]) & set("wax+")
    # The platform module asks these two what machine this is.
    asking = event == "subprocess.Popen" and arguments[0] in ("uname", "file")
    if not current or asking or writing and "__pycache__" in str(arguments[0]):
        return
    if writing or event in NETWORK or event in CHANGES:
        did.setdefault(current, []).append(f"{event} {arguments[:2]}")
    if event in NETWORK:
        raise ConnectionRefusedError("nobody is spoken to while a module is imported")

sys.addaudithook(watch)
places = {}
for name in json.loads(sys.argv[1]):
    current, threads = name, threading.active_count()
    try:
        places[name] = importlib.import_module(name).__file__
    except BaseException as error:
        did.setdefault(name, []).append(repr(error))
    current = ""
    if threading.active_count() > threads:
        did.setdefault(name, []).append("started a thread")
print(json.dumps({"places": places, "did": did}))
"""


def modules_of(room: str) -> list[str]:
    """Every module of a room, by its full name."""
    files = sorted((CHECKOUT / room).rglob("*.py"))
    names = [".".join(file.relative_to(CHECKOUT).with_suffix("").parts) for file in files]
    return [name.removesuffix(".__init__") for name in names if not name.startswith(SCRIPTS)]


MODULES = [name for room in ROOMS for name in modules_of(room)]


def in_a_process_of_its_own(program: str, *arguments: str) -> str:
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", program, *arguments],
        cwd=CHECKOUT,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def imported() -> dict[str, dict[str, list[str]]]:
    """Where each module was found, and what it did when it was imported."""
    found: dict[str, dict[str, list[str]]] = json.loads(
        in_a_process_of_its_own(WATCHER, json.dumps(MODULES)).splitlines()[-1]
    )
    return found


@pytest.mark.parametrize("name", MODULES)
def test_a_module_is_imported_from_here_and_does_nothing_by_it(
    name: str, imported: dict[str, dict[str, list[str]]]
) -> None:
    did = [
        each for each in imported["did"].get(name, []) if not each.startswith(OTHERS_DOINGS.get(name, "-"))
    ]
    assert did == []
    assert Path(str(imported["places"][name])).is_relative_to(CHECKOUT)


def test_the_rooms_are_all_there() -> None:
    assert {path.parent.name for path in CHECKOUT.glob("*/__init__.py")} == {*ROOMS, "tests"}


SCORE = """
import sys
from pathlib import Path
import numpy as np
import streams.app, streams.labels, streams.models_in_force, streams.sweep
from models.features import FEATURES
from models.manifest import load_verified

for folder in sys.argv[1:]:
    scores = load_verified(Path(folder)).predict(np.zeros((3, len(FEATURES)), np.float32))
    print(len(scores))
print(sorted(name for name in sys.modules if "mlflow" in name))
"""


def test_where_scores_are_computed_there_is_no_mlflow(tmp_path: Path) -> None:
    folders = [str(model_folder(tmp_path, family)) for family in FAMILIES]
    assert in_a_process_of_its_own(SCORE, *folders).split() == ["3", "3", "[]"]


def test_the_sweep_brings_no_client_of_any_store_along() -> None:
    program = "import sys, streams.sweep, streams.labels; print(*sorted(sys.modules))"
    modules = in_a_process_of_its_own(program).split()
    assert "streams.sweep" in modules
    assert {"faust", "confluent_kafka", "redis", "psycopg", "httpx", "xgboost"} & set(modules) == set()
