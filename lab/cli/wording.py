"""Texts for what happens in a call: SMA events and actions, phones, and notifications to an SP."""

import re
from collections.abc import Mapping
from typing import Any

from lab.sp.receiver import Notification
from pstn.feed import NetworkEvent

People = Mapping[str, str]
"""Names by number."""

_REFUSALS = {486: "is busy", 603: "declines", 404: "does not exist", 480: "is not available"}


def number(e164: str) -> str:
    """North American numbers as people there write them: "+1 202 555 0111"; others stay as they are."""
    if e164.startswith("+1") and len(e164) == 12:
        return "\N{NO-BREAK SPACE}".join(("+1", e164[2:5], e164[5:8], e164[8:]))
    return e164


def name(e164: object, people: People) -> str:
    return people.get(str(e164)) or number(str(e164))


def phone(event: NetworkEvent, people: People) -> str | None:
    """What a person at a phone notices or does; None: nothing."""
    detail = event.detail
    match event.kind:
        case "rang":
            return f"rings, showing {number(str(detail['shown']))}"
        case "picked_up":
            return "answers"
        case "heard":
            return f"hears “{_prompt(str(detail['what']))}”"
        case "joined":
            return f"talks with {name(detail['other'], people)}"
        case "pressed":
            return f"presses {detail['digit']}"
        case "vanished":
            return "vanishes without hanging up"
        case "called_in":
            return f"calls {number(str(detail['to']))}"
        case "ended" if detail["by"] == "self":
            return _REFUSALS.get(int(detail["sip_code"]), "hangs up")
        case "ended":
            return "the line goes dead" if not detail["sip_code"] else "stops ringing"
    return None


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
        case "trouble":
            return f"a failure of the telephone line: {detail['text']}"
        case "recorded":
            return f"a recording was stored at {detail['place']}"
    return None


def exchange(event: Mapping[str, Any], answer: Mapping[str, Any], people: People, again: str = "") -> str:
    """An SMA event and the platform's answer: "ACTION_SUCCESSFUL Jack → dial"."""
    actions = [_action(action, event, people) for action in answer.get("Actions", [])]
    about = _about(event, people)
    return f"{event['InvocationEventType']}{again}{' ' + about if about else ''} → {', then '.join(actions) or '–'}"


def notification(received: Notification, people: People) -> str:
    """A notification: "answer, Sophia"; for the end, its code."""
    unsigned = "" if received.signed else ", NOT SIGNED"
    if received.kind == "fee":
        error = received.body["feeLst"][0].get("networkError")
        return f"CDR{f': the network refused to dial, {_reason(error)}' if error else ''}{unsigned}"
    status = received.body["statusInfo"]
    if received.kind == "disconnect":
        return f"disconnect {status.get('stateCode')}{unsigned}"
    return f"{received.kind}, {name(status.get('called'), people)}{unsigned}"


def _about(event: Mapping[str, Any], people: People) -> str:
    data = event.get("ActionData", {})
    parameters = data.get("Parameters", {})
    match event["InvocationEventType"]:
        case "CALL_UPDATE_REQUESTED":
            return str(parameters.get("Arguments", {}).get("command", ""))
        case "HANGUP":
            return _leg(parameters, event, people)
        case "ACTION_SUCCESSFUL" | "ACTION_FAILED" | "ACTION_INTERRUPTED":
            return " ".join(str(part) for part in (data.get("Type"), parameters.get("ErrorType")) if part)
        case "RINGING" | "CALL_ANSWERED":
            return name(event["CallDetails"]["Participants"][-1]["To"], people)
    return ""


def _action(action: Mapping[str, Any], event: Mapping[str, Any], people: People) -> str:
    parameters = action.get("Parameters", {})
    match action["Type"]:
        case "PlayAudio":
            return f"play “{_prompt(parameters['AudioSource']['Key'])}” to {_leg(parameters, event, people)}"
        case "CallAndBridge":
            whom = name(parameters["Endpoints"][0]["Uri"], people)
            return f"ring {whom}, showing {number(str(parameters['CallerIdNumber']))}"
        case "Hangup":
            return f"hang up {_leg(parameters, event, people)}"
        case other:
            return str(other)


def _leg(parameters: Mapping[str, Any], event: Mapping[str, Any], people: People) -> str:
    for leg in event["CallDetails"]["Participants"]:
        if parameters.get("CallId") == leg["CallId"] or parameters.get("ParticipantTag") == leg["ParticipantTag"]:
            return name(leg["To"], people)
    return "a leg"


def _reason(error: object) -> str:
    """The network's code as words, which can be wrapped: "resource limit exceeded"."""
    return re.sub(r"(?<=[a-z])(?=[A-Z])", " ", str(error).removesuffix("Exception")).lower()


def _prompt(key: str) -> str:
    return key.rpartition("/")[2].removesuffix(".wav").replace("-", " ")
