"""What commands say, in a terminal and elsewhere."""

import json
import re
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


CALL_ID = "3444961563_2279977248_2998215585_20261129103427"
LISTED = {
    "call": CALL_ID,
    "accepted_at": "2026-11-29T10:34:27Z",
    "sp": "acme",
    "app_key": "7SVsMnJsqP1euKbLsY4ZVokIVHSax6e7",
    "caller": "+120******11",
    "callee": "+120******33",
    "phase": "over",
    "ended": "callee_failed",
    "result": "callee did not answer",
    "talk_s": 0,
}


def shown_in(capsys, monkeypatch, columns, said):
    monkeypatch.setattr(sys.stdout, "isatty", lambda: True)
    monkeypatch.setenv("COLUMNS", str(columns))
    monkeypatch.setenv("TERM", "xterm")  # a dumb one has 80 columns
    print_said(said, json_wanted=False)
    return [re.sub(r"\x1b\[[0-9;]*m", "", line).rstrip() for line in capsys.readouterr().out.splitlines()]


def test_a_row_of_a_list_of_calls_is_one_line_of_160_columns(capsys, monkeypatch):
    _, names, row, *more = shown_in(capsys, monkeypatch, 160, {"calls": [LISTED]})
    assert (names.split(), more) == (["call", "accepted", "at", "sp", "caller", "callee", "result", "talk", "s"], [])
    assert row.split()[:4] == [CALL_ID, "2026-11-29", "10:34:27Z", "acme"]


@pytest.mark.parametrize("columns", [60, 80, 100, 120, 150])
def test_an_id_is_never_folded(capsys, monkeypatch, columns):
    """So that it can be copied into the next command."""
    notification = {"id": f"{CALL_ID}-7", "attempts": [{"url": "https://sp.example.com/status", "httpStatus": 200}]}
    lines = shown_in(capsys, monkeypatch, columns, {"calls": [LISTED], "notifications": [notification]})
    words = {word for line in lines for word in line.split()}
    assert {CALL_ID, f"{CALL_ID}-7"} <= words
    assert max(map(len, lines)) <= columns


def test_lists_within_a_value_are_tables_and_small_figures_are_decimal(capsys, monkeypatch):
    receipt = {"usd": 0.04, "parts": [{"part": "state_transition", "amount": 3.0, "usd": 7.5e-05}]}
    lines = shown_in(capsys, monkeypatch, 80, {"receipt": receipt})
    assert [line.split() for line in lines] == [
        ["receipt", "usd:", "0.04"],
        ["receipt", "parts"],
        ["part", "amount", "usd"],
        ["state_transition", "3", "0.000075"],
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
