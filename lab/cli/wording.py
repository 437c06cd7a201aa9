"""Texts for what happens in a call: SMA events and actions, phones, and notifications to an SP."""

import json
import re
from collections.abc import Callable, Mapping
from typing import Any

from lab.sp.receiver import Notification
from pstn.feed import NetworkEvent
from pstn.sip_messages import REASONS

People = Mapping[str, str]
"""Names by number."""

OK, REFUSED, CANCELLED = 200, 300, 487
"""SIP: an answer, the least final status that is none, and that of a call that was given up before."""
_REFUSALS = {486: "is busy", 603: "declines", 404: "does not exist", 480: "is not available"}


def number(e164: str) -> str:
    """North American numbers as people there write them: "+1 202 555 0111"; others stay as they are."""
    if e164.startswith("+1") and len(e164) == 12:
        return "\N{NO-BREAK SPACE}".join(("+1", e164[2:5], e164[5:8], e164[8:]))
    return e164


def name(e164: object, people: People) -> str:
    return people.get(str(e164)) or number(str(e164))


def printable(text: str) -> str:
    """The text for a terminal: without control characters, and without halves of surrogate pairs, which JSON allows.

    No-break spaces stay: they keep a telephone number on one line.
    """
    return "".join(
        each
        if each.isprintable() or each == "\N{NO-BREAK SPACE}"
        else " "
        if each.isspace()
        else "\N{REPLACEMENT CHARACTER}"
        for each in text
    )


def phone(event: NetworkEvent, people: People) -> str | None:
    """What a person at a phone notices or does; None: nothing."""
    detail = event.detail
    if event.kind == "ended":
        code = int(detail["sip_code"])
        if detail["by"] == "self":
            return _REFUSALS.get(code) or (f"is not reached ({status(code)})" if code >= REFUSED else "hangs up")
        if not code:
            return "the line goes dead"
        is_reached = detail["incoming"] and not detail.get("trunk")
        return "stops ringing" if is_reached or code == CANCELLED else f"is not connected ({status(code)})"
    words: dict[str, Callable[[], str]] = {
        "rang": lambda: f"rings, showing {number(str(detail['shown']))}",
        "picked_up": lambda: "answers",
        "heard": lambda: f"hears “{_prompt(str(detail['what']))}”",
        "joined": lambda: f"talks with {name(detail['other'], people)}",
        "pressed": lambda: f"presses {detail['digit']}",
        "received": lambda: f"receives the digit {detail['digit']}",
        "vanished": lambda: "vanishes without hanging up",
        "called_in": lambda: f"calls {number(str(detail['to']))}{_withheld(event)}",
    }
    return words[event.kind]() if event.kind in words else None


def _withheld(event: NetworkEvent) -> str:
    shown = event.detail["shown"]
    return "" if shown == event.number else f", showing “{shown}” instead of its number"


def network(event: NetworkEvent, people: People) -> str | None:
    """What happens in the network besides SMA events."""
    detail = event.detail
    match event.kind:
        case "placed":
            return f"the network accepts the dial to {name(detail['to'], people)}"
        case "refused" if detail["operation"] == "create":
            return f"the network refuses to dial {name(detail['to'], people)}: {_reason(detail['error'])}"
        case "refused":
            return f"the network refuses to update the call: {_reason(detail['error'])}"
        case "failure":
            return f"the function failed: {detail['reason']}"
        case "over":
            return "all legs have ended"
        case "broken":
            return f"an error inside the laboratory: {detail['error']}"
        case "trouble":
            return f"a failure of the telephone line: {detail['text']}"
        case "recorded":
            return f"a recording was stored at {detail['place']}"
    return trunk(event)


def trunk(event: NetworkEvent) -> str | None:
    """What happens at a SIP trunk besides calls that are set up."""
    detail = event.detail
    match event.kind:
        case "trunk_failed":
            return f"trunk {detail['trunk']} fails: {detail['why'] or status(detail['sip_code'])}"
        case "trunk_refused_us":
            return f"trunk {detail['trunk']} refuses our credentials or our address ({status(detail['sip_code'])})"
        case "no_room" if detail["trunk"]:
            return f"no room on trunk {detail['trunk']}: calls or calls_per_second of trunks.yaml is reached"
        case "no_room":
            return "no room on this machine: its stations, or rtp_ports of trunks.yaml, carry no more calls"
        case "registration" if detail["why"]:
            return f"trunk {detail['trunk']} does not get our registration: {detail['why']}"
        case "registration":
            done = "takes" if detail["sip_code"] == OK else f"refuses ({status(detail['sip_code'])})"
            return f"trunk {detail['trunk']} {done} our registration"
    return None


def status(code: object) -> str:
    """A SIP status in words: "488 Not Acceptable Here"."""
    reason = REASONS.get(int(str(code)))
    return f"{code} {reason}" if reason else str(code)


def exchange(event: Mapping[str, Any], answer: object, people: People, again: str = "") -> str:
    """An SMA event and the application's answer, whatever that is: "ACTION_SUCCESSFUL Jack → dial"."""
    about = _about(event, people)
    said = _answer(answer, event, people)
    return f"{_at(event, 'InvocationEventType')}{again}{' ' + about if about else ''} → {said}"


def notification(received: Notification, people: People) -> str:
    """A notification: "answer, Sophia"; for the end, its code."""
    unsigned = "" if received.signed else ", signed with another app's secret" if received.other_app else ", NOT SIGNED"
    if received.kind == "fee":
        error = received.body["feeLst"][0].get("networkError")
        return f"CDR{f': the network refused to dial, {_reason(error)}' if error else ''}{unsigned}"
    status = received.body["statusInfo"]
    if received.kind == "disconnect":
        return f"disconnect {status.get('stateCode')}{unsigned}"
    if received.kind == "callin":
        return f"callin, {name(status.get('caller'), people)} dials {number(str(status.get('called')))}{unsigned}"
    return f"{received.kind}, {name(status.get('called'), people)}{unsigned}"


def _answer(answer: object, event: Mapping[str, Any], people: People) -> str:
    if not isinstance(answer, dict):
        return f"an answer that is no object: {_shortened(answer)}"
    actions = answer.get("Actions")
    if actions is None or actions == []:
        return "–" if answer.get("SchemaVersion") == "1.0" else f"an answer of another form: {_shortened(answer)}"
    if not isinstance(actions, list):
        return f"Actions is no list: {_shortened(actions)}"
    return ", then ".join(_action(action, event, people) for action in actions)


def _about(event: Mapping[str, Any], people: People) -> str:
    match _at(event, "InvocationEventType"):
        case "CALL_UPDATE_REQUESTED":
            return _text(_at(event, "ActionData", "Parameters", "Arguments", "command"), "")
        case "HANGUP":
            return _leg(_at(event, "ActionData", "Parameters"), event, people)
        case "ACTION_SUCCESSFUL" | "ACTION_FAILED" | "ACTION_INTERRUPTED":
            parts = (_at(event, "ActionData", "Type"), _at(event, "ActionData", "ErrorType"))
            return " ".join(str(part) for part in parts if part)
        case "RINGING" | "CALL_ANSWERED" | "NEW_INBOUND_CALL":
            return name(_far_end(_at(event, "CallDetails", "Participants", -1)), people)
    return ""


def _action(action: object, event: Mapping[str, Any], people: People) -> str:
    leg = _leg(_at(action, "Parameters"), event, people)
    match _at(action, "Type"):
        case "PlayAudio":
            return f"play “{_prompt(_text(_at(action, 'Parameters', 'AudioSource', 'Key'), '?'))}” to {leg}"
        case "CallAndBridge":
            whom = name(_text(_at(action, "Parameters", "Endpoints", 0, "Uri"), "nobody"), people)
            shown = _text(_at(action, "Parameters", "CallerIdNumber"), "no number")
            return f"ring {whom}, showing {number(shown)}"
        case "Hangup":
            return f"hang up {leg}"
        case str(other) if other:
            return other
    return f"no action: {_shortened(action)}"


def _leg(parameters: object, event: Mapping[str, Any], people: People) -> str:
    """The person whose leg these parameters name."""
    call_id, tag = _at(parameters, "CallId"), _at(parameters, "ParticipantTag")
    for leg in _at(event, "CallDetails", "Participants") or ():
        if call_id == leg["CallId"] or tag == leg["ParticipantTag"]:
            return name(_far_end(leg), people)
    return "a leg"


def _far_end(participant: object) -> str:
    """The number of this leg's telephone: the one that was dialled, or that called."""
    return _text(
        _at(participant, "From" if _at(participant, "Direction") == "Inbound" else "To"), "a caller without number"
    )


def _at(value: object, *path: str | int) -> Any:
    """What stands at this path of names and positions; None if there is nothing."""
    for step in path:
        try:
            value = value[step]  # type: ignore[index]  # that is what the except clause is for
        except (TypeError, LookupError):
            return None
    return value


def _text(value: object, otherwise: str) -> str:
    return value if isinstance(value, str) and value else otherwise


def _shortened(value: object) -> str:
    text = json.dumps(value, default=str)
    return text if len(text) <= 60 else f"{text[:59]}…"


def _reason(error: object) -> str:
    """The network's code as words, which can be wrapped: "resource limit exceeded"."""
    return re.sub(r"(?<=[a-z])(?=[A-Z])", " ", str(error).removesuffix("Exception")).lower()


def _prompt(key: str) -> str:
    return key.rpartition("/")[2].removesuffix(".wav").replace("-", " ")
