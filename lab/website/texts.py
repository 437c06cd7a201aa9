"""Texts for every code that the platform sends to an SP: how a call ended, why a leg failed, why a request was refused.

Written from the platform's published tables (docs/api.md). An unknown code is shown as its number, since the platform
may add codes.
"""

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True)
class End:
    """One state code: in a few words for a list, and as a sentence. `{callee}` is the other party's name."""

    short: str
    sentence: str


ENDS = {
    0: End("talked", "You talked with {callee}, and the call is over."),
    7002: End("limit of the day", "This site has used up its calls of the day. Nobody was rung."),
    7004: End("not called", "The platform does not call the number that was to be rung."),
    7109: End("no line free", "The platform had no telephone line free. Nobody was called; try again in a minute."),
    8000: End("not started", "The platform could not start the call. Nobody was called; try again."),
    8009: End("hung up before", "You hung up before {callee} answered."),
    8010: End("time limit", "The call reached its time limit and was ended."),
    8017: End("stopped", "The call was stopped from this page."),
    8019: End("nobody remembered", "Somebody dialled our number, and there was nobody to ring."),
    8020: End("lost", "The telephone network lost the call: its end was not reported."),
    8100: End("wrong number", "{callee}’s number does not exist."),
    8101: End("no answer", "{callee} did not answer."),
    8102: End("busy", "{callee} is on another call."),
    8103: End("not reached", "{callee} could not be reached."),
    8106: End("your number is wrong", "Your number does not exist. Please check it."),
    8107: End("you did not answer", "Your phone was called, and nobody answered."),
    8108: End("you were busy", "Your phone was busy."),
    8109: End("you were not reached", "Your phone could not be reached."),
}

RETURN_ENDS = {
    7109: End("no line free", "The platform had no telephone line free for {callee}’s call. Your phone did not ring."),
    8009: End("they hung up before", "{callee} called back, and hung up before you answered."),
    8100: End("your number is wrong", "{callee} called back, but your number does not exist."),
    8101: End("you did not answer", "{callee} called back, and your phone was not answered."),
    8102: End("you were busy", "{callee} called back, and you were on another call."),
    8103: End("you were not reached", "{callee} called back, and your phone could not be reached."),
}
"""The ends of a contact's return call that read otherwise: the contact dials, and the person at the page is rung."""

REFUSED_DIALS = {
    7109: "The telephone network had no capacity for {whom} ({code}). Try again in a minute.",
    8000: "The telephone network refused {whom} ({code}). Trying again will not help; please tell us.",
}
"""The sentence for an end whose CDR has the network's error code. `{whom}`: the dial that was refused."""

RELEASES = {
    0: "nothing failed",
    100: "nothing was dialled",
    514: "it rang for too long",
    516: "the platform ended it",
    517: "the network did not answer",
    518: "the far end did not accept the call",
    522: "no line was free",
    530: "the caller left before the other was called",
    7002: "a limit of the day was reached",
    7004: "the number is on a list of numbers that are not called",
    8019: "nobody was remembered for the number that dialled",
}

CAUSES = {
    0: "the network gave no cause",
    1: "no such number",
    3: "no route to this number",
    16: "ended by the platform",
    17: "busy",
    18: "the phone did not respond",
    19: "no answer",
    20: "switched off or out of reach",
    21: "declined",
    22: "the number has changed",
    25: "a routing loop in the network",
    27: "out of order",
    28: "incomplete number",
    31: "ended normally",
    34: "no line free",
    38: "the network is out of order",
    41: "a temporary failure of the network",
    42: "the network is overloaded",
    47: "the network has no resources",
    63: "the service is not available",
    79: "the service does not exist there",
    102: "a timer of the network expired",
    127: "no specific reason was given",
}
"""ITU-T Q.850."""

SIP = {
    0: "none was reported",
    404: "not found",
    408: "request timed out",
    480: "temporarily unavailable",
    486: "busy here",
    487: "cancelled",
    503: "service unavailable",
    600: "busy everywhere",
    603: "declined",
}
"""RFC 3261 §21."""

PARTIES = {"caller": "you", "called": "{callee}", "platform": "the platform"}
RETURN_PARTIES = {"caller": "{callee}", "called": "you", "platform": "the platform"}

STEPS: dict[tuple[str, Literal["caller", "callee"] | None], str] = {
    ("callout", "caller"): "Your phone is dialled",
    ("alerting", "caller"): "Your phone rings",
    ("answer", "caller"): "You answer",
    ("callout", "callee"): "{callee}’s phone is dialled",
    ("alerting", "callee"): "{callee}’s phone rings",
    ("answer", "callee"): "{callee} answers",
    ("disconnect", None): "The call is over",
    ("fee", None): "The call’s record (CDR)",
}
"""Every event of a call, in the order of a successful one: its kind and whose leg it is about."""

RETURN_STEPS: dict[tuple[str, Literal["caller", "callee"] | None], str] = {
    ("callin", "caller"): "{callee} dials {shown}",
    ("callout", "callee"): "Your phone is dialled",
    ("alerting", "callee"): "Your phone rings",
    ("answer", "callee"): "You answer",
    ("disconnect", None): "The call is over",
    ("fee", None): "The call’s record (CDR)",
}

RETURN_PHASES = {
    "asked": "{callee} has dialled {shown} to call you back.",
    "dialled": "{callee} calls you back: your phone is being called. It shows {shown}.",
    "rings": "{callee} calls you back: your phone is ringing. It shows {shown}.",
    "talking": "You are connected with {callee}, who called back.",
    "stopping": "The call is being ended. A phone that is already ringing may continue for a moment.",
    "over": "The call is over.",
}

PHASES = {
    "asked": "We have asked the platform to call you.",
    "dialled": "Your phone is being dialled.",
    "rings": "Your phone is ringing. It shows {shown}.",
    "answered": "You have answered. Next the platform calls {callee}.",
    "callee_dialled": "{callee}’s phone is being called. You hear the waiting prompt, or why {callee} cannot answer.",
    "callee_rings": "{callee}’s phone is ringing. You hear the waiting prompt, or why {callee} cannot answer.",
    "talking": "You are connected with {callee}.",
    "stopping": "The call is being ended. A phone that is already ringing may continue for a moment.",
    "over": "The call is over.",
}

_IDLE = ("idle", "")
PHONES: dict[str, tuple[tuple[str, str], tuple[str, str]]] = {
    "asked": (_IDLE, _IDLE),
    "dialled": (("dialled", "is dialled"), _IDLE),
    "rings": (("rings", "rings"), _IDLE),
    "answered": (("waits", "waits"), _IDLE),
    "callee_dialled": (("waits", "waits"), ("rings", "is called")),
    "callee_rings": (("waits", "waits"), ("rings", "rings")),
    "talking": (("talks", "talks"), ("talks", "talks")),
    "stopping": (("over", "ends"), ("over", "ends")),
}
"""By phase, of the person's phone and of the contact's: its state, a class of the style sheet, and a word for it."""
RETURN_PHONES: dict[str, tuple[tuple[str, str], tuple[str, str]]] = {
    "asked": (_IDLE, ("waits", "dials you")),
    "dialled": (("rings", "is called"), ("waits", "waits")),
    "rings": (("rings", "rings"), ("waits", "waits")),
    "talking": PHONES["talking"],
    "stopping": PHONES["stopping"],
}
PHONE_FAILURES = {
    8100: "does not exist",
    8101: "no answer",
    8102: "busy",
    8103: "not reached",
    8106: "does not exist",
    8107: "no answer",
    8108: "busy",
    8109: "not reached",
}
"""By state code: what is wrong with the phone because of which the call failed. It is the one that was to be rung last,
except for the codes `OF_OWN_PHONE`."""
OF_OWN_PHONE = frozenset({8106, 8107, 8108, 8109})

REFUSALS = {
    "1010001": "The platform is busy. Please try again in a moment.",
    "1010002": "The platform did not accept the request.",
    "1010003": "The platform does not know this site. Please tell us.",
    "1010004": "The platform refused this site. Please tell us.",
    "1010007": "This site's account is not active. Please tell us.",
    "1010009": "This site may place no more calls today. Please tell us.",
    "1010010": "Too many requests at once. Try again in a minute.",
    "1010023": "The number that your phone would show cannot be used now. Please tell us.",
    "1010024": "The platform does not call this number.",
    "1013001": "Too many calls at once. Try again in a few seconds.",
    "1013002": "Too many calls at once. Try again in a few seconds.",
    "1013003": "The number that your phone would show is in use too often. Try again in a minute.",
    "1016001": "Nobody is remembered for this number.",
    "1020152": "The call is already over.",
    "1020165": "All our lines are in use. Try again in a moment.",
    "1020166": "The platform does not accept requests from this site's address. Please tell us.",
    "1020176": "The platform has locked this site for a while. Please tell us.",
    "1011006": "The recording is not ready yet.",
    "1012007": "The recording is no longer available.",
}


SAYS_WHY = frozenset({"1010002", "1010009", "1010023", "1010024"})
"""The refusals whose text ends with the platform's own reason, after the first sentence."""


def end_of(code: int, *, is_return: bool = False) -> End:
    """`is_return`: of a contact's return call."""
    if is_return and code in RETURN_ENDS:
        return RETURN_ENDS[code]
    return ENDS.get(code) or End(f"code {code}", f"The call is over, with a code that this page does not know: {code}.")


def party(kind: str, callee: str, *, is_return: bool = False) -> str:
    """Who hung up first (`partyType`); empty: unknown."""
    return (RETURN_PARTIES if is_return else PARTIES).get(kind, "").format(callee=callee)


def refused_dial(state: int, code: str, callee: str | None) -> str:
    """Why the network refused a dial. `callee`: the other party's name, if the dial to them was refused."""
    whom = f"the call to {callee}" if callee else "the call to your phone, so nobody was called"
    return REFUSED_DIALS[state].format(whom=whom, code=code)


def release(code: int) -> str:
    """Where it failed (`ulFailReason`)."""
    return RELEASES.get(code, "see the network's own codes")


def cause(code: int) -> str:
    """Why a leg failed (Q.850)."""
    return CAUSES.get(code, "see ITU-T Q.850")


def sip(code: int) -> str:
    return SIP.get(code, "see RFC 3261")


def refusal(code: str, text: str = "") -> str:
    """Why the platform refused; its own reason is added where only the platform knows it. `text`: its `resultdesc`."""
    message = REFUSALS.get(code, f"The platform refused the request (code {code or 'missing'}).")
    reason = text.partition(".")[2].strip()
    return f"{message} The reason: {reason}" if code in SAYS_WHY and reason else message
