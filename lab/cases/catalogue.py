"""The cases of a callback: what each person and the SP do, and all that must come of it.

Law: the expectations are written down here from the platform's published behaviour; nothing is computed as the
platform computes it.

A step that the SP is told is written "answer B": the event, and the leg that it is about (A: the caller, B: the
callee). What the network does not tell the platform it cannot tell the SP: `Case.steps` leaves that out.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from types import MappingProxyType
from typing import Any, Literal

from pstn.lines.behaviours import (
    Behaviour,
    answers,
    busy,
    hangs_up_while_other_rings,
    invalid,
    never_answers,
    rejects,
)
from pstn.switches import Quotas, Switches

StopWhen = Literal["caller rings", "callee rings", "in talk"]

CONNECTING, WAITING, NOTICE, LAST_MINUTE = "connecting", "waiting", "recording-notice", "last-minute"
UNAVAILABLE, BUSY, NO_ANSWER = "callee-unavailable", "callee-busy", "callee-no-answer"
PARTING = frozenset({UNAVAILABLE, BUSY, NO_ANSWER})
"""One of them is the last that a caller hears whose callee does not come."""

LAB = Switches(network_ring_limit=8.0)
"""A network that lets leg A ring for less than people would, so that a case takes seconds."""

PARAMETERS = {"CalleeRingSeconds": "8", "CallerRingSeconds": "20"}
"""The platform's own patience, likewise."""


@dataclass(frozen=True)
class Codes:
    """How the end is told: `disconnect`'s stateCode, then the CDR's fields."""

    state: int
    fail_reason: int = 0
    sip_status: int = 0
    caller_cause: int = 0
    callee_cause: int = 0


@dataclass(frozen=True)
class Case:
    name: str
    story: str
    caller: Behaviour
    callee: Behaviour
    told: tuple[str, ...]
    """Steps, between the request and `disconnect`."""
    ends: Codes
    heard: tuple[str, ...] = ()
    """Prompts that the caller hears, `connecting` aside: it is cut when the callee is dialled, at once if that is."""
    callee_heard: tuple[str, ...] = ()
    talk: bool = False
    """Both are joined."""
    left_by: Literal["caller", "callee", None] = None
    """Who hangs up first; None: nobody does, or the platform."""
    stop: StopWhen | None = None
    """When the SP asks for the end."""
    minutes: int = 0
    """The longest talk that the SP asks for; 0: no limit of its own."""
    record: bool = False
    """The SP wants a recording, and gets one. Its app must be allowed it."""
    wants: Mapping[str, Any] = field(default_factory=lambda: MappingProxyType({}))
    """Switches of the network that make the case what it is."""
    instead: Mapping[str, Codes] = field(default_factory=lambda: MappingProxyType({}))
    """Other codes, where the named switch is not as usual."""
    seconds: float = 90.0
    """The CDR must have come by then."""
    network_error: str | None = None
    """The network's code of why it refused to dial, as the CDR and the look-up tell it."""
    alone: bool = False
    """It changes the account as a whole (quotas), so nothing else may be played beside it."""

    def under(self, switches: Switches) -> Switches:
        """The network as this case wants it."""
        return replace(switches, **self.wants)

    def steps(self, switches: Switches) -> list[str]:
        """What the SP is told before `disconnect`, of a network that behaves like this."""
        silent = {"alerting A": not switches.ringing_leg_a, "alerting B": not switches.ringing_leg_b}
        return [step for step in self.told if not silent.get(step, False)]

    def codes(self, switches: Switches) -> Codes:
        others = (codes for name, codes in self.instead.items() if getattr(switches, name) != getattr(LAB, name))
        return next(others, self.ends)


CALLER_RINGS = ("callout A", "alerting A")
CALLER_ANSWERS = (*CALLER_RINGS, "answer A")
CALLEE_DIALLED = (*CALLER_ANSWERS, "callout B")
CALLEE_RINGS = (*CALLEE_DIALLED, "alerting B")
BOTH_ANSWER = (*CALLEE_RINGS, "answer B")

_soon = answers(1.0)
_TOLD = MappingProxyType({"bridge_failure_detail": True})


def _not_reached(name: str, story: str, phone: Behaviour, codes: Codes, *, rings: bool = False, **more: Any) -> Case:
    told = CALLER_RINGS if rings else ("callout A",)
    return Case(f"caller_{name}", f"The calling party {story}.", phone, _soon, told, codes, **more)


def _failed(
    name: str,
    story: str,
    phone: Behaviour,
    codes: Codes,
    *,
    rings: bool = False,
    hears: str = UNAVAILABLE,
    **more: Any,
) -> Case:
    told = CALLEE_RINGS if rings else CALLEE_DIALLED
    return Case(f"callee_{name}", f"The called party {story}.", _soon, phone, told, codes, (WAITING, hears), **more)


def _stopped(
    name: str, story: str, when: StopWhen, told: tuple[str, ...], causes: tuple[int, int], **more: Any
) -> Case:
    codes = Codes(8017, 516, 0, *causes)
    caller, callee = more.pop("caller", answers(2.0)), more.pop("callee", _soon)
    return Case(f"stopped_{name}", f"The SP stops the call {story}.", caller, callee, told, codes, stop=when, **more)


CASES: tuple[Case, ...] = (
    Case(
        "talked",
        "Both answer and talk; the called party hangs up.",
        answers(1.0),
        answers(1.0, talks=2.0),
        BOTH_ANSWER,
        Codes(0),
        (WAITING,),
        talk=True,
        left_by="callee",
    ),
    Case(
        "talked_caller_leaves",
        "Both answer and talk; the calling party hangs up.",
        answers(1.0, talks=2.0),
        answers(1.0),
        BOTH_ANSWER,
        Codes(0),
        (WAITING,),
        talk=True,
        left_by="caller",
    ),
    Case(
        "talked_recorded",
        "Both are told that the call is recorded, and talk; the CDR leads to the recording.",
        answers(1.0),
        answers(1.0, talks=14.0),
        BOTH_ANSWER,
        Codes(0),
        (WAITING, NOTICE),
        (NOTICE,),
        talk=True,
        left_by="callee",
        record=True,
    ),
    _not_reached("busy", "is busy", busy(), Codes(8108, 518, 486, 17)),
    _not_reached(
        "never_answers",
        "lets the telephone ring",
        never_answers(),
        Codes(8107, 514, 480, 19),
        rings=True,
        instead={"sip_code_of_no_answer": Codes(8107, 514, 408, 19)},
    ),
    _not_reached("rejects", "declines", rejects(), Codes(8109, 518, 603, 21), rings=True),
    _not_reached("invalid", "has a number that does not exist", invalid(), Codes(8106, 518, 404, 1)),
    _failed("busy", "is busy, and the network says no more than that it failed", busy(), Codes(8103, 518)),
    _failed("rejects", "declines, and the network says no more", rejects(), Codes(8103, 518), rings=True),
    _failed("invalid", "has a number that does not exist; the network says no more", invalid(), Codes(8103, 518)),
    _failed(
        "never_answers",
        "lets the telephone ring",
        never_answers(),
        Codes(8101, 514, 0, callee_cause=19),
        rings=True,
        instead={"network_ring_limit_b": Codes(8103, 518)},
    ),
    _failed(
        "busy_told",
        "is busy, and the network says so",
        busy(),
        Codes(8102, 518, 486, 0, 17),
        hears=BUSY,
        wants=_TOLD,
    ),
    _failed(
        "no_answer_told",
        "lets the telephone ring, until the network says that nobody answers",
        replace(rejects(3.0), sip_code=480),
        Codes(8101, 514, 480, 0, 19),
        rings=True,
        hears=NO_ANSWER,
        wants=_TOLD,
    ),
    _failed(
        "rejects_told",
        "declines, and the network says so",
        rejects(),
        Codes(8103, 518, 603, 0, 21),
        rings=True,
        wants=_TOLD,
    ),
    _failed(
        "invalid_told",
        "has a number that does not exist, and the network says so",
        invalid(),
        Codes(8100, 518, 404, 0, 1),
        wants=_TOLD,
    ),
    Case(
        "caller_gives_up",
        "The calling party hangs up while the called party's telephone rings.",
        hangs_up_while_other_rings(1.5, answers_after=1.0),
        never_answers(),
        CALLEE_RINGS,
        Codes(8009, 530),
        (WAITING,),
        left_by="caller",
    ),
    _stopped(
        "before_answer",
        "while the calling party's telephone rings; it is answered all the same, and hung up at once",
        "caller rings",
        CALLER_ANSWERS,
        (16, 0),
        caller=answers(4.0),
    ),
    _stopped(
        "unanswered",
        "while the calling party's telephone rings, and nobody answers it",
        "caller rings",
        CALLER_RINGS,
        (16, 0),
        caller=never_answers(),
    ),
    # SMA takes no dial back: an update waits until CallAndBridge is done (call-and-bridge page: not interruptible).
    _stopped(
        "while_callee_rings",
        "while the called party's telephone rings, which then rings on to its time-out",
        "callee rings",
        CALLEE_RINGS,
        (16, 16),
        callee=never_answers(),
        heard=(WAITING,),
    ),
    _stopped(
        "callee_answers",
        "while the called party's telephone rings; it is answered all the same, and hung up at once",
        "callee rings",
        BOTH_ANSWER,
        (16, 16),
        callee=answers(3.5),
        heard=(WAITING,),
        talk=True,
    ),
    _stopped("in_talk", "while both talk", "in talk", BOTH_ANSWER, (16, 16), heard=(WAITING,), talk=True),
    Case(
        "longest_call",
        "Both talk on until the SP's limit of one minute; both are told when it begins.",
        answers(1.0),
        answers(1.0),
        BOTH_ANSWER,
        Codes(8010, 516, 0, 16, 16),
        (WAITING, LAST_MINUTE),
        (LAST_MINUTE,),
        talk=True,
        minutes=1,
        seconds=160.0,
    ),
    Case(
        "dial_refused",
        "The network refuses the dial for good: nothing is dialled, and the SP is told so within seconds.",
        answers(1.0),
        answers(1.0),
        (),
        Codes(8000, 100),
        wants={"refused_creates": frozenset({"Forbidden"})},
        network_error="ForbiddenException",
        seconds=15.0,
    ),
    Case(
        "no_room",
        "The network has no room for the call, for as long as the platform tries.",
        answers(1.0),
        answers(1.0),
        (),
        Codes(7109, 522),
        wants={"quotas": Quotas(on=True, active_calls=0)},
        network_error="ResourceLimitExceededException",
        seconds=120.0,
        alone=True,
    ),
)


def named(name: str) -> Case:
    """Raises KeyError, with the names there are."""
    for case in CASES:
        if case.name == name:
            return case
    raise KeyError(f"no case {name}; there are {', '.join(case.name for case in CASES)}")
