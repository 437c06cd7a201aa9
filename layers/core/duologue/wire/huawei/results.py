"""Responses to an SP: the envelope `{"resultcode", "resultdesc"}` and the HTTP status.

Invariant: a failure has both a status other than 200 and the envelope, since some clients read only one of them. The
text names the fault; for an unhandled exception it is static.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from math import ceil
from typing import Any

from duologue.domain.access.tokens import TokenPair
from duologue.domain.calls.call import NotifyTo
from duologue.domain.errors import (
    AccountExists,
    AccountInactive,
    AddressNotAllowed,
    AlreadyDone,
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
    NotYet,
    NumberRateReached,
    NumberRefused,
    OutsideUnavailable,
    RecordingNotEnabled,
    RecordingNotReady,
    RefusedForNow,
    RequestRefused,
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
from duologue.domain.media.recording_link import AudioElsewhere, AudioFile, AudioHasNoSuchPart, ServedAudio
from duologue.wire.huawei.header_faults import Fault, HeaderFault

_LONGEST_TEXT = 128
REPLAYED = "Idempotency-Replayed"
"""`true` on a repeated response. The draft names no such header; the name uses its term."""


@dataclass(frozen=True, slots=True)
class Answer:
    """One response."""

    status: int
    body: Mapping[str, Any] = field(repr=False)
    headers: Mapping[str, str] = field(default_factory=dict)
    content: bytes = field(default=b"", repr=False)
    """What the response has instead of a JSON body, of the type in `headers`."""

    @property
    def code(self) -> str:
        """The result code; "0" is success, also for a response without a body."""
        return str(self.body.get("resultcode", "0"))

    @property
    def is_ours(self) -> bool:
        """Whether the operator must act rather than the SP."""
        return self.status >= 500


@dataclass(frozen=True, slots=True)
class ErrorRow:
    """The response for one error class. `says_why`: append the error's own text.

    `again_after`: seconds after which the same request may succeed; None: not unchanged. An error with its own wait
    (`RefusedForNow`) overrides it; then this is the maximum. `why`: the reason for the choice, for docs/api.md.
    """

    status: int
    code: str
    text: str
    why: str
    says_why: bool = False
    again_after: int | None = None


UNEXPECTED = ErrorRow(500, "1010001", "Internal error.", "unhandled exception: the text must not reveal it")

ERROR_ROWS: dict[type[Exception], ErrorRow] = {
    InvalidField: ErrorRow(403, "1010002", "Invalid request.", "the catch-all; the text names the field", True),
    DisplayNumberNotOwned: ErrorRow(403, "1010023", "Invalid display number.", "the format has its own code", True),
    CallerRefused: ErrorRow(403, "1010024", "Invalid caller number.", "the format has its own code", True),
    NumberRefused: ErrorRow(
        403, "1010002", "Invalid request.", "for the callee's number: the format has a code only for the caller's", True
    ),
    KeyReused: ErrorRow(
        403,
        "1010002",
        "Invalid request.Idempotency-Key was used within 24 hours for another request.",
        "like other errors of the SP; not 409 or 422: the format only uses 400, 403 and 500",
    ),
    RecordingNotEnabled: ErrorRow(
        403, "1010002", "Invalid request.", "the format's code for this was never published", True
    ),
    RequestRefused: ErrorRow(403, "1010002", "Invalid request.", "any other refusal"),
    AccountExists: ErrorRow(403, "1010002", "Invalid request.", "only the operator gets it"),
    UnknownApp: ErrorRow(403, "1010003", "Invalid app_key.", "clients log in again"),
    InvalidToken: ErrorRow(
        403, "1010004", "Invalid access_token.", "also for an expired one: all clients then log in again"
    ),
    WrongCredentials: ErrorRow(
        403, "1010002", "Invalid request.Wrong user name, password or app_secret.", "does not say which"
    ),
    WrongDigest: ErrorRow(
        403,
        "1023001",
        "Parameter error. The digest is wrong.",
        "the format's code for this was never published: its general one for headers; does not say whether the secret "
        "or the computation is wrong",
    ),
    AddressNotAllowed: ErrorRow(
        403, "1020166", "The client's address is not on the list of the app.", "the format has its own code"
    ),
    SchemeNotAllowed: ErrorRow(
        403,
        "1010002",
        "Invalid request.The operator has not allowed the app to authenticate in this way.",
        "the format has no code for this; 1010003 or 1010004 would let clients log in again",
    ),
    RequestStale: ErrorRow(
        400,
        "1010013",
        "Time out limit. Created must be within 5 minutes of now, as 2026-01-15T09:30:00Z, in UTC or UTC+8.",
        "the format's code for this, with the status of all header errors",
    ),
    NonceUsed: ErrorRow(
        403,
        "1020003",
        "Parameter error. The nonce was used before.",
        "the format has no code for this: its other general code, to distinguish a replay from a wrong digest",
    ),
    AuthenticationLocked: ErrorRow(
        403, "1020176", "Authentication failed too often, try later.", "the format's own; the lock expires", False, 1800
    ),
    AccountInactive: ErrorRow(
        403,
        "1010007",
        "The account is not active.",
        "the operator suspended the SP or the app; it may still stop calls",
    ),
    TooManyLogIns: ErrorRow(
        403, "1010010", "Too many log-ins, try later.", "flow control: clients wait a minute", False, 60
    ),
    TooManyPings: ErrorRow(
        403, "1010010", "Too many pings, try later.", "flow control, as of log-ins: clients wait a minute", False, 60
    ),
    TooManyRequests: ErrorRow(
        403, "1010010", "Too many requests, try later.", "flow control, as of log-ins: clients wait a minute", False, 1
    ),
    LimitReached: ErrorRow(
        403, "1020165", "All concurrent calls of the app are in use.", "a slot is freed when a call ends", False, 5
    ),
    TooManyCalls: ErrorRow(
        403,
        "1013002",
        "The app places too many calls a second.",
        "the format's code for call frequency",
        False,
        1,
    ),
    SpRateReached: ErrorRow(
        403, "1013001", "The SP places too many calls a second.", "the format's code for an SP's frequency", False, 1
    ),
    NumberRateReached: ErrorRow(
        403,
        "1013003",
        "A display number is shown by too many calls a minute.",
        "the format's code for a display number's frequency",
        False,
        60,
    ),
    CalleeLimitReached: ErrorRow(
        403,
        "1010002",
        "Invalid request.calleeNbr was called as often today as the app may call it.",
        "clients retry the format's frequency codes after a minute; this one lasts until the next day",
    ),
    DialledNumberLimitReached: ErrorRow(
        403,
        "1010002",
        "Invalid request.",
        "callerNbr or calleeNbr was dialled as often today as the app may dial it; as for the calls to one callee",
        True,
    ),
    DayCeilingReached: ErrorRow(
        403,
        "1010009",
        "No more API invocations are allowed. The call would exceed what the app may use today: ",
        "calls, minutes or spend; the format's code for a quota, which clients do not retry after a minute",
        True,
    ),
    UnknownCall: ErrorRow(403, "1020152", "Invalid call sessionId.", "clients read it as already over"),
    UnknownNotification: ErrorRow(
        403, "1020152", "Invalid id. The app has no such notification.", "the code of an unknown call"
    ),
    UnknownRecording: ErrorRow(403, "1012007", "Record does not exist.", "does not say whether it is another SP's"),
    RecordingNotReady: ErrorRow(
        403, "1011006", "Record is not ready, try later.", "the format's code for retry in a minute", False, 60
    ),
    UnknownMemory: ErrorRow(
        403,
        "1016001",
        "The record does not exist.",
        "the format's code for a call-back record; does not say whether it expired or is another SP's",
    ),
    MemoryChanged: ErrorRow(
        403, "1010002", "Invalid request.", "the field `version` of the answer is the current one", True
    ),
    UnknownLink: ErrorRow(
        404, "1012007", "Unknown or expired link; ask for the record again.", "browsers open links too"
    ),
    AlreadyDone: ErrorRow(200, "0", "Success", "a repeat: already done"),
    NotYet: ErrorRow(500, "1010001", "Not ready, try later.", "nobody's fault; retry", False, 5),
    OutsideUnavailable: ErrorRow(500, "1010001", "Service busy, try later.", "a service must recover", False, 5),
}


HEADER_ROWS: dict[Fault, ErrorRow] = {
    fault: ErrorRow(400, fault.code, fault.text, "the headers of a digest are malformed") for fault in Fault
}


def success(**more: Any) -> Answer:
    """A request succeeded."""
    return Answer(200, _envelope("0", "Success") | more)


def placed(session: str, idle_ports: int | None, *, repeated: bool = False) -> Answer:
    """A callback was accepted, now or by an earlier repeat of the request.

    `idle_ports`: how many more calls the app may place; None: not requested, or unknown.
    """
    more: dict[str, Any] = {} if idle_ports is None else {"idlePort": min(idle_ports, 65535)}
    answer = success(sessionId=session, **more)
    return replace(answer, headers={REPLAYED: "true"}) if repeated else answer


def notification_urls(urls: NotifyTo) -> Answer:
    """The app's default notification URLs; null: none."""
    return success(statusUrl=urls.status_url, feeUrl=urls.fee_url)


def signed_in(pair: TokenPair) -> Answer:
    """The response to a log-in or a refresh; all values are strings."""
    return Answer(
        200,
        {
            "access_token": pair.access,
            "refresh_token": pair.refresh,
            **_envelope("0", "Succeed"),
            "expires_in": str(int(pair.good_for.total_seconds())),
        },
    )


def moved(url: str) -> Answer:
    """A recording was found. Clients of the format do not follow the 301: they read its Location."""
    return Answer(301, {}, {"Location": url, "Connection": "close"})


def audio(served: ServedAudio) -> Answer:
    """A link was followed (RFC 9110 §14 and 15.5.17 for parts of the file)."""
    match served:
        case AudioElsewhere(url):
            return Answer(302, {}, {"Location": url})
        case AudioHasNoSuchPart(size):
            return Answer(416, {}, {"Content-Range": f"bytes */{size}", **_IN_PARTS})
        case AudioFile(name, size, content, part):
            headers = _IN_PARTS | {"Content-Type": "audio/wav", "Content-Disposition": f'attachment; filename="{name}"'}
            if part is None:
                return Answer(200, {}, headers, content)
            return Answer(206, {}, {"Content-Range": f"bytes {part.first}-{part.last}/{size}", **headers}, content)


_IN_PARTS = {"Accept-Ranges": "bytes"}


def failure(error: Exception) -> Answer:
    """The response to any exception."""
    row = _row(error)
    text = row.text + str(error) if row.says_why else row.text
    again = ceil(error.again_after.total_seconds()) if isinstance(error, RefusedForNow) else row.again_after
    headers = {} if again is None else {"Retry-After": str(again)}
    more = {"version": error.version} if isinstance(error, MemoryChanged) else {}
    return Answer(row.status, _envelope(row.code, text[:_LONGEST_TEXT]) | more, headers)


def _row(error: Exception) -> ErrorRow:
    if isinstance(error, HeaderFault):
        return HEADER_ROWS[error.fault]
    return next((ERROR_ROWS[kind] for kind in type(error).__mro__ if kind in ERROR_ROWS), UNEXPECTED)


def _envelope(code: str, text: str) -> dict[str, Any]:
    return {"resultcode": code, "resultdesc": text}


UNFORESEEN = failure(Exception())
"""The static response to an unhandled exception."""
