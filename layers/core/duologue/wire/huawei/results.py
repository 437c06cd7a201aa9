"""What the platform answers an SP: the envelope `{"resultcode", "resultdesc"}` and, for an error, its HTTP status.

Law: a failure has both a status that is not 200 and the envelope, since some clients read only the one and some only
the other. The text names the fault; the text of a fault that nobody foresaw is static.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from math import ceil
from typing import Any

from duologue.domain.call import NotifyTo
from duologue.domain.errors import (
    AccountExists,
    AccountInactive,
    AlreadyDone,
    AuthenticationLocked,
    CalleeLimitReached,
    CallerRefused,
    DisplayNumberNotOwned,
    InvalidField,
    InvalidToken,
    KeyReused,
    LimitReached,
    NonceUsed,
    NotYet,
    NumberRefused,
    OutsideUnavailable,
    RecordingNotEnabled,
    RecordingNotReady,
    RefusedForNow,
    RequestRefused,
    RequestStale,
    TooManyCalls,
    TooManyLogIns,
    UnknownApp,
    UnknownCall,
    UnknownLink,
    UnknownRecording,
    WrongCredentials,
    WrongDigest,
)
from duologue.domain.tokens import TokenPair
from duologue.wire.huawei.header_faults import Fault, HeaderFault

_LONGEST_TEXT = 128
REPLAYED = "Idempotency-Replayed"
"""`true` on an answer that was given before. The draft names no such header; this one says it in the draft's word."""


@dataclass(frozen=True, slots=True)
class Answer:
    """One answer on its way to an SP."""

    status: int
    body: Mapping[str, Any] = field(repr=False)
    headers: Mapping[str, str] = field(default_factory=dict)

    @property
    def code(self) -> str:
        """The result code; "0" is success, and so is an answer without a body, which has none."""
        return str(self.body.get("resultcode", "0"))

    @property
    def is_ours(self) -> bool:
        """Whether it is for the operator to find out why, and not for the SP to change something."""
        return self.status >= 500


@dataclass(frozen=True, slots=True)
class ErrorRow:
    """What one class of error becomes. `says_why`: the error's own text, written by us, completes the text.

    `again_after`: seconds after which the same request may succeed; None: not unchanged. An error that knows its own
    wait (`RefusedForNow`) is told with that, and here stands the longest.
    """

    status: int
    code: str
    text: str
    why: str
    says_why: bool = False
    again_after: int | None = None


UNEXPECTED = ErrorRow(500, "1010001", "Internal error.", "nobody foresaw it: the text must not tell what it was")

ERROR_ROWS: dict[type[Exception], ErrorRow] = {
    InvalidField: ErrorRow(403, "1010002", "Invalid request.", "the wire's catch-all; the text names the field", True),
    DisplayNumberNotOwned: ErrorRow(403, "1010023", "Invalid display number.", "the wire has a code of its own", True),
    CallerRefused: ErrorRow(403, "1010024", "Invalid caller number.", "the wire has a code of its own", True),
    NumberRefused: ErrorRow(
        403, "1010002", "Invalid request.", "of the callee's number: the wire has a code for the caller's only", True
    ),
    KeyReused: ErrorRow(
        403,
        "1010002",
        "Invalid request.Idempotency-Key was used within 24 hours for another request.",
        "as all that the SP must change; not 409 or 422: the wire knows 400, 403 and 500",
    ),
    RecordingNotEnabled: ErrorRow(
        403, "1010002", "Invalid request.", "the wire's code of this was never published", True
    ),
    RequestRefused: ErrorRow(
        403, "1010002", "Invalid request.", "a refusal without a row of its own: no text of ours fits"
    ),
    AccountExists: ErrorRow(403, "1010002", "Invalid request.", "only the operator meets it"),
    UnknownApp: ErrorRow(403, "1010003", "Invalid app_key.", "clients log in again on it"),
    InvalidToken: ErrorRow(
        403, "1010004", "Invalid access_token.", "also for an expired one: all clients log in again on it"
    ),
    WrongCredentials: ErrorRow(
        403, "1010002", "Invalid request.Wrong user name, password or app_secret.", "says not which"
    ),
    WrongDigest: ErrorRow(
        403,
        "1023001",
        "Parameter error. The digest is wrong.",
        "the wire's code of this was never published: its "
        "general one of the headers; says not whether the secret or how it is put together",
    ),
    RequestStale: ErrorRow(
        400,
        "1010013",
        "Time out limit. Created must be 5 minutes from now at the most, as 2026-01-15T09:30:00Z, in UTC or UTC+8.",
        "the wire's code of this; the status as of all that is wrong in a header",
    ),
    NonceUsed: ErrorRow(
        403,
        "1020003",
        "Parameter error. The nonce was used before.",
        "the wire knows no such refusal: its other general code, so that a replay and a wrong digest are told apart",
    ),
    AuthenticationLocked: ErrorRow(
        403, "1020176", "Authentication failed too often, try later.", "the wire's own; opens by itself", False, 1800
    ),
    AccountInactive: ErrorRow(403, "1010007", "The account is not active.", "the operator suspended the SP or the app"),
    TooManyLogIns: ErrorRow(
        403, "1010010", "Too many log-ins, try later.", "flow control: clients wait a minute", False, 60
    ),
    LimitReached: ErrorRow(
        403, "1020165", "All concurrent calls of the app are in use.", "one frees as a call ends", False, 5
    ),
    TooManyCalls: ErrorRow(
        403, "1013002", "The app places too many calls a second.", "the wire's frequency of an app", False, 1
    ),
    CalleeLimitReached: ErrorRow(
        403,
        "1010002",
        "Invalid request.calleeNbr was called as often today as the app may call it.",
        "the wire's frequency codes say: again in a minute, and clients do; this one waits for the next day",
    ),
    UnknownCall: ErrorRow(403, "1020152", "Invalid call sessionId.", "clients read it as: already over"),
    UnknownRecording: ErrorRow(403, "1012007", "Record does not exist.", "says not whether it is another SP's"),
    RecordingNotReady: ErrorRow(
        403, "1011006", "Record is not ready, try later.", "the wire's code for: again in a minute", False, 60
    ),
    UnknownLink: ErrorRow(
        404, "1012007", "Unknown or expired link; ask for the record again.", "a link is opened by browsers too"
    ),
    AlreadyDone: ErrorRow(200, "0", "Success", "a repeat: the work stands"),
    NotYet: ErrorRow(500, "1010001", "Not ready, try later.", "nobody's fault, and it will be so", False, 5),
    OutsideUnavailable: ErrorRow(500, "1010001", "Service busy, try later.", "ours to recover", False, 5),
}


HEADER_ROWS: dict[Fault, ErrorRow] = {
    fault: ErrorRow(400, fault.code, fault.text, "the headers of a digest cannot be read") for fault in Fault
}


def success(**more: Any) -> Answer:
    """A business request was done."""
    return Answer(200, _envelope("0", "Success") | more)


def placed(session: str, idle_ports: int | None, *, repeated: bool = False) -> Answer:
    """A callback was accepted, now or by an earlier one of repeated requests.

    `idle_ports` None: the SP did not ask how many calls more it may place now.
    """
    more: dict[str, Any] = {} if idle_ports is None else {"idlePort": min(idle_ports, 65535)}
    answer = success(sessionId=session, **more)
    return replace(answer, headers={REPLAYED: "true"}) if repeated else answer


def notification_urls(urls: NotifyTo) -> Answer:
    """Where an app is told of calls whose request names no other place; null: nowhere."""
    return success(statusUrl=urls.status_url, feeUrl=urls.fee_url)


def signed_in(pair: TokenPair) -> Answer:
    """The answer to a log-in or a refresh, every value a string."""
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
    """A record was found. Clients of the wire do not follow: they read the header of the 301."""
    return Answer(301, {}, {"Location": url, "Connection": "close"})


def elsewhere(url: str) -> Answer:
    """A link was followed."""
    return Answer(302, {}, {"Location": url})


def failure(error: Exception) -> Answer:
    """The answer to any exception."""
    row = _row(error)
    text = row.text + str(error) if row.says_why else row.text
    again = ceil(error.again_after.total_seconds()) if isinstance(error, RefusedForNow) else row.again_after
    headers = {} if again is None else {"Retry-After": str(again)}
    return Answer(row.status, _envelope(row.code, text[:_LONGEST_TEXT]), headers)


def _row(error: Exception) -> ErrorRow:
    if isinstance(error, HeaderFault):
        return HEADER_ROWS[error.fault]
    return next((ERROR_ROWS[kind] for kind in type(error).__mro__ if kind in ERROR_ROWS), UNEXPECTED)


def _envelope(code: str, text: str) -> dict[str, Any]:
    return {"resultcode": code, "resultdesc": text}


UNFORESEEN = failure(Exception())
"""The static answer to what nobody foresaw."""
