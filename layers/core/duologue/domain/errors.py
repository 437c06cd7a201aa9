"""Errors say who must act, and whether it is safe to repeat.

| Class              | Who must act                        | Safe to repeat            |
| ------------------ | ----------------------------------- | ------------------------- |
| RequestRefused     | the SP: change the request          | no, not unchanged         |
| AlreadyDone        | nobody: the work stands             | yes, it changes nothing   |
| NotYet             | nobody: come back                   | yes, later                |
| FlowError          | nobody: the flow goes on by its name | no                       |
| OutsideUnavailable | those who run the thing outside     | yes, with jitter          |
| NothingWasDialled  | nobody: the network has no room     | yes, for about 30 s       |
| DialRefused        | the SP or the operator: the network refuses this dial | no      |
| DialUncertain      | nobody: the network will say, or the sweeper closes | no, never |

The state machine names these classes in `ErrorEquals`; a test compares the two. Their texts hold ids and codes only: an
execution's history shows them.
"""

from datetime import timedelta
from enum import StrEnum


class DuologueError(Exception):
    """Base of every error that this product names."""


# ---- the SP must change something


class RequestRefused(DuologueError):
    """The SP must change something before it asks again. The text names the field and the rule."""


class RefusedForNow(RequestRefused):
    """Refused for how often it was asked. The same request may succeed `again_after`."""

    def __init__(self, text: str, again_after: timedelta) -> None:
        super().__init__(text)
        self.again_after = again_after


class InvalidField(RequestRefused):
    """One field of a request breaks one rule.

    `field` is the name as the SP wrote it; `text` completes the sentence "<field> …".
    """

    def __init__(self, field: str, text: str) -> None:
        super().__init__(f"{field} {text}")
        self.field = field
        self.text = text


class InvalidNumber(InvalidField):
    """A telephone number is not E.164 with a leading plus sign."""


class ForbiddenAddress(InvalidField):
    """A notification URL has a scheme or resolves to an address that the platform does not post to."""


class DisplayNumberNotOwned(InvalidField):
    """A display number is not one of the app's own."""


class NumberRule(StrEnum):
    """The rules that a number must keep (dialling_policy.py)."""

    EMERGENCY = "emergency"
    """Not an emergency number of a country with this country code."""
    SHORT = "short"
    """Not a short number of a country with this country code: it means nothing, or another thing, elsewhere."""
    IMPOSSIBLE = "impossible"
    """As many digits as numbers under this country code have; and there is such a country code."""
    MISWRITTEN = "miswritten"
    """Written as the numbering plan writes it: what is judged is what is dialled."""
    NO_COUNTRY = "no_country"
    """Not of a satellite or another network that belongs to no country."""
    NOT_IN_USE = "not_in_use"
    """In a range that is in use."""
    KIND = "kind"
    """Of a kind that may be dialled, or shown: not premium-rate, shared-cost, personal, pager, voicemail, …"""
    COUNTRY = "country"
    """Of one of the app's countries."""
    NOT_A_TEST_NUMBER = "not_a_test_number"
    """In the sandbox: on the app's list of test numbers."""
    CALLEE_IS_CALLER = "callee_is_caller"
    """One telephone cannot be both legs."""


class NumberRefused(InvalidField):
    """The policy refuses a number that should be dialled or shown, for the first `rule` that it breaks."""

    def __init__(self, field: str, text: str, rule: NumberRule) -> None:
        super().__init__(field, text)
        self.rule = rule


class CallerRefused(InvalidField):
    """The policy refuses the caller's number; the cause says by which rule. The wire has a code of its own for it."""


class KeyReused(RequestRefused):
    """An idempotency key came again within its time, with another request than at first."""


class RecordingNotEnabled(InvalidField):
    """Recording was asked for, and the operator has not enabled it for this app."""


class UnknownApp(RequestRefused):
    """No app has this key, or it is not this SP's."""


class UnknownSp(RequestRefused):
    """No SP account has this id."""


class AccountExists(RequestRefused):
    """An account with this id, user name or key exists."""


class WrongCredentials(RequestRefused):
    """The SP account and its password do not match, or the app secret is wrong."""


class WrongDigest(WrongCredentials):
    """A digest was not made with a live secret of the app."""


class RequestStale(RequestRefused):
    """A digest's time is too far from the platform's."""


class NonceUsed(RequestRefused):
    """A digest's nonce came before: the request is a repeat, by whomever."""


class AuthenticationLocked(RefusedForNow):
    """So many proofs were wrong that none is looked at for a while."""


class AccountInactive(RequestRefused):
    """The SP or the app is suspended by the operator."""


class InvalidToken(RequestRefused):
    """An access or refresh token is unknown, ended, or another app's."""


class TokenExpired(InvalidToken):
    """A token was ours and its time is over."""


class TooManyLogIns(RefusedForNow):
    """More log-ins of one app within a minute than the platform takes."""


class LimitReached(RequestRefused):
    """All of an app's concurrent calls are in use."""


class TooManyCalls(RequestRefused):
    """An app placed as many calls within one second as it may."""


class CalleeLimitReached(RefusedForNow):
    """An app called one callee as often as it may on one day; `again_after` ends with it."""


class UnknownRecording(RequestRefused):
    """No callback of this app with this recording, or its sound was deleted with age."""


class UnknownLink(RequestRefused):
    """No link to a recording has this token, or its time is over."""


class UnknownCall(RequestRefused):
    """No callback of this app has this id, or it is over and can no longer be changed."""


# ---- a repeat; the work stands


class AlreadyDone(DuologueError):
    """The same thing was done before. Nothing was changed."""


class CallAlreadyAccepted(AlreadyDone):
    """A callback with this id exists."""


class RequestRepeated(AlreadyDone):
    """The same request came before under the same idempotency key, and led to the call `call_id`."""

    def __init__(self, call_id: str) -> None:
        super().__init__(call_id)
        self.call_id = call_id


class CdrAlreadyWritten(AlreadyDone):
    """The account of this callback is closed; there is exactly one CDR."""


class EventAlreadyProcessed(AlreadyDone):
    """The network repeated an event: the stored answer is given again."""


# ---- come back


class NotYet(DuologueError):
    """It will be so, but is not yet. Repeat a few times, spaced."""


class LegStillUp(NotYet):
    """A leg of the call has not ended, so its account cannot be closed."""


class RecordingNotReady(NotYet):
    """The call was recorded, and the sound has not come yet."""


# ---- why a state of the flow has nothing to wait for


class FlowError(DuologueError):
    """A state of the flow has nothing to wait for, or nothing more. The state machine goes on by the class's name."""


class AlreadyAnswered(FlowError):
    """Who should be rung, or is given up, has answered."""


class CallIsOver(FlowError):
    """The call has ended and its CDR is written."""


class CallStopping(FlowError):
    """A reason to end is recorded: the flow ends the call and waits for its legs."""


class CallerSilent(FlowError):
    """The caller has not answered within its time."""


class CalleeSilent(FlowError):
    """The callee has not answered within its time."""


class LongestReached(FlowError):
    """The longest duration of the call is reached."""


class NothingIsUp(FlowError):
    """Nothing was dialled, so there is no leg to wait for."""


class StaleAttempt(FlowError):
    """A newer attempt of the flow waits on this call. Nobody listens to this one any more."""


class NoSuchNetworkCall(FlowError):
    """The network knows no such call any more: no leg of it is up, and its hang-ups are told or on their way."""


# ---- what became of a dial


class DialError(DuologueError):
    """A dial failed. `code` is the network's own code of the error, never its text, which may hold a number."""

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code


class NothingWasDialled(DialError):
    """The network has no room for now, or the request was never sent."""


class DialRefused(DialError):
    """The network refused the dial for good. Nothing was dialled."""


class DialUncertain(DialError):
    """The dial may have left. It is never repeated."""


# ---- others must recover


class OutsideUnavailable(DuologueError):
    """A thing outside (storage, the network's control plane, a queue) did not answer or refused for now."""


# ---- inside


class RaceLost(DuologueError):
    """The call changed since it was read: load it again and decide again. Never leaves the use case."""
