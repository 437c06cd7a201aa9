"""The commands that are typed at `make telco`, with a telephone that only writes what baresip would."""

import os
from typing import Any

import pytest

from lab.cli.telco_terminal import HELP, TelcoTerminal

NUMBER = "+12025550101"


class FakePhone:
    voice_of = "+12025550122"

    def __init__(self) -> None:
        self.output, self.done = "baresip is ready.\n", list[str]()

    def dial(self, uri: str) -> None:
        self.done.append(uri)

    def hang_up(self) -> None:
        self.done.append("hang up")


@pytest.fixture
def at_terminal():
    ends = os.pipe()
    reading, writing = os.fdopen(ends[0], "r"), os.fdopen(ends[1], "w")
    said: list[str] = []
    phone: Any = FakePhone()
    opened: list[Any] = []

    def open_phone() -> Any:
        opened.append(phone)
        return phone

    terminal = TelcoTerminal(reading, open_phone, said.append)

    def type_(line: str, output: str = "") -> list[str]:
        said.clear()
        writing.write(line)
        writing.flush()
        phone.output += output
        terminal.look(0.1)
        return list(said)

    yield type_, phone, terminal, opened, writing
    for file in (reading, writing):
        if not file.closed:
            file.close()


def test_a_number_is_dialled_and_what_happens_is_said_once(at_terminal):
    type_, phone, _, opened, _ = at_terminal
    assert type_(f"dial {NUMBER}\n") == [f"+12025550122 dials {NUMBER}"]
    assert type_("", "call: SIP Progress: 180 Ringing (/)\n") == ["it rings"]
    assert type_("", "x: Call established: sip:y\n[0:00:00] audio=0/0\n") == ["connected; `hang up` ends it"]
    assert type_("hang up\n", "Call with y terminated (duration: 2 secs)\n") == ["ended after 2 secs"]
    assert type_(f"dial {NUMBER}\n", "sip:y: session closed: 480 Not registered\n")[1].endswith("is `make up` running?")
    assert (phone.done, len(opened)) == ([f"sip:{NUMBER}@192.0.2.1", "hang up", f"sip:{NUMBER}@192.0.2.1"], 1)


@pytest.mark.parametrize("line", ["help\n", "dial\n", "dial Jack\n", "dial +1202;x=1\n"])
def test_what_is_no_command_gets_the_commands(at_terminal, line):
    type_, phone, *_ = at_terminal
    assert type_(line) == [HELP]
    assert type_("\n") == []
    assert phone.done == []


def test_a_terminal_that_ended_is_not_looked_at_again(at_terminal):
    type_, _, terminal, _, writing = at_terminal
    assert type_("hang up\n") == []
    writing.close()
    terminal.look(0.1)
    assert not terminal.is_open
