"""What the stack remembers between commands: `<home>/state.json`."""

from pathlib import Path

import msgspec

from deploy.stack.errors import StackError


class Daemon(msgspec.Struct, frozen=True):
    """The supervisor's process. A pid alone may be somebody else's by now; its start time tells."""

    pid: int
    created: float


class State(msgspec.Struct):
    ports: dict[str, int] = msgspec.field(default_factory=dict)
    socket_folder: str = ""
    supervisor: Daemon | None = None


def read_state(path: Path) -> State:
    """The remembered state, or an empty one.

    Raises:
        StackError: the file is there and is not ours.
    """
    try:
        return msgspec.json.decode(path.read_bytes(), type=State)
    except FileNotFoundError:
        return State()
    except msgspec.DecodeError as error:
        raise StackError(f"{path} is damaged", why=str(error), next_step=f"remove {path}") from None
    except OSError as error:
        raise StackError(
            f"{path} cannot be read",
            why=str(error.strerror),
            next_step="use the account that started the stack",
        ) from None


def write_state(state: State) -> str:
    return msgspec.json.format(msgspec.json.encode(state), indent=2).decode() + "\n"
