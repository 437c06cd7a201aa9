"""What happens in one world of the simulation: explicit data, drawn in advance from its seed.

Each item (a callback, a return call, a change of a call memory) is drawn by itself from the seed, the world and its
number, and holds its own faults. So an item or a fault can be left out without a change of anything else: that is how a
failing world is reduced (shrink.py) and replayed.
"""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from pstn.lines.behaviours import Behaviour, answers, busy, invalid, never_answers, rejects, vanishes

CALLS_PER_WORLD = 200
_SPACING = 1.5
"""Seconds between the beginnings of items, on average."""
_AREAS = (202, 212, 312, 404, 415, 617, 702, 713)
"""555-0100 … 0199 of any area is reserved for fiction; 0100 to 0109 are the platform's own here."""


class How(StrEnum):
    """What goes wrong, at a request of a function to something outside (a point), or with the whole invocation."""

    CRASH_BEFORE = "the process ends before the request"
    CRASH_AFTER = "the process ends after the request"
    REFUSED = "the request is refused as too fast"
    NO_WAY = "the service is out of reach"
    LOST = "the request is carried out and its answer is lost"
    SLOW = "the request is slow"
    SLOW_ANSWER = "the answer to the request is slow"
    # of an invocation
    AGAIN = "the invocation is repeated"
    LATE = "the invocation is late"
    FAILED = "the invocation fails before the function runs"
    NOT_REACHED = "the event is lost; the network sends it again"
    ANSWER_LOST = "the answer of the function is lost"
    GIVEN_UP = "the state machine gives the function up, which goes on"
    # what an SP's server does
    SP_REFUSES = "the SP refuses the connection"
    SP_HANGS = "the SP does not answer"
    SP_ERROR = "the SP answers 500"
    SP_TOO_MANY = "the SP answers 429 with Retry-After"
    SP_TAKES_SILENTLY = "the SP takes it, and its answer is lost"


AT_A_REQUEST = (How.CRASH_BEFORE, How.CRASH_AFTER, How.REFUSED, How.NO_WAY, How.LOST, How.SLOW, How.SLOW_ANSWER)
SP_FAILURES = (How.SP_REFUSES, How.SP_HANGS, How.SP_ERROR, How.SP_TOO_MANY, How.SP_TAKES_SILENTLY)

CALL_CONTROL, FLOW, TASK, OUTBOX, NOTIFY, PLACE, STOP, PUBLISH, REPOINT, SP = (
    "call_control",
    "flow",
    "task",
    "outbox",
    "notify_sp",
    "callback_api: place",
    "callback_api: stop",
    "publish_recording",
    "callback_api: repoint",
    "the SP's server",
)
"""The functions; TASK: an invocation of `flow` as the state machine sees it."""


@dataclass(frozen=True, slots=True)
class Fault:
    """At the `nth` invocation of a function for the item (from 1), and there at request `point`; 0: all of it."""

    function: str
    nth: int
    point: int
    how: How
    seconds: float = 0.0

    def __str__(self) -> str:
        where = f"request {self.point} of " if self.point else ""
        seconds = f" ({self.seconds:g} s)" if self.seconds else ""
        return f"{where}{self.function} #{self.nth}: {self.how.value}{seconds}"


@dataclass(frozen=True, slots=True)
class Callback:
    number: int
    at: float
    app: int
    caller: str
    callee: str
    caller_does: Behaviour
    callee_does: Behaviour
    longest_talk: int | None
    """Minutes."""
    records: bool
    plays_before: bool
    key: bool
    """The SP's requests have an idempotency key, and are repeated after an error."""
    stops: tuple[float, ...] = ()
    """Seconds after the request."""
    switches: tuple[tuple[str, Any], ...] = ()
    """Of the network, for this call."""
    faults: tuple[Fault, ...] = ()


@dataclass(frozen=True, slots=True)
class Return:
    """The callee of callback `of` dials the number that it was shown. `switches`, `faults`: as of a callback."""

    number: int
    at: float
    of: int
    app: int
    dialler: str
    withheld: bool
    patience: float | None
    """Seconds until it hangs up unanswered."""
    switches: tuple[tuple[str, Any], ...] = ()
    faults: tuple[Fault, ...] = ()


@dataclass(frozen=True, slots=True)
class Repoint:
    """The SP lets `target` be rung by whoever callback `of` has rung, or (None) nobody."""

    number: int
    at: float
    of: int
    app: int
    dialler: str
    target: str | None
    faults: tuple[Fault, ...] = ()


Item = Callback | Return | Repoint


@dataclass(frozen=True, slots=True)
class Outage:
    """What an app's server does from and until a time."""

    app: int
    begins: float
    ends: float
    how: str
    """One of SP_FAILURES, or "gone": 410, until the operator switches the endpoint on."""


STORE, STATE_MACHINE, QUEUE, KEYS, NETWORK = "the store", "the state machine", "the queues", "the keys", "the network"


@dataclass(frozen=True, slots=True)
class Away:
    """A service that nobody reaches from and until a time."""

    service: str
    begins: float
    ends: float


@dataclass(frozen=True, slots=True)
class World:
    seed: int
    world: int
    items: tuple[Item, ...]
    outages: tuple[Outage, ...]
    away: tuple[Away, ...]
    sweep_faults: tuple[Fault, ...]
    transition: float
    """Seconds from a completed wait to the next state."""
    early: str
    crash_name: str
    """Switches of the cloud (lab/aws/switches.py)."""

    @property
    def calls(self) -> int:
        return sum(not isinstance(item, Repoint) for item in self.items)


def draw(seed: int, world: int, calls: int = CALLS_PER_WORLD) -> World:
    chance = random.Random(f"{seed} {world}")
    items: list[Item] = []
    drawn = number = 0
    while drawn < calls:
        item = _item(seed, world, number, items)
        items.append(item)
        drawn += not isinstance(item, Repoint)
        number += 1
    span = items[-1].at
    return World(
        seed,
        world,
        tuple(items),
        tuple(_outages(chance, span)),
        tuple(_away(chance, span) for _ in range(chance.choice((0, 0, 0, 1, 2)))),
        tuple(_at_request(chance, "sweep", chance.randint(1, 20), 12) for _ in range(chance.choice((0, 1, 3)))),
        chance.choice((0.0, 0.02)),
        chance.choice(("kept", "at_once", "refused")),
        chance.choice(("error_type", "unknown")),
    )


def number_of(index: int) -> str:
    area, rest = divmod(index, 90)
    return f"+1{_AREAS[area % len(_AREAS)]}55501{rest + 10:02d}"


def _item(seed: int, world: int, number: int, before: Sequence[Item]) -> Item:
    chance = random.Random(f"{seed} {world} {number}")
    at = number * _SPACING + chance.uniform(0, 3)
    callbacks = [item for item in before[-120:] if isinstance(item, Callback)]
    kind = chance.random()
    if callbacks and kind < 0.25:
        of = chance.choice(callbacks)
        if kind < 0.06:
            target = None if chance.random() < 0.2 else number_of(chance.randint(0, 719))
            after = max(at, of.at + chance.uniform(10, 60))
            faults = tuple(_at_request(chance, REPOINT, chance.randint(1, 2), 5) for _ in range(chance.choice((0, 1))))
            return Repoint(number, after, of.number, of.app, of.callee, target, faults)
        return Return(
            number,
            max(at, of.at + chance.uniform(20, 150)),
            of.number,
            of.app,
            of.callee,
            withheld=chance.random() < 0.05,
            patience=chance.choice((None, None, None, 2.0, 8.0)),
            switches=_switches(chance),
            faults=_faults(chance, (CALL_CONTROL, FLOW, TASK, OUTBOX, NOTIFY, SP)),
        )
    return _callback(chance, number, at, callbacks)


def _callback(chance: random.Random, number: int, at: float, before: Sequence[Callback]) -> Callback:
    app = chance.choice((0, 0, 1))
    caller, callee = number_of(2 * number), number_of(2 * number + 1)
    same = [each for each in before if each.app == app]
    if same and chance.random() < 0.2:
        callee = chance.choice(same).callee
    caller_does, callee_does = _caller(chance), _callee(chance)
    ends = caller_does.talks is not None or callee_does.talks is not None or callee_does.stays is not None
    longest = chance.choice((None, None, 1, 2)) if ends else chance.choice((1, 2))
    stops: tuple[float, ...] = ()
    if chance.random() < 0.15:
        stops = (round(chance.uniform(0, 40), 3),)
        if chance.random() < 0.3:
            stops += (round(stops[0] + chance.uniform(0, 5), 3),)
    return Callback(
        number,
        at,
        app,
        caller,
        callee,
        caller_does,
        callee_does,
        longest,
        records=chance.random() < 0.2,
        plays_before=chance.random() < 0.1,
        key=chance.random() < 0.7,
        stops=stops,
        switches=_switches(chance),
        faults=_faults(chance, (CALL_CONTROL, FLOW, TASK, OUTBOX, NOTIFY, PLACE, STOP, PUBLISH, SP)),
    )


def _caller(chance: random.Random) -> Behaviour:
    after, talks = round(chance.uniform(0, 9), 3), round(chance.uniform(0, 60), 3)
    roll = chance.random()
    if roll < 0.72:
        return answers(after, chance.choice((None, None, talks)), leaves_after_peer=chance.choice((None, None, 1.0)))
    if roll < 0.80:
        return answers(after, patience=round(chance.uniform(0.5, 6), 3))
    if roll < 0.85:
        return answers(after, stays=talks / 4)
    return chance.choice((busy(), never_answers(), never_answers(), rejects(), invalid(), vanishes(talks)))


def _callee(chance: random.Random) -> Behaviour:
    after, talks = round(chance.uniform(0, 12), 3), round(chance.uniform(0, 60), 3)
    roll = chance.random()
    if roll < 0.75:
        return answers(after, chance.choice((None, talks, talks)), leaves_after_peer=chance.choice((None, 1.0)))
    if roll < 0.80:
        return answers(0.0, stays=20.0, rings=False)
    if roll < 0.83:
        return answers(chance.uniform(25, 31), talks)
    return chance.choice((busy(), never_answers(), rejects(), invalid(), vanishes(talks, noticed=30.0)))


_SWITCHES: tuple[tuple[tuple[str, Any], ...], ...] = (
    (("ringing_leg_b", True),),
    (("ringing_leg_a", False),),
    (("bridge_failure_detail", True),),
    (("hangup_success", "none"),),
    (("hangup_success", "before"),),
    (("hangup_success", "after"),),
    (("ended_legs_stay", False),),
    (("cut_actions", "fail"),),
    (("cut_actions", "succeed"),),
    (("update_survives_failure", True),),
    (("hangup_order", "reversed"),),
    (("event_before_create_returns", True),),
    (("dial_waits_for_first_answer", False),),
    (("prompt_mutes_peer", True),),
    (("network_ring_limit_b", 10.0),),
    (("update_while_ringing", False),),
    (("duplicates", "at_once"),),
    (("duplicates", "after_answer"),),
    (("duplicates", "after_later_event"),),
    (("reordering", "neighbours"),),
    (("duplicates", "at_once"), ("reordering", "neighbours")),
    (("hangup_order", "reversed"), ("duplicates", "after_later_event")),
)
_LOSSES = (frozenset({"HANGUP"}), frozenset({"HANGUP:LEG-A"}), frozenset({"HANGUP:LEG-B"}), frozenset({"RINGING"}))


def _switches(chance: random.Random) -> tuple[tuple[str, Any], ...]:
    roll = chance.random()
    if roll < 0.04:
        return (("lost_events", chance.choice(_LOSSES)),)
    return chance.choice(_SWITCHES) if roll < 0.35 else ()


_POINTS = {CALL_CONTROL: 4, FLOW: 5, OUTBOX: 3, NOTIFY: 6, PLACE: 5, STOP: 5, PUBLISH: 3, REPOINT: 5}
_TIMES = {CALL_CONTROL: 10, FLOW: 4, TASK: 4, OUTBOX: 8, NOTIFY: 8, PLACE: 1, STOP: 1, PUBLISH: 1, SP: 8}
_WEIGHTS = {CALL_CONTROL: 8, FLOW: 5, TASK: 2, OUTBOX: 3, NOTIFY: 3, PLACE: 2, STOP: 2, PUBLISH: 1, SP: 2}
_OF_ALL: dict[str, tuple[How, ...]] = {
    CALL_CONTROL: (How.AGAIN, How.AGAIN, How.LATE, How.FAILED, How.NOT_REACHED, How.ANSWER_LOST),
    TASK: (How.AGAIN, How.LATE, How.FAILED, How.GIVEN_UP),
    OUTBOX: (How.AGAIN, How.LATE),
    NOTIFY: (How.AGAIN, How.LATE),
    PLACE: (How.AGAIN, How.ANSWER_LOST),
    STOP: (How.AGAIN, How.ANSWER_LOST),
    PUBLISH: (How.AGAIN, How.LATE),
    SP: SP_FAILURES,
}


def _faults(chance: random.Random, functions: tuple[str, ...]) -> tuple[Fault, ...]:
    count = chance.choice((0, 0, 0, 0, 1, 1, 1, 1, 2, 3))
    found: list[Fault] = []
    for _ in range(count):
        [function] = chance.choices(functions, [_WEIGHTS[each] for each in functions])
        nth = chance.randint(1, _TIMES[function])
        of_all = _OF_ALL.get(function, ())
        if of_all and (function not in _POINTS or chance.random() < 0.35):
            how = chance.choice(of_all)
            found.append(Fault(function, nth, 0, how, _seconds(chance, function, how)))
            if how is How.AGAIN and function in _POINTS:  # so that the two meet
                slow = _seconds(chance, function, How.SLOW)
                found.append(Fault(function, nth, chance.randint(1, _POINTS[function]), How.SLOW, slow))
        else:
            found.append(_at_request(chance, function, nth, _POINTS[function]))
    return tuple(found)


def _at_request(chance: random.Random, function: str, nth: int, points: int) -> Fault:
    how = chance.choice(AT_A_REQUEST)
    slow = how in (How.SLOW, How.SLOW_ANSWER)
    return Fault(function, nth, chance.randint(1, points), how, _seconds(chance, function, how) if slow else 0.0)


def _seconds(chance: random.Random, function: str, how: How) -> float:
    match how:
        case How.AGAIN:  # at once, soon, or long after the end
            return round(chance.choice((0.0, 0.0, chance.uniform(0, 1), chance.uniform(1, 30), 3600.0)), 3)
        case How.LATE:
            most = {CALL_CONTROL: 3.0, TASK: 10.0}.get(function, 60.0)
            return round(chance.uniform(0.01, most), 3)
        case How.SLOW | How.SLOW_ANSWER:
            return round(chance.uniform(0.01, 0.9 if function == CALL_CONTROL else 3.0), 3)
        case How.GIVEN_UP:
            return round(chance.uniform(0.0, 3.0), 3)
        case How.SP_TOO_MANY:
            return float(chance.choice((1, 30, 600)))
    return 0.0


def _away(chance: random.Random, span: float) -> Away:
    """Shorter than what the network, the state machine and the stream repeat."""
    begins = round(chance.uniform(0, span), 1)
    service = chance.choice((STORE, STATE_MACHINE, QUEUE, KEYS, NETWORK))
    return Away(service, begins, round(begins + chance.choice((0.5, 2.0, 4.0, 15.0, 30.0)), 1))


def _outages(chance: random.Random, span: float) -> list[Outage]:
    found = []
    for app in (0, 1):
        for _ in range(chance.choice((0, 0, 1, 2)) + app):
            begins = round(chance.uniform(0, span), 1)
            lasts = chance.choice((20.0, 120.0, 600.0))
            found.append(Outage(app, begins, begins + lasts, chance.choice(SP_FAILURES).value))
    roll = chance.random()
    if roll < 0.3:
        begins = round(chance.uniform(0, span), 1)
        found.append(
            Outage(1, begins, begins + chance.choice((1.0, 1.0, 4.5)) * 86_400, chance.choice(SP_FAILURES).value)
        )
    elif roll < 0.45:
        begins = round(chance.uniform(0, span), 1)
        found.append(Outage(1, begins, begins + 900, "gone"))
    return found
