"""Items of the calls table as release 0.1.0 wrote them, converted to today's. The next release drops this module.

Its calls may go on for a day after an update, its notifications are retried for a day and a half, and its calls can be
looked up for their retention.

    CALL         also what is in ASKED today; `listener`: the task token of the state that waits
    FACT#000007  one fact: today among the facts of an EVENT#
    TOLD#000007  DELIVERY#000007, with the last attempt only
    CDR          without the recording, which is in CALL
"""

import json
from collections.abc import Mapping
from typing import Any

from duologue.call_control.facts import CdrWritten, LegAnsweredRecorded, LegDialledRecorded, LegRingingRecorded
from duologue.domain.calls.outcome import EndReason, Party
from duologue.domain.calls.task_token import TaskToken, Wait

Row = dict[str, Any]

_CALL, _ASKED, _CDR, _DELIVERY = "CALL", "ASKED", "CDR", "DELIVERY#"
_FACT, _TOLD = "FACT#", "TOLD#"
_KINDS = {
    "LegDialled": LegDialledRecorded.__name__,
    "LegAlerted": LegRingingRecorded.__name__,
    "LegAnswered": LegAnsweredRecorded.__name__,
    "AccountClosed": CdrWritten.__name__,
}
_REASONS = {"dial_refused": EndReason.NO_ROOM.value}
"""What it called `dial_refused` is lack of room; the refusal for good is new."""


def fact_key(sequence: int) -> str:
    return f"{_FACT}{sequence:06d}"


def is_fact(item: str) -> bool:
    return item.startswith(_FACT)


def told_key(sequence: int) -> str:
    return f"{_TOLD}{sequence:06d}"


def in_todays_terms(rows: Mapping[str, Row]) -> Mapping[str, Row]:
    """Items of one call by sort key. Those of a call that today's release accepted come back as they are."""
    call = rows.get(_CALL, {})
    if _ASKED in rows or "app" not in call:
        return rows
    translated = {_ASKED: _asked(call)}
    for item, row in rows.items():
        if item.startswith(_TOLD):
            key = _DELIVERY + item.removeprefix(_TOLD)
            translated[key] = rows.get(key) or _delivery(row)
        else:
            translated[item] = event_of_fact(item, row) if is_fact(item) else row
    translated[_CALL] = _renamed(call, "ending")
    if _CDR in rows:
        recording = {name: value for name, value in call.items() if name.startswith("recording_")}
        translated[_CDR] = recording | _renamed(rows[_CDR], "reason")
    return translated


def event_of_fact(item: str, row: Row) -> Row:
    """FACT# as the event that brought this one fact. It does not say of which app the call is."""
    fact: Row = {name: row[name] for name in ("at", "party", "reason") if name in row}
    fact["kind"] = _KINDS.get(row["kind"], row["kind"])
    return {"first": int(item.removeprefix(_FACT)), "facts": json.dumps([_renamed(fact, "reason")])}


def _delivery(told: Row) -> Row:
    attempt = {"at": told["at"], "url": told["url"], "ms": 0, "note": told["note"]}
    attempt |= {"status": told["status"]} if told["status"] else {}
    return {
        "state": "acknowledged" if told["taken"] else "waiting",
        "since": told["at"],
        "attempts": json.dumps([attempt]),
        "tries": told["attempt"],
        "version": told["attempt"],
    }


def token_in(call: Row) -> TaskToken | None:
    """The token of the state that waits. Which wait it is follows from the call: its states wait in that order."""
    if "listener" not in call:
        return None
    wait = Wait.END
    if "ending" not in call and "callee_answered_at" not in call:
        wait = Wait.CALLEE_ANSWER if "caller_answered_at" in call else Wait.CALLER_ANSWER
    return TaskToken(call["listener"], wait, 0)


def _asked(call: Row) -> Row:
    renamed = {f"{party}_display_number": call[f"{party}_shows"] for party in Party}
    return call | renamed


def _renamed(row: Row, name: str) -> Row:
    return row | {name: _REASONS.get(row[name], row[name])} if name in row else row
