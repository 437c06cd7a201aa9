"""What commands say, in a terminal and elsewhere."""

import json
import sys

import pytest

from duologue.operator.printed import print_said

SAID = {
    "app_key": "app-1",
    "active": True,
    "ceilings": {"calls": 5, "spend": None},
    "numbers": ["+12025550100", "+12025550101"],
    "calls": [{"call": "1_2_3", "talk_s": 7}, {"call": "1_2_4", "ended": "hung_up"}],
    "missed": [{}][:0],
}


def printed(capsys, monkeypatch, *, terminal, json_wanted=False):
    monkeypatch.setattr(sys.stdout, "isatty", lambda: terminal)
    monkeypatch.setenv("COLUMNS", "100")
    monkeypatch.setenv("TERM", "dumb")
    print_said(SAID, json_wanted=json_wanted)
    return capsys.readouterr().out


@pytest.mark.parametrize(("terminal", "json_wanted"), [(False, False), (False, True), (True, True)])
def test_json_is_printed_for_programs_and_for_who_wants_it(capsys, monkeypatch, terminal, json_wanted):
    assert json.loads(printed(capsys, monkeypatch, terminal=terminal, json_wanted=json_wanted)) == SAID


def test_tables_are_printed_in_a_terminal(capsys, monkeypatch):
    lines = [line.split() for line in printed(capsys, monkeypatch, terminal=True).splitlines()]
    assert lines == [
        ["app_key:", "app-1"],
        ["active:", "yes"],
        ["ceilings", "calls:", "5"],
        ["ceilings", "spend:", "-"],
        ["numbers:", "+12025550100,", "+12025550101"],
        ["calls"],
        ["call", "talk", "s", "ended"],
        ["1_2_3", "7"],
        ["1_2_4", "hung_up"],
        ["missed:", "none"],
    ]


def test_what_others_wrote_is_not_carried_out_by_the_terminal(capsys, monkeypatch):
    """Such as an SP's reply that sets the clipboard, or hides the lines above it."""
    monkeypatch.setattr(sys.stdout, "isatty", lambda: True)
    monkeypatch.setenv("TERM", "dumb")
    print_said({"reply": "\x1b]52;c;ZXZpbA==\x07\x1b[3A\x9b2K\u202eok"}, json_wanted=False)
    assert capsys.readouterr().out.strip() == r"reply: \x1b]52;c;ZXZpbA==\x07\x1b[3A\x9b2K\x202eok"


def test_json_is_printed_where_no_tables_can_be(capsys, monkeypatch):
    monkeypatch.setitem(sys.modules, "rich.console", None)
    assert json.loads(printed(capsys, monkeypatch, terminal=True)) == SAID
