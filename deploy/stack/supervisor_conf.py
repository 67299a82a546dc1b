"""The supervisor's configuration, as text."""

import shlex
from collections.abc import Iterable
from pathlib import Path

from deploy.stack.home import Home
from deploy.stack.part import Part
from models.errors import BadSetting

START = Path(__file__).with_name("start.sh")
SOCKET = "supervisor"
LOG_BYTES = "10MB"
# Its pause before each try is one second longer than before the last: 20 tries are three and a half minutes.
TRIES = 20
# What the supervisor's file format would cut off or take apart.
UNSAFE = ('"', "'", "\n", " ;", " #")

HEAD = """\
[unix_http_server]
file={socket}
chmod=0700

[rpcinterface:supervisor]
supervisor.rpcinterface_factory=supervisor.rpcinterface:make_main_rpcinterface

[supervisord]
logfile={log}
logfile_maxbytes={log_bytes}
logfile_backups=1
pidfile={pid_file}
childlogdir={tmp}
directory={root}
umask=077
"""

PROGRAM = """
[program:{name}]
command={command}
environment={environment}
directory={directory}
autostart=false
autorestart=true
startsecs={steady_after_s}
startretries={tries}
stopsignal={stop_signal}
stopwaitsecs={stop_within_s}
stopasgroup=true
killasgroup=true
redirect_stderr=true
stdout_logfile={log}
stdout_logfile_maxbytes={log_bytes}
stdout_logfile_backups=1
"""


def render(home: Home, socket_folder: str, parts: Iterable[Part]) -> str:
    """The whole file; it holds the passwords that programs get in their environment.

    Raises:
        BadSetting: a path or a value has a character that the file cannot hold.
    """
    head = HEAD.format(
        socket=f"{socket_folder}/{SOCKET}",
        log=_plain(home.log("supervisor"), "the home folder"),
        log_bytes=LOG_BYTES,
        pid_file=_plain(home.root / "run" / "supervisor.pid", "the home folder"),
        tmp=_plain(home.tmp, "the home folder"),
        root=_plain(home.root, "the home folder"),
    )
    return head + "".join(_section(home, part) for part in parts)


def _section(home: Home, part: Part) -> str:
    name, program = part.name, part.program()
    command = ("/bin/sh", str(START), str(home.starts(name)), *program.command)
    for word in command:
        _plain(word, f"the command of {name}")
    return PROGRAM.format(
        name=name,
        command=shlex.join(command).replace("%", "%%"),
        environment=",".join(
            _setting(key, value, name) for key, value in sorted(program.environment.items())
        ),
        directory=_plain(home.tmp, "the home folder"),
        steady_after_s=part.steady_after_s,
        tries=TRIES,
        stop_signal=part.stop_signal,
        stop_within_s=part.stop_within_s,
        log=_plain(home.log(name), "the home folder"),
        log_bytes=LOG_BYTES,
    )


def _setting(key: str, value: str, program: str) -> str:
    return f'{key}="{_plain(value, f"{key}, for {program},")}"'


def _plain(value: object, what: str) -> str:
    """The value, for a file in which % begins an expansion. Not shown in the error: it may be a password."""
    text = str(value)
    if any(mark in text for mark in UNSAFE):
        raise BadSetting(
            f"{what} holds a quote, a line break, or a blank before ; or #",
            why="the process supervisor cannot be told such a value",
            next_step="use another path or value",
        )
    return text.replace("%", "%%")
