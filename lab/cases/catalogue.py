"""The cases of a callback: what each person and the SP do, and the expected results.

Rule: expected results are written down here from the platform's published behaviour; nothing is computed the way the
platform computes it.

A notified step is written "answer B": the event, and the leg that it is about (A: the caller, B: the callee). The
platform cannot notify what the network does not report: `Case.steps` leaves that out.
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

WAITING, NOTICE, LAST_MINUTE = "waiting", "recording-notice", "last-minute"
UNAVAILABLE, BUSY, NO_ANSWER = "callee-unavailable", "callee-busy", "callee-no-answer"
PARTING = frozenset({UNAVAILABLE, BUSY, NO_ANSWER})
"""The last prompt that a caller hears whose callee cannot be reached is one of these."""

LAB = Switches(network_ring_limit=8.0)
"""A network that lets leg A ring only shortly, so that a case takes seconds."""

PARAMETERS = {"CalleeRingSeconds": "8", "CallerRingSeconds": "20"}
"""The platform's ring time-outs, shortened likewise."""


@dataclass(frozen=True)
class Codes:
    """How the end is reported: stateCode of `disconnect`, then fields of the CDR."""

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
    notified: tuple[str, ...]
    """Steps of which the SP is notified, before `disconnect`."""
    end_codes: Codes
    caller_prompts: tuple[str, ...] = ()
    """Prompts that the caller hears."""
    callee_prompts: tuple[str, ...] = ()
    connected: bool = False
    """Both parties are connected."""
    hung_up_by: Literal["caller", "callee", None] = None
    """Who hangs up first; None: neither party does."""
    stop: StopWhen | None = None
    """When the SP stops the call."""
    minutes: int = 0
    """The call's time limit, requested by the SP; 0: none."""
    record: bool = False
    """The SP requests a recording and gets one. Its app must allow recording."""
    network: Mapping[str, Any] = field(default_factory=lambda: MappingProxyType({}))
    """Switches of the network that this case needs."""
    other_codes: Mapping[str, Codes] = field(default_factory=lambda: MappingProxyType({}))
    """Other codes, if the named switch differs from LAB."""
    seconds: float = 90.0
    """Time-out for the CDR."""
    network_error: str | None = None
    """The network's error code if it refuses to dial, as in the CDR and the look-up."""
    exclusive: bool = False
    """It changes the whole account (quotas), so no other case may be played at the same time."""

    def switches_for(self, switches: Switches) -> Switches:
        """The network's switches with what this case needs."""
        return replace(switches, **self.network)

    def steps(self, switches: Switches) -> list[str]:
        """The steps notified before `disconnect`, with these switches."""
        silent = {"alerting A": not switches.ringing_leg_a, "alerting B": not switches.ringing_leg_b}
        return [step for step in self.notified if not silent.get(step, False)]

    def codes(self, switches: Switches) -> Codes:
        others = (codes for name, codes in self.other_codes.items() if getattr(switches, name) != getattr(LAB, name))
        return next(others, self.end_codes)


CALLER_RINGS = ("callout A", "alerting A")
CALLER_ANSWERS = (*CALLER_RINGS, "answer A")
CALLEE_DIALLED = (*CALLER_ANSWERS, "callout B")
CALLEE_RINGS = (*CALLEE_DIALLED, "alerting B")
BOTH_ANSWER = (*CALLEE_RINGS, "answer B")

_soon = answers(1.0)
_REASON_REPORTED = MappingProxyType({"bridge_failure_detail": True})


def _not_reached(name: str, story: str, phone: Behaviour, codes: Codes, *, rings: bool = False, **more: Any) -> Case:
    notified = CALLER_RINGS if rings else ("callout A",)
    return Case(f"caller_{name}", f"The caller {story}.", phone, _soon, notified, codes, **more)


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
    notified = CALLEE_RINGS if rings else CALLEE_DIALLED
    return Case(f"callee_{name}", f"The callee {story}.", _soon, phone, notified, codes, (WAITING, hears), **more)


def _stopped(
    name: str, story: str, when: StopWhen, notified: tuple[str, ...], causes: tuple[int, int], **more: Any
) -> Case:
    codes = Codes(8017, 516, 0, *causes)
    caller, callee = more.pop("caller", answers(2.0)), more.pop("callee", _soon)
    return Case(
        f"stopped_{name}", f"The SP stops the call {story}.", caller, callee, notified, codes, stop=when, **more
    )


CASES: tuple[Case, ...] = (
    Case(
        "talked",
        "Both answer and talk; the callee hangs up.",
        answers(1.0),
        answers(1.0, talks=2.0),
        BOTH_ANSWER,
        Codes(0),
        (WAITING,),
        connected=True,
        hung_up_by="callee",
    ),
    Case(
        "talked_caller_leaves",
        "Both answer and talk; the caller hangs up.",
        answers(1.0, talks=2.0),
        answers(1.0),
        BOTH_ANSWER,
        Codes(0),
        (WAITING,),
        connected=True,
        hung_up_by="caller",
    ),
    Case(
        "talked_recorded",
        "Both hear that the call is recorded, and talk; the CDR links to the recording.",
        answers(1.0),
        answers(1.0, talks=20.0),
        BOTH_ANSWER,
        Codes(0),
        (WAITING, NOTICE),
        (NOTICE,),
        connected=True,
        hung_up_by="callee",
        record=True,
    ),
    _not_reached("busy", "is busy", busy(), Codes(8108, 518, 486, 17)),
    _not_reached(
        "never_answers",
        "does not answer",
        never_answers(),
        Codes(8107, 514, 480, 19),
        rings=True,
        other_codes={"sip_code_of_no_answer": Codes(8107, 514, 408, 19)},
    ),
    _not_reached("rejects", "declines", rejects(), Codes(8109, 518, 603, 21), rings=True),
    _not_reached("invalid", "has a number that does not exist", invalid(), Codes(8106, 518, 404, 1)),
    _failed("busy", "is busy, and the network does not report why the call failed", busy(), Codes(8103, 518)),
    _failed("rejects", "declines, and the network does not report why", rejects(), Codes(8103, 518), rings=True),
    _failed("invalid", "has an invalid number, and the network does not report why", invalid(), Codes(8103, 518)),
    _failed(
        "never_answers",
        "does not answer",
        never_answers(),
        Codes(8101, 514, 0, callee_cause=19),
        rings=True,
        other_codes={"network_ring_limit_b": Codes(8103, 518)},
    ),
    _failed(
        "busy_told",
        "is busy, and the network reports it",
        busy(),
        Codes(8102, 518, 486, 0, 17),
        hears=BUSY,
        network=_REASON_REPORTED,
    ),
    _failed(
        "no_answer_told",
        "does not answer, and the network reports it",
        replace(rejects(3.0), sip_code=480),
        Codes(8101, 514, 480, 0, 19),
        rings=True,
        hears=NO_ANSWER,
        network=_REASON_REPORTED,
    ),
    _failed(
        "rejects_told",
        "declines, and the network reports it",
        rejects(),
        Codes(8103, 518, 603, 0, 21),
        rings=True,
        network=_REASON_REPORTED,
    ),
    _failed(
        "invalid_told",
        "has a number that does not exist, and the network reports it",
        invalid(),
        Codes(8100, 518, 404, 0, 1),
        network=_REASON_REPORTED,
    ),
    Case(
        "caller_gives_up",
        "The caller hangs up while the callee's phone rings.",
        hangs_up_while_other_rings(1.5, answers_after=1.0),
        never_answers(),
        CALLEE_RINGS,
        Codes(8009, 530),
        (WAITING,),
        hung_up_by="caller",
    ),
    _stopped(
        "before_answer",
        "while the caller's phone rings; it is answered anyway, and hung up at once",
        "caller rings",
        CALLER_ANSWERS,
        (16, 0),
        caller=answers(4.0),
    ),
    _stopped(
        "unanswered",
        "while the caller's phone rings, and nobody answers",
        "caller rings",
        CALLER_RINGS,
        (16, 0),
        caller=never_answers(),
    ),
    # SMA cannot cancel a dial: an update waits until CallAndBridge is done (call-and-bridge page: not interruptible).
    _stopped(
        "while_callee_rings",
        "while the callee's phone rings, which keeps ringing until its time-out",
        "callee rings",
        CALLEE_RINGS,
        (16, 16),
        callee=never_answers(),
        caller_prompts=(WAITING,),
    ),
    _stopped(
        "callee_answers",
        "while the callee's phone rings; it is answered anyway, and hung up at once",
        "callee rings",
        BOTH_ANSWER,
        (16, 16),
        callee=answers(3.5),
        caller_prompts=(WAITING,),
        connected=True,
    ),
    _stopped("in_talk", "while both talk", "in talk", BOTH_ANSWER, (16, 16), caller_prompts=(WAITING,), connected=True),
    Case(
        "longest_call",
        "Both talk until the SP's limit of one minute; a prompt tells both when the last minute begins.",
        answers(1.0),
        answers(1.0),
        BOTH_ANSWER,
        Codes(8010, 516, 0, 16, 16),
        (WAITING, LAST_MINUTE),
        (LAST_MINUTE,),
        connected=True,
        minutes=1,
        seconds=160.0,
    ),
    Case(
        "dial_refused",
        "The network refuses the dial permanently: nothing is dialled, and the SP is notified within seconds.",
        answers(1.0),
        answers(1.0),
        (),
        Codes(8000, 100),
        network={"refused_creates": frozenset({"Forbidden"})},
        network_error="ForbiddenException",
        seconds=15.0,
    ),
    Case(
        "no_room",
        "The network has no capacity for the call for as long as the platform retries.",
        answers(1.0),
        answers(1.0),
        (),
        Codes(7109, 522),
        network={"quotas": Quotas(on=True, active_calls=0, creates_per_second=100)},  # room alone is missing
        network_error="ResourceLimitExceededException",
        seconds=120.0,
        exclusive=True,
    ),
)


def named(name: str) -> Case:
    """Raises: KeyError, with the names of all cases."""
    for case in CASES:
        if case.name == name:
            return case
    raise KeyError(f"There is no case {name}. The cases are {', '.join(case.name for case in CASES)}.")
