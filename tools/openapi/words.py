"""What each field means: a text, or a text with what examples cannot show (an `enum`, a `format`)."""

from typing import Any

from duologue.call_control.history import DeliveryState
from duologue.domain.accounting.receipt import Amounts
from duologue.domain.calls.outcome import EndReason, Party, Result
from duologue.domain.memory.call_memory import SetBy
from duologue.domain.memory.memory_history import MOST_CHANGES
from duologue.wire.huawei.call_lists import LONGEST_CURSOR
from duologue.wire.huawei.call_lists import MOST_LISTED as MOST_CALLS
from duologue.wire.huawei.histories import FACT_NAMES, PHASE_NAMES
from duologue.wire.huawei.memories import MOST_LISTED, WHY_NOT
from duologue.wire.huawei.notifications import EVENT_TYPES
from duologue.wire.huawei.outcomes import STATES

_STAMP = {"format": "date-time"}
_WIRE_TIME = {"pattern": r"^\d{4}-\d{2}-\d{2} \d{2}:\d{2}:\d{2}$"}
_PARTIES = {"enum": [str(party) for party in Party]}


def _stamp(said: str) -> dict[str, Any]:
    return {"description": f"{said}; RFC 3339, UTC, to the millisecond", **_STAMP}


def _time(said: str) -> dict[str, Any]:
    return {"description": f"{said}; UTC, to the second", **_WIRE_TIME}


_ANSWERS: dict[str, Any] = {
    "resultcode": {"description": "`0` is success", "pattern": "^[0-9]{1,32}$"},
    "resultdesc": {"description": "the result in words; of a refusal, what to change", "maxLength": 128},
    "sessionId": "the call's id, `<n>_<n>_<n>_<yyyyMMddHHmmss>@<host>`",
    "idlePort": {"description": "how many calls more the app may place now", "minimum": 0, "maximum": 65535},
    "access_token": "for every request, 48 hours",
    "refresh_token": "buys the next pair, 96 hours",
    "expires_in": {"description": "seconds that the access token is good for", "pattern": "^[0-9]+$"},
}
REQUESTS: dict[str, Any] = {
    "displayNbr": "what the caller's phone shows; a number of the app's own. By default `bindNbr`, if it may be shown",
    "callerNbr": "who is rung first, E.164",
    "displayCalleeNbr": "what the callee's phone shows; a number of the app's own. By default `displayNbr`",
    "calleeNbr": "who is rung when the caller has answered, E.164",
    "bindNbr": "what the CDR has as `bindNum`: a bind number of the app, or a display number",
    "maxDuration": "minutes from the callee's answer; 0, or more than the app's own limit: that limit, 240 by default",
    "lastMinVoice": "a prompt of the app, heard when a minute of `maxDuration` is left",
    "lastMinToUE": "who hears it: caller, callee, both",
    "playPreVoice": "whether the caller hears a prompt to its end before the callee is dialled",
    "preVoice": "which prompt of the app that is",
    "waitVoice": "a prompt of the app that the caller hears while the callee's phone rings",
    "calleeMedia": "read and checked; the network has no choice here",
    "statusUrl": "where status events are posted. By default what the app is set to",
    "feeUrl": "where the CDR is posted. By default what the app is set to",
    "recordFlag": "whether to record; only for an app that the operator allows it for",
    "recordHintTone": "a recording notice of the app, which both hear before the recording begins",
    "partyTypeRequiredInDisconnect": "whether `disconnect` says who hung up",
    "returnIdlePort": "whether the answer says how many calls more the app may place now",
    "userData": "echoed in every event and in the CDR; no braces, control or full-width (Chinese, …) characters",
    "callMemory": "whether the callee can return the call by dialling the display number. By default as the app is set",
    "callBackTone": "a prompt of the app for a return call that cannot be connected. By default one that says why",
    "callbackExpiredTime": "hours for which the callee can return the call; at most, and by default, the app's",
    "sessionid": "the call's id, as `sessionId` was told. With a small d",
    "signal": "the one thing to do",
}
_EVENTS: dict[str, Any] = {
    "eventType": {"enum": list(EVENT_TYPES.values())},
    "statusUrl": "where status events are posted",
    "feeUrl": "where the CDR is posted",
    "statusInfo": "of which call and leg",
    "timestamp": _time("when it happened"),
    "caller": (
        "of an event, the number shown, of `callin` the one that called, or `anonymous`; "
        "of a look-up, the leg that is dialled first, or that called in"
    ),
    "called": "the number dialled; of `disconnect`, that of the leg that hung up first, otherwise the caller's",
    "partyType": {"description": "who hung up, if that was asked for", "enum": ["caller", "called", "platform"]},
    "stateCode": {"description": "how the call ended", "enum": sorted(STATES)},
    "stateDesc": "the same in words",
    "feeLst": {"description": "one record", "minItems": 1, "maxItems": 1},
}
_CDR: dict[str, Any] = {
    "direction": {"description": "0: a callback, placed by the platform; 1: a return call", "enum": [0, 1]},
    "spId": "the SP's account",
    "appKey": "the app",
    "icid": "the record's identity: the same in every repeat",
    "bindNum": "as `bindNbr`",
    "callerNum": "caller's leg: number shown; of a return call, the number that called, or `anonymous`",
    "calleeNum": "caller's leg: number dialled; of a return call, the display number",
    "callInTime": _time("a return call: when it came in"),
    "fwdDisplayNum": "callee's leg: number shown",
    "fwdDstNum": "callee's leg: number dialled",
    "callOutStartTime": _time("caller's leg: dialled"),
    "callOutAlertingTime": _time("caller's leg: rang"),
    "callOutAnswerTime": _time("caller's leg: answered"),
    "callOutUnaswRsn": "caller's leg: Q.850 cause; 0 if it did not fail",
    "fwdStartTime": _time("callee's leg: dialled"),
    "fwdAlertingTime": _time("callee's leg: rang"),
    "fwdAnswerTime": _time("callee's leg: answered"),
    "fwdUnaswRsn": "callee's leg: Q.850 cause; 0 if it did not fail",
    "callEndTime": _time("the end"),
    "failTime": _time("the same, if the callee never answered"),
    "ulFailReason": "where it failed; 0 after a talk",
    "sipStatusCode": "the failed leg's SIP status; 0 if none is known",
    "networkError": "the network's code of why it refused to dial; CredentialsRefused, Forbidden: a trunk did",
    "recordFlag": {"description": "whether a recording was started", "enum": [0, 1]},
    "recordHintTone": "the notice that both parties heard: the request's, or `recording-notice`, the platform's",
    "recordStartTime": _time("when the recording began"),
    "recordObjectName": "the recording's name, for the request for it",
    "recordBucketName": "always `recordings`",
    "recordDomain": "the recording's domain, for the request for it",
    "recordFileDownloadUrl": {"description": "leads to the sound once it has come, for some days", "maxLength": 1024},
    "ttsPlayTimes": "nothing is spoken",
    "ttsTransDuration": "nothing is spoken",
    "serviceType": {"description": "voice callback", "enum": ["002"]},
    "hostName": "the host part of every session id",
}
_HISTORY: dict[str, Any] = {
    "phase": {"description": "how far the call is", "enum": [*PHASE_NAMES.values()]},
    "acceptedAt": _stamp("the request was accepted, or the return call came in"),
    "endedAt": _stamp("no leg is up any more"),
    "callee": "the leg that is dialled second, or by a return call; left out if a call to a display number rang nobody",
    "number": "who is rung; the caller of a return call: who called, or `anonymous`",
    "displayNumber": "what the phone shows; the caller of a return call: the number that was called",
    "dialledAt": _stamp("the network took the dial; the caller of a return call: it came in"),
    "alertingAt": _stamp("the phone rang, where the network says so"),
    "answeredAt": _stamp("it was answered"),
    "outcome": {"description": "what became of the leg", "enum": [str(result) for result in Result]},
    "ending": "why the call ends or ended; the codes once it is over",
    "reason": {"enum": [str(reason) for reason in EndReason]},
    "endedBy": {"description": "who hung up; left out if it was neither", **_PARTIES},
    "recording": "left out if none was started",
    "startedAt": _stamp("the recording began"),
    "missingAt": _stamp("the file had not arrived yet, well after the call; left out otherwise"),
    "recordHintTone": "the notice that both parties heard: the request's, or `recording-notice`, the platform's",
    "noticesHeard": "who heard the notice, and between which times: the recording starts only after both have",
    "notBefore": _stamp("the callee answered"),
    "notAfter": _stamp("the recording began"),
    "receipt": "what the call cost, estimated, once it is over; left out for calls of releases that wrote none",
    "usd": "USD, as a number; of the whole or of this part",
    "telephone": "by the operator's rates when the call was accepted",
    "legs": "the caller's and the callee's",
    "parts": "what costs most comes first",
    "minutes": "begun ones, from the leg's answer to its end",
    "usdPerMinute": "the rate of the leg's number; 0 for the caller of a return call, who is not dialled",
    "aws": "what the call used of AWS, each notification counted once, by list prices without free tiers",
    "pricesOf": {"description": "the date of the price table", "format": "date"},
    "part": {"description": "what has a price of its own", "enum": [*Amounts._fields]},
    "amount": "in the unit of its price",
    "facts": "what happened, in order",
    "sequence": {"description": "the place in that order", "minimum": 1},
    "fact": {"enum": list(FACT_NAMES.values())},
    "party": _PARTIES,
    "at": _stamp("when"),
    "told": "the last attempt to tell this to the SP; left out if there was none (yet)",
    "url": "where it was posted",
    "attempts": "in `told`: how many there were; of a notification: all of them, in order",
    "accepted": "whether the SP took it",
    "httpStatus": "of the SP's answer; left out if there was none",
    "note": "what was wrong",
    "events": "in the order of their commits",
    "next": "the cursor for the next request",
    "callbacks": {"description": "calls of the app, newest first", "maxItems": MOST_CALLS},
    "usage": "by the day of the calls' ends, in UTC; newest first",
    "total": "of these days",
    "day": {"format": "date"},
    "calls": "calls that ended",
    "talked": "those in which both parties were connected",
    "talkSeconds": "of talk, rounded up for each call",
    "cdrs": "whole files of the archive, in their order; no session twice",
    "cursor": {"description": "for the next page; left out: there is no more at present", "maxLength": LONGEST_CURSOR},
    "replayed": "how many are sent again",
    "rest": "where to go on, as `from`: there were more; left out if there were not",
    "more": "whether there are further events now",
    "notifications": "every fact that has one, in order",
    "id": "the same for all attempts: `webhook-id`",
    "state": {"enum": ["pending", *(str(state) for state in DeliveryState)]},
    "milliseconds": "how long the request took",
    "reply": "the beginning of the answer's body, at most 256 bytes",
    "overtaken": "it is not retried: a later step was accepted, or the callback is over; left out otherwise",
    "nextAttemptAt": "when it is retried; left out if it is not",
}

_PAIR: dict[str, Any] = {
    "displayNbr": "the display number",
    "calleeNbr": "the number that dials it: who was called from it",
    "callerNbr": "who is rung",
}
MEMORY_CHANGE: dict[str, Any] = {
    **_PAIR,
    "callerNbr": "who is to be rung; the platform must be able to dial it, and it may not be a display number",
    "version": "the one that the SP has seen; with another one nothing is changed",
    "expiredTime": "hours from now for which this counts, at most those of the app; by default the time that was left",
}
MEMORY: dict[str, Any] = {
    **_ANSWERS,
    **_PAIR,
    "callMemory": "one memory, and what a call would meet; of a list left out",
    "callMemories": {"description": "one page of a list; of a pair left out", "maxItems": MOST_LISTED},
    "cursor": {"description": "for the next page; left out: there is none", "maxLength": 128},
    "setBy": {"description": "what decided who is rung", "enum": [str(each) for each in SetBy]},
    "sessionId": "the call that left the memory",
    "userData": "that of its request",
    "rememberedAt": _stamp("the called party was called, or `callerNbr` was changed"),
    "expiresAt": _stamp("from then on there is no memory"),
    "version": {"description": "counts the changes of the pair, by calls and requests", "minimum": 1},
    "wouldRing": "whether a call from `calleeNbr` to `displayNbr` would ring `callerNbr` now",
    "reason": {"description": "why not; left out if it would", "enum": [str(each) for each in WHY_NOT]},
    "why": "the same in words",
    "history": {"description": "changes by requests and the operator, the newest first", "maxItems": MOST_CHANGES},
    "at": _stamp("when"),
    "who": "the app's key and the id of the request (`x-amzn-RequestId`), or the operator",
    "from": "who was rung, masked; left out if the operator erased it",
    "to": "who was rung from then on, masked; left out of a deletion",
}

TOLD: dict[str, Any] = {"userData": REQUESTS["userData"], **_ANSWERS, **_EVENTS, **_CDR, **_HISTORY}
"""What the platform says, in an answer or by itself."""

PING: dict[str, Any] = {
    "statusUrl": "where to post a test of status events. Without both, the app's own URLs are tested",
    "feeUrl": "where to post a test of CDRs",
}
PINGED: dict[str, Any] = {
    **TOLD,
    "eventType": {"enum": ["ping"]},
    "sessionId": "of no call",
    "caller": "a display number of the app",
    "called": "the same",
    "feeLst": {"description": "no record", "maxItems": 0},
    "pings": "one of each URL",
    "acknowledged": "whether a notification would have been acknowledged",
    "at": _stamp("when it was posted"),
    "notifications": {
        "description": "what happens to notifications for this URL now: they are posted; put off, because its server "
        "did not answer several; or not posted, because it answered 410",
        "enum": ["posted", "paused", "switched off"],
    },
}
"""Of a test notification and what came of it."""

REFRESH: dict[str, dict[str, Any]] = {
    "app_key": {"description": "the app's key"},
    "app_secret": {"description": "the app's secret"},
    "grant_type": {"description": "what is asked for", "enum": ["refresh_token"]},
    "refresh_token": {"description": "from the last answer"},
}
"""The form of a refresh."""
