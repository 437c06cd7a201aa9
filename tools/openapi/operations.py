"""Every request that an SP can make: its path, what it brings, what it may be refused for.

One table, so it is longer than the others: what two requests share, such as the refusals of every authenticated one, is
named once and stands beside them.
"""

from dataclasses import dataclass, field
from typing import Any

from duologue.domain.calls.outcome import EndReason
from duologue.domain.errors import (
    AccountInactive,
    AddressNotAllowed,
    AuthenticationLocked,
    CalleeLimitReached,
    CallerRefused,
    DayCeilingReached,
    DialledNumberLimitReached,
    DisplayNumberNotOwned,
    InvalidField,
    InvalidToken,
    KeyReused,
    LimitReached,
    MemoryChanged,
    NonceUsed,
    NumberRateReached,
    NumberRefused,
    OutsideUnavailable,
    RecordingNotEnabled,
    RecordingNotReady,
    RequestStale,
    SchemeNotAllowed,
    SpRateReached,
    TooManyCalls,
    TooManyLogIns,
    TooManyPings,
    TooManyRequests,
    UnknownApp,
    UnknownCall,
    UnknownLink,
    UnknownMemory,
    UnknownNotification,
    UnknownRecording,
    WrongCredentials,
    WrongDigest,
)
from duologue.wire.huawei import routes
from duologue.wire.huawei.call_lists import (
    FAILED,
    LONGEST_CURSOR,
    MOST_DAYS,
    TALKED,
    USUAL_DAYS,
)
from duologue.wire.huawei.idempotency import HEADER
from duologue.wire.huawei.memories import MOST_LISTED
from duologue.wire.huawei.results import REPLAYED
from tools.openapi.answers import heard, led, succeeded

_TOKEN = (UnknownApp, InvalidToken, AccountInactive, OutsideUnavailable)
_PROOF = (
    *_TOKEN,
    AddressNotAllowed,
    SchemeNotAllowed,
    WrongDigest,
    RequestStale,
    NonceUsed,
    AuthenticationLocked,
    InvalidField,
)
_COUNTED = (*_PROOF, TooManyRequests)
_NUMBERS = (DisplayNumberNotOwned, CallerRefused, NumberRefused, RecordingNotEnabled)
_LIMITS = (
    KeyReused,
    LimitReached,
    TooManyCalls,
    SpRateReached,
    NumberRateReached,
    CalleeLimitReached,
    DialledNumberLimitReached,
    DayCeilingReached,
)


@dataclass(frozen=True)
class Operation:
    """One method of one path.

    `proof`: how the request may say whose it is, as OpenAPI's alternatives; empty: it need not.
    """

    name: str
    summary: str
    success: dict[str, Any]
    refusals: tuple[type[Exception], ...]
    proof: tuple[tuple[str, ...], ...]
    parameters: tuple[dict[str, Any], ...] = ()
    body: str | None = None
    body_required: bool = True
    examples: dict[str, Any] = field(default_factory=dict)
    form: bool = False
    """The body is a form, whose fields may as well be in the query."""


_BY_TOKEN = (("bearer",), ("appKey", "accessToken"))
"""The first is what a generated client uses by itself (docs/decisions/0030-bearer-tokens.md)."""
_ANY_PROOF = (*_BY_TOKEN, ("aksk", "akskScheme"), ("wsse", "wsseScheme"))


def _query(name: str, said: str, longest: int = 512, *, required: bool = True, **more: Any) -> dict[str, Any]:
    schema = {"type": "string", "minLength": 1, "maxLength": longest, **more}
    return {"name": name, "in": "query", "required": required, "description": said, "schema": schema}


def _path(name: str, said: str) -> dict[str, Any]:
    schema = {"type": "string", "minLength": 1, "maxLength": 256, "pattern": "^[0-9A-Za-z_.@-]+$"}
    return {"name": name, "in": "path", "required": True, "description": said, "schema": schema}


def _day(name: str, said: str, *, required: bool = False) -> dict[str, Any]:
    schema = {"type": "string", "format": "date", "pattern": r"^\d{4}-\d{2}-\d{2}$"}
    return {"name": name, "in": "query", "required": required, "description": f"{said}; in UTC", "schema": schema}


_KEY = {
    "name": HEADER,
    "in": "header",
    "required": False,
    "description": "The same key with the same body within 24 hours is the same request: it dials once.",
    "schema": {"type": "string", "minLength": 1, "maxLength": 128, "pattern": "^[!-~]([ -~]*[!-~])?$"},
}

_TWO_NUMBERS = {"callerNbr": "+12025550111", "calleeNbr": "+12025550122"}
_PLACE_EXAMPLES = {
    "the least": {"value": _TWO_NUMBERS},
    "the usual": {
        "value": {
            "displayNbr": "+12025550100",
            **_TWO_NUMBERS,
            "displayCalleeNbr": "+12025550101",
            "maxDuration": 30,
            "returnIdlePort": "true",
            "userData": "order-17",
        }
    },
}


def _placing(name: str, summary: str) -> Operation:
    return Operation(
        name,
        summary,
        succeeded("Placed", {REPLAYED: "IdempotencyReplayed"}),
        (*_PROOF, *_NUMBERS, *_LIMITS),
        _ANY_PROOF,
        (_KEY,),
        "Click2Call",
        examples=_PLACE_EXAMPLES,
    )


_LOG_IN_REFUSALS = (
    InvalidField,
    UnknownApp,
    AddressNotAllowed,
    SchemeNotAllowed,
    WrongCredentials,
    AccountInactive,
    TooManyLogIns,
    AuthenticationLocked,
    OutsideUnavailable,
)

_RANGE = {
    "name": "Range",
    "in": "header",
    "required": False,
    "description": "One range of bytes (RFC 9110 §14); any other value is ignored.",
    "schema": {"type": "string", "maxLength": 64, "pattern": "^bytes=([0-9]+-[0-9]*|-[0-9]+)$"},
}
_OF_RECORD = (
    _query("fileName", "The CDR's `recordObjectName`", 128),
    _query("recordDomain", "The CDR's `recordDomain`", 128),
)

_PHONE: dict[str, Any] = {"pattern": r"^\+[1-9][0-9]{2,14}$", "minLength": 4}
_DISPLAY = _query("displayNbr", "A display number of the app", 31, **_PHONE)
_DIALS = "The number that dials it: who was called from it"
_PAGE: dict[str, Any] = {
    "name": "limit",
    "in": "query",
    "required": False,
    "description": "Of a list: how many at most",
    "schema": {"type": "integer", "minimum": 1, "maximum": MOST_LISTED, "default": 25},
}
_SEEN = {
    "name": "version",
    "in": "query",
    "required": True,
    "description": "The version that the SP has seen",
    "schema": {"type": "integer", "minimum": 0, "maximum": 999_999_999},
}
_OF_MEMORY = (DisplayNumberNotOwned, UnknownMemory)

OPERATIONS: dict[str, dict[str, Operation]] = {
    routes.LOG_IN: {
        "post": Operation(
            "logIn",
            "Log in",
            succeeded("SignedIn"),
            _LOG_IN_REFUSALS,
            (("password",),),
            (_query("app_key", "The app's key"), _query("username", "The SP's user name")),
        )
    },
    routes.REFRESH: {
        "post": Operation(
            "refreshTokens",
            "Get the next pair of tokens",
            succeeded("SignedIn"),
            (*_LOG_IN_REFUSALS, InvalidToken),
            (),
            body="Refresh",
            form=True,
        )
    },
    routes.LOG_OUT: {
        "post": Operation("logOut", "End a pair of tokens", succeeded("Envelope"), (*_TOKEN, InvalidField), _BY_TOKEN)
    },
    routes.PLACE: {"post": _placing("placeCallback", "Place a callback")},
    routes.SANDBOX_PLACE: {
        "post": _placing("placeTestCallback", "Place a callback between two of the app's test numbers")
    },
    routes.OLDER_PLACE: {"post": _placing("placeCallbackV1", "The same, by the path that older clients know")},
    routes.OLDER_SANDBOX_PLACE: {
        "post": _placing("placeTestCallbackV1", "The same in the sandbox, by the path that older clients know")
    },
    routes.STOP: {
        "post": Operation(
            "stopCallback",
            "Stop a callback",
            succeeded("Envelope"),
            (*_PROOF, UnknownCall),
            _ANY_PROOF,
            body="CallStop",
            examples={
                "stop": {
                    "value": {
                        "sessionid": "3765175379_73324476_1689900735_20261123090000@duologue.example.com",
                        "signal": "call_stop",
                    }
                }
            },
        )
    },
    routes.LOOK_UP: {
        "get": Operation(
            "lookUpCallback",
            "Look up a callback: its phase, its legs, and what was told of it",
            succeeded("History"),
            (*_COUNTED, UnknownCall),
            _ANY_PROOF,
            (_path("sessionId", "As it was told when the callback was placed"),),
        )
    },
    routes.UNDELIVERED: {
        "get": Operation(
            "listUndelivered",
            "The notifications that wait for an attempt or were given up",
            succeeded("Undelivered"),
            (*_COUNTED, InvalidField),
            _ANY_PROOF,
            (
                _query("after", "`next` of an earlier answer; without it, from the oldest", required=False),
                _query("limit", "1 to 50", required=False),
            ),
        )
    },
    routes.REPLAY: {
        "post": Operation(
            "replayNotifications",
            "Send notifications again: one, or those of a span of time",
            succeeded("Replayed"),
            (*_COUNTED, InvalidField, UnknownNotification),
            _ANY_PROOF,
            (
                _query("id", "`webhook-id` of one", required=False),
                _query("from", "without `id`: the time from which on events were committed", required=False),
                _query("to", "the time up to which they were", required=False),
            ),
        )
    },
    routes.PING: {
        "post": Operation(
            "testNotifications",
            "Post a test notification to the SP's server, and say what came of it",
            succeeded("Pinged"),
            (*_COUNTED, InvalidField, TooManyPings),
            _ANY_PROOF,
            body="Ping",
            body_required=False,
            examples={
                "the app's URLs": {"value": {}},
                "another": {"value": {"statusUrl": "https://sp.example.com/new"}},
            },
        )
    },
    routes.EVENTS: {
        "get": Operation(
            "fetchEvents",
            "The events of the app's calls after a cursor, in order",
            succeeded("Events"),
            (*_COUNTED, InvalidField),
            _ANY_PROOF,
            (
                _query("after", "`next` of an earlier answer; without it, from the oldest", required=False),
                _query("limit", "1 to 50", required=False),
            ),
        )
    },
    routes.CALLBACKS: {
        "get": Operation(
            "listCallbacks",
            "The app's calls, newest first",
            succeeded("Callbacks"),
            (*_COUNTED, InvalidField),
            _ANY_PROOF,
            (
                _query("from", "Accepted at this time or later, RFC 3339", 40, required=False),
                _query("to", "Accepted before this time, RFC 3339", 40, required=False),
                _query("number", "Of either party", 31, required=False, **_PHONE),
                _query(
                    "result",
                    "Both parties were connected, or not, or why the call ended",
                    required=False,
                    enum=[TALKED, FAILED, *map(str, EndReason)],
                ),
                _query("open", "`true`: only calls that are not over", required=False, enum=["true", "false"]),
                _PAGE,
                _query("cursor", "`cursor` of the page before, with the same filters", LONGEST_CURSOR, required=False),
            ),
        )
    },
    routes.USAGE: {
        "get": Operation(
            "readUsage",
            "What the app used, by the day",
            succeeded("Usage"),
            (*_COUNTED, InvalidField),
            _ANY_PROOF,
            (
                _day("from", f"The first day; without it, {USUAL_DAYS} days up to the last"),
                _day("to", f"The last day, at most {MOST_DAYS - 1} days later; without it, today"),
            ),
        )
    },
    routes.CDRS: {
        "get": Operation(
            "listCdrs",
            "The CDRs of the app's calls that ended on a day, from the archive, which keeps them for years",
            succeeded("Cdrs"),
            (*_COUNTED, InvalidField),
            _ANY_PROOF,
            (
                _day("day", "The day of the end", required=True),
                _query("cursor", "`cursor` of the page before; without it, from the beginning", 32, required=False),
            ),
        )
    },
    routes.DELIVERIES: {
        "get": Operation(
            "listNotificationsOfCallback",
            "The notifications of a callback, with every attempt to deliver them",
            succeeded("Deliveries"),
            (*_COUNTED, UnknownCall),
            _ANY_PROOF,
            (_path("sessionId", "As it was told when the callback was placed"),),
        )
    },
    routes.RECORD: {
        "get": Operation(
            "getRecording",
            "Ask for the link to a recording",
            led(301, "The link, good for some days. It leads to the sound."),
            (*_COUNTED, UnknownRecording, RecordingNotReady),
            _ANY_PROOF,
            _OF_RECORD,
        ),
        "delete": Operation(
            "deleteRecording",
            "Delete a recording, at once and for ever",
            succeeded("Envelope"),
            (*_COUNTED, UnknownRecording),
            _ANY_PROOF,
            _OF_RECORD,
        ),
    },
    routes.LINK: {
        "get": Operation(
            "followLink",
            "Follow the link to a recording",
            heard(),
            (UnknownLink, OutsideUnavailable),
            (),
            (_path("token", "From the link"), _RANGE),
        )
    },
    routes.CDR_LINK: {
        "get": Operation(
            "followCdrLink",
            "Follow the link to a recording that its CDR told",
            heard(),
            (UnknownLink, RecordingNotReady, OutsideUnavailable),
            (),
            (_path("token", "From the link"), _path("fileName", "From the link"), _RANGE),
        )
    },
    routes.NOTIFICATION_URLS: {
        "get": Operation(
            "getNotificationUrls",
            "Where an app is told of calls whose request names no other place",
            succeeded("NotificationUrlsAnswer"),
            _COUNTED,
            _ANY_PROOF,
        ),
        "put": Operation(
            "setNotificationUrls",
            "Set both; what is null or left out is none",
            succeeded("NotificationUrlsAnswer"),
            _COUNTED,
            _ANY_PROOF,
            body="NotificationUrls",
            examples={
                "both": {
                    "value": {"statusUrl": "https://sp.example.com/status", "feeUrl": "https://sp.example.com/fee"}
                }
            },
        ),
    },
    routes.CALL_MEMORIES: {
        "get": Operation(
            "lookUpCallMemories",
            "With `calleeNbr`, who would be rung, or why nobody; without it, a page of the display number's memories",
            succeeded("CallMemories"),
            (*_COUNTED, *_OF_MEMORY),
            _ANY_PROOF,
            (
                _DISPLAY,
                _query("calleeNbr", _DIALS, 31, required=False, **_PHONE),
                _PAGE,
                _query("cursor", "Of a list: from the page before", 128, required=False),
            ),
        ),
        "put": Operation(
            "changeCallMemory",
            "Change who is rung",
            succeeded("CallMemory"),
            (*_COUNTED, *_OF_MEMORY, MemoryChanged, CallerRefused),
            _ANY_PROOF,
            body="CallMemoryChange",
            examples={
                "for an hour": {
                    "value": {
                        "displayNbr": "+12025550101",
                        "calleeNbr": "+12025550122",
                        "callerNbr": "+12025550144",
                        "version": 1,
                        "expiredTime": 1,
                    }
                }
            },
        ),
        "delete": Operation(
            "deleteCallMemory",
            "Forget who would be rung",
            succeeded("Envelope"),
            (*_COUNTED, *_OF_MEMORY, MemoryChanged),
            _ANY_PROOF,
            (_DISPLAY, _query("calleeNbr", _DIALS, 31, **_PHONE), _SEEN),
        ),
    },
}

TAGS: dict[str, tuple[str, tuple[str, ...]]] = {
    "sessions": ("Log in, refresh, log out", (routes.LOG_IN, routes.REFRESH, routes.LOG_OUT)),
    "callbacks": (
        "Place, stop, list and look up callbacks; their CDRs, and what was used",
        (
            routes.PLACE,
            routes.SANDBOX_PLACE,
            routes.OLDER_PLACE,
            routes.OLDER_SANDBOX_PLACE,
            routes.STOP,
            routes.LOOK_UP,
            routes.CALLBACKS,
            routes.USAGE,
            routes.CDRS,
        ),
    ),
    "memories": ("Who is rung when a called party dials a display number", (routes.CALL_MEMORIES,)),
    "recordings": ("Fetch and delete recordings", (routes.RECORD, routes.LINK, routes.CDR_LINK)),
    "notifications": (
        "How notifications were delivered",
        (routes.DELIVERIES, routes.UNDELIVERED, routes.REPLAY, routes.PING, routes.EVENTS),
    ),
    "settings": ("What the SP itself sets", (routes.NOTIFICATION_URLS,)),
}
"""Groups of paths, of which generated clients make modules: description and paths."""
