import configparser
from pathlib import Path

import pytest

from deploy.stack.home import Home
from deploy.stack.part import Part, Program, Site
from deploy.stack.supervisor_conf import START, render
from models.errors import BadSetting


class Plain(Part):
    kind = "plain"
    stop_signal = "INT"
    told = Program(("/opt/a b/server", "100%"), {"KEY": "50%,=x"})

    def prepare(self) -> None: ...

    def program(self) -> Program:
        return self.told

    def probe(self) -> bool:
        return True

    def address(self) -> str:
        return ""


def rendered(site: Site, part: Part) -> configparser.RawConfigParser:
    parser = configparser.RawConfigParser(inline_comment_prefixes=(";", "#"), strict=False)
    parser.read_string(render(site.home, "/tmp/s", [part]))
    return parser


def test_a_program_is_started_by_us_and_restarted_by_the_supervisor(site: Site) -> None:
    program = rendered(site, Plain(site))["program:plain"]
    assert program["autostart"] == "false"
    assert program["autorestart"] == "true"
    assert program["stopsignal"] == "INT"


def test_a_program_stops_with_all_its_children(site: Site) -> None:
    program = rendered(site, Plain(site))["program:plain"]
    assert program["stopasgroup"] == program["killasgroup"] == "true"


def test_every_start_is_noted_by_the_launcher(site: Site) -> None:
    command = rendered(site, Plain(site))["program:plain"]["command"]
    assert command.startswith(f"/bin/sh {START} {site.home.starts('plain')} ")
    assert START.exists()


def test_blanks_and_percent_signs_reach_the_program(site: Site) -> None:
    program = rendered(site, Plain(site))["program:plain"]
    assert program["command"].endswith("'/opt/a b/server' 100%%")
    assert program["environment"] == 'KEY="50%%,=x"'


def test_the_socket_is_for_the_owner_only(site: Site) -> None:
    socket = rendered(site, Plain(site))["unix_http_server"]
    assert socket["file"] == "/tmp/s/supervisor"
    assert socket["chmod"] == "0700"


@pytest.mark.parametrize("value", ['a"b', "a'b", "a\nb", "a ;b", "a #b"])
def test_a_value_that_the_supervisor_cannot_be_told_is_refused_and_not_shown(site: Site, value: str) -> None:
    part = Plain(site)
    part.told = Program(("server",), {"SECRET": value})
    with pytest.raises(BadSetting, match="SECRET, for plain, holds a quote") as caught:
        render(site.home, "/tmp/s", [part])
    assert value not in str(caught.value)


def test_a_home_that_the_supervisor_cannot_be_told_is_refused(site: Site) -> None:
    with pytest.raises(BadSetting, match="the home folder holds a quote"):
        render(Home(Path("/x/it's"), site.home.account), "/tmp/s", [])
