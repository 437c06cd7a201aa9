"""The CDR as a table for people: every field in words, with its name in the API beside it."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

from markupsafe import Markup

from lab.website import texts
from lab.website.call_log import SpCall
from lab.website.numbers import formatted

Row = tuple[str, str, str]
"""What it is, its value in words, its name in the API."""


def record_table(call: SpCall) -> Markup:
    """Five groups of rows. What is missing in the record did not happen."""
    cdr = call.cdr or {}
    contact, own = f"{call.contact.name}’s phone", "Your phone"
    phones = (
        ((contact, _dialler_rows(cdr)), (own, _other_rows(cdr)))
        if call.is_return
        else ((own, _own_rows(cdr)), (contact, _other_rows(cdr)))
    )
    groups = (
        ("The call", _call_rows(call, cdr)),
        *phones,
        ("How it ended", _end_rows(call, cdr)),
        ("Recording", _recording_rows(cdr)),
    )
    return Markup('<table class="record">{}</table>').format(Markup("").join(_group(*group) for group in groups))


def _group(title: str, rows: list[Row]) -> Markup:
    body = Markup("").join(
        Markup('<tr><th scope="row">{}</th><td>{}</td><td><code>{}</code></td></tr>').format(*row) for row in rows
    )
    return Markup('<tbody><tr class="group"><th scope="rowgroup" colspan="3">{}</th></tr>{}</tbody>').format(
        title, body
    )


def _call_rows(call: SpCall, cdr: dict[str, Any]) -> list[Row]:
    seconds = int(call.talk.total_seconds())
    return [
        ("Talked", f"{seconds} s" if seconds else "not at all", "callEndTime − fwdAnswerTime"),
        ("Ended", f"{cdr.get('callEndTime', '–')} UTC", "callEndTime"),
        (
            "Placed by",
            f"{call.contact.name}, who called back" if call.is_return else "the platform, as a callback",
            "direction, serviceType",
        ),
        ("Our reference", str(cdr.get("userData", "–")), "userData"),
        ("ID of this record", str(cdr.get("icid", "–")), "icid"),
        ("ID of the call", str(cdr.get("sessionId", "–")), "sessionId"),
    ]


def _dialler_rows(cdr: dict[str, Any]) -> list[Row]:
    return [
        ("Number", _number(cdr.get("callerNum")), "callerNum"),
        ("It dialled", _number(cdr.get("calleeNum")), "calleeNum"),
        ("Dialled", _moment(cdr.get("callInTime")), "callInTime"),
    ]


def _own_rows(cdr: dict[str, Any]) -> list[Row]:
    return [
        ("Number", _number(cdr.get("calleeNum")), "calleeNum"),
        ("It showed", _number(cdr.get("callerNum")), "callerNum"),
        ("Dialled", _moment(cdr.get("callOutStartTime")), "callOutStartTime"),
        ("Rang", _moment(cdr.get("callOutAlertingTime"), "not notified"), "callOutAlertingTime"),
        ("Answered", _moment(cdr.get("callOutAnswerTime")), "callOutAnswerTime"),
        ("Failure", _failure(cdr, "callOutUnaswRsn", "callOutStartTime", "callOutAnswerTime"), "callOutUnaswRsn"),
    ]


def _other_rows(cdr: dict[str, Any]) -> list[Row]:
    return [
        ("Number", _number(cdr.get("fwdDstNum")), "fwdDstNum"),
        ("It showed", _number(cdr.get("fwdDisplayNum")), "fwdDisplayNum"),
        ("Dialled", _moment(cdr.get("fwdStartTime")), "fwdStartTime"),
        ("Rang", _moment(cdr.get("fwdAlertingTime"), "not notified"), "fwdAlertingTime"),
        ("Answered", _moment(cdr.get("fwdAnswerTime")), "fwdAnswerTime"),
        ("Failure", _failure(cdr, "fwdUnaswRsn", "fwdStartTime", "fwdAnswerTime"), "fwdUnaswRsn"),
    ]


def _end_rows(call: SpCall, cdr: dict[str, Any]) -> list[Row]:
    end = call.disconnect or {}
    who = texts.party(str(end.get("partyType")), call.contact.name, is_return=call.is_return) or "–"
    refusal = cdr.get("networkError")
    rows = [
        (
            "Result",
            _code(end.get("stateCode"), lambda code: texts.end_of(code, is_return=call.is_return).short),
            "stateCode",
        ),
        ("Who hung up", who, "partyType"),
        ("Where it failed", _code(cdr.get("ulFailReason"), texts.release), "ulFailReason"),
        ("SIP status", _code(cdr.get("sipStatusCode"), texts.sip), "sipStatusCode"),
    ]
    return [*rows, ("Why it was not dialled", f"the network refused: {refusal}", "networkError")] if refusal else rows


def _recording_rows(cdr: dict[str, Any]) -> list[Row]:
    if cdr.get("recordFlag") != 1:
        return [("Recorded", "no", "recordFlag")]
    return [
        ("Recorded", "yes, after the notice to both", "recordFlag"),
        ("From", _moment(cdr.get("recordStartTime")), "recordStartTime"),
        ("File", str(cdr.get("recordObjectName", "–")), "recordObjectName"),
        ("Fetched with", "a link that only our server knows", "recordFileDownloadUrl"),
    ]


def _number(e164: object) -> str:
    return formatted(str(e164)) if e164 else "–"


def _failure(cdr: dict[str, Any], cause: str, dialled: str, answered: str) -> str:
    """Why the other three times are missing. Code 0 is given both for a leg that answered and for an unknown cause."""
    if cdr.get(answered):
        return "none: it answered"
    if not cdr.get(dialled):
        return "none: it was not dialled"
    return _code(cdr.get(cause), texts.cause)


def _moment(text: object, absent: str = "it was not") -> str:
    """The time of day of a moment; its day is the call's."""
    if not text:
        return absent
    return f"{datetime.strptime(str(text), '%Y-%m-%d %H:%M:%S').replace(tzinfo=UTC):%H:%M:%S}"


def _code(code: object, in_words: Callable[[int], str]) -> str:
    return "–" if code is None else f"{code}: {in_words(int(str(code)))}"
