"""Errors, classified by who must act and whether the operation may be repeated.

| Class              | Who must act                                          | Repeat              |
| ------------------ | ----------------------------------------------------- | ------------------- |
| RequestRefused     | the SP: change the request                            | not unchanged       |
| AlreadyDone        | nobody: it is done                                    | yes, has no effect  |
| NotYet             | nobody: wait                                          | yes, later          |
| FlowError          | nobody: the flow branches on the class name           | no                  |
| OutsideUnavailable | whoever runs the external service                     | yes, with jitter    |
| SealBroken         | the operator: stored data or its key were replaced    | no                  |
| UnreadableCall     | the operator: stored data are damaged, or of a later release | no           |
| NothingWasDialled  | nobody: the network has no capacity                   | yes, for about 30 s |
| DialRefused        | the SP or the operator: the network refuses this dial | no                  |
| DialUncertain      | nobody: an event will come, or the sweeper finalizes  | never               |

The state machine names these classes in `ErrorEquals`; a test compares the two. Texts contain only ids and codes,
because an execution's history shows them.
"""

from datetime import timedelta
from enum import StrEnum


class DuologueError(Exception):
    """Base of all errors of this product."""


# ---- the SP must change the request


class RequestRefused(DuologueError):
    """The SP must change the request before repeating it. The text names the field and the rule."""


class RefusedForNow(RequestRefused):
    """Refused by a rate limit. The same request may succeed `again_after`."""

    def __init__(self, text: str, again_after: timedelta) -> None:
        super().__init__(text)
        self.again_after = again_after


class InvalidField(RequestRefused):
    """A field of a request breaks a rule.

    `field`: the name that the SP used. `text`: completes the sentence "<field> …".
    """

    def __init__(self, field: str, text: str) -> None:
        super().__init__(f"{field} {text}")
        self.field = field
        self.text = text


class InvalidNumber(InvalidField):
    """A telephone number is not E.164 with a leading plus sign."""


class ForbiddenAddress(InvalidField):
    """A notification URL has a scheme, or resolves to an address, that the platform does not post to."""


class DisplayNumberNotOwned(InvalidField):
    """A display number is not one of the app's own."""


class NumberTaken(InvalidField):
    """A display number belongs to another SP."""

    def __init__(self, number: str, sp: str) -> None:
        super().__init__("display number", f"{number} belongs to the SP {sp}")


class NumberRule(StrEnum):
    """The rules for numbers (dialling_policy.py, deny_list.py)."""

    EMERGENCY = "emergency"
    """Not an emergency number in any country with this country code."""
    SHORT = "short"
    """Not a short number in any country with this country code, since short numbers only work within one country."""
    IMPOSSIBLE = "impossible"
    """The country code exists and the length is valid for it."""
    MISWRITTEN = "miswritten"
    """Written as in the numbering plan, so that the number checked is the number dialled."""
    NO_COUNTRY = "no_country"
    """Not of a network without a country, such as satellites."""
    NOT_IN_USE = "not_in_use"
    """In a range that is in use."""
    KIND = "kind"
    """Of a type that may be dialled or shown: not premium-rate, shared-cost, personal, pager, voicemail, …"""
    COUNTRY = "country"
    """Of one of the app's countries."""
    DISPLAY_NUMBER = "display_number"
    """Not a display number of an app: a call to it would come back in."""
    DENIED = "denied"
    """In no range that a deny list of the platform or the app has (deny_list.py)."""
    DO_NOT_CALL = "do_not_call"
    """Not on the do-not-call list."""
    NOT_A_TEST_NUMBER = "not_a_test_number"
    """In the sandbox: one of the app's test numbers."""
    CALLEE_IS_CALLER = "callee_is_caller"
    """Caller and callee differ."""


class NumberRefused(InvalidField):
    """The policy refuses a number to be dialled or shown; `rule` is the first rule it breaks."""

    def __init__(self, field: str, text: str, rule: NumberRule) -> None:
        super().__init__(field, text)
        self.rule = rule


class CallerRefused(InvalidField):
    """The policy refuses the caller's number, for which the SP's format has its own code; the cause has the rule."""


class KeyReused(RequestRefused):
    """An idempotency key was used before, within its lifetime, for another request."""


class RecordingNotEnabled(InvalidField):
    """Recording was requested, but the operator has not enabled it for this app."""


class UnknownApp(RequestRefused):
    """No app has this key, or it belongs to another SP."""


class UnknownSp(RequestRefused):
    """No SP account has this id."""


class AccountExists(RequestRefused):
    """An account with this id, user name or key already exists."""


class WrongCredentials(RequestRefused):
    """The SP account and its password do not match, or the app secret is wrong."""


class WrongDigest(WrongCredentials):
    """A digest was not made with a valid secret of the app."""


class AddressNotAllowed(RequestRefused):
    """The app's requests may not come from this address."""


class SchemeNotAllowed(RequestRefused):
    """The operator has not allowed the app to authenticate in this way. The text is a `Scheme`."""


class RequestStale(RequestRefused):
    """A digest's time is too far from the platform's."""


class NonceUsed(RequestRefused):
    """A digest's nonce was used before: the request is a repeat or a replay."""


class AuthenticationLocked(RefusedForNow):
    """Too many wrong credentials: none is checked for a while."""


class AccountInactive(RequestRefused):
    """The operator has suspended the SP or the app."""


class InvalidToken(RequestRefused):
    """An access or refresh token is unknown, revoked, or another app's."""


class TokenExpired(InvalidToken):
    """A token has expired."""


class TooManyLogIns(RefusedForNow):
    """Too many log-ins of one app within a minute."""


class TooManyPings(RefusedForNow):
    """Too many pings of one app within a minute."""


class TooManyRequests(RefusedForNow):
    """Too many requests of one app within a second."""


class LimitReached(RequestRefused):
    """All of an app's concurrent calls are in use."""


class TooManyCalls(RequestRefused):
    """An app has reached its limit of calls per second."""


class SpRateReached(RefusedForNow):
    """All apps of an SP together have reached its limit of calls per second."""


class NumberRateReached(RefusedForNow):
    """An app has reached its limit of calls per minute that show one display number."""


class CalleeLimitReached(RefusedForNow):
    """An app has reached its limit of calls to one callee per day; `again_after` is the rest of the day."""


class DialledNumberLimitReached(RefusedForNow):
    """An app has dialled a number as often today as it may; `again_after` is the rest of the day. `field` has it."""

    def __init__(self, field: str, again_after: timedelta) -> None:
        super().__init__(f"{field} was dialled as often today as the app may dial it.", again_after)


class Ceiling(StrEnum):
    """What an app may use on one day (day_budget.py)."""

    CALLS = "calls"
    MINUTES = "minutes"
    SPEND = "spend"


class DayCeilingReached(RefusedForNow):
    """A call would exceed this ceiling of its app's day; `again_after` is the rest of the day."""

    def __init__(self, ceiling: Ceiling, again_after: timedelta) -> None:
        super().__init__(ceiling.value, again_after)


class UnknownRecording(RequestRefused):
    """The app has no callback with this recording, or its retention is over."""


class UnknownLink(RequestRefused):
    """No link to a recording has this token, or it has expired."""


class UnknownMemory(RequestRefused):
    """The app's SP has no call memory of this pair, or it has expired."""


class MemoryChanged(RequestRefused):
    """A call memory has another version than the request names."""

    def __init__(self, version: int) -> None:
        super().__init__(f"version is {version} now")
        self.version = version


class PairBusy(RequestRefused):
    """There is a return call of this pair."""


class ForeignMemory(RequestRefused):
    """The encrypted value of a call memory was made for another pair."""


class UnknownCall(RequestRefused):
    """The app has no callback with this id, or it is over and can no longer change."""


class UnknownNotification(UnknownCall):
    """The app has no notification with this id."""


# ---- a repeat


class AlreadyDone(DuologueError):
    """Already done earlier. Nothing was changed."""


class CallAlreadyAccepted(AlreadyDone):
    """A callback with this id already exists."""


class RequestRepeated(AlreadyDone):
    """The same request was accepted before, with the same idempotency key, as the call `call_id`."""

    def __init__(self, call_id: str) -> None:
        super().__init__(call_id)
        self.call_id = call_id


class CallerHungUp(AlreadyDone):
    """The caller of a call to a display number hung up before the call was recorded."""


class CdrAlreadyWritten(AlreadyDone):
    """The call is finalized; there is exactly one CDR."""


class EventAlreadyProcessed(AlreadyDone):
    """The network repeated an event: return the stored answer."""


# ---- not yet


class NotYet(DuologueError):
    """Not yet the case. Repeat a few times, with pauses."""


class LegStillUp(NotYet):
    """A leg of the call has not ended, so the call cannot be finalized."""


class RecordingNotReady(NotYet):
    """The call was recorded, but the file has not arrived yet."""


# ---- why a state of the flow has nothing to wait for


class FlowError(DuologueError):
    """A state of the flow has nothing to wait for. The state machine branches on the class name."""


class AlreadyAnswered(FlowError):
    """The party to be dialled, or to be given up, has answered."""


class CallIsOver(FlowError):
    """The call has ended and its CDR is written."""


class CallStopping(FlowError):
    """A reason to end is recorded: the flow ends the call and waits for its legs."""


class CallerSilent(FlowError):
    """The caller has not answered in time."""


class CalleeSilent(FlowError):
    """The callee has not answered in time."""


class LongestReached(FlowError):
    """The maximum duration of the call is reached."""


class NothingIsUp(FlowError):
    """Nothing was dialled, so there is no leg to wait for."""


class StaleAttempt(FlowError):
    """A newer attempt of the flow waits on this call; this one's result is ignored."""


class NoSuchNetworkCall(FlowError):
    """The network no longer knows the call: no leg is up, and the hang-up events have arrived or are on their way."""


# ---- failed dials


class DialError(DuologueError):
    """A dial failed. `code` is the network's error code, never its text, which may contain a number."""

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code


class NothingWasDialled(DialError):
    """The network has no capacity at the moment, or the request was never sent."""


class DialRefused(DialError):
    """The network refused the dial for good. Nothing was dialled."""


class DialUncertain(DialError):
    """The dial may have left. It is never repeated."""


# ---- external services


class OutsideUnavailable(DuologueError):
    """An external service (storage, the network's control plane, a queue) did not respond, or throttled us."""


# ---- internal


class SealBroken(DuologueError):
    """A stored value does not open: it was copied from another place, or its KMS key was replaced."""


class UnreadableCall(DuologueError):
    """An item of a call is not as this release writes or knows it; the cause is chained."""


class RaceLost(DuologueError):
    """The call changed since it was read: load it and decide again. Never leaves the use case."""


class StoreBusy(RaceLost):
    """Another transaction holds an item, or it is not known whether the write succeeded: do the same after a pause."""
