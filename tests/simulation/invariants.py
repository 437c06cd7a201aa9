"""The promises, each a function of its own: what is wrong in a world, as texts; none: it holds.

`OF_A_CALL` are checked some minutes after each call has ended and again at the end of the world; `OF_THE_WORLD` at its
end. They compare what the platform says with what really happened (watch.py, sps.py).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from itertools import chain
from typing import TYPE_CHECKING

from duologue.call_control.facts import CallAccepted, CallEnded, CdrWritten
from duologue.call_control.history import DeliveryState
from duologue.domain.accounting.cdr import Cdr
from duologue.domain.calls.call import Call, Phase
from duologue.domain.calls.node import node_of_call
from duologue.domain.calls.outcome import EndReason
from duologue.domain.media.recording import published_key
from duologue.usecases.accounting.finalize_call import GRACE
from duologue.wire.huawei.session_id import session_id
from tests.simulation.plan import CALL_CONTROL, SP_FAILURES, Callback, Return
from tests.simulation.sps import GONE, app_key
from tests.simulation.watch import Alone, NetworkCall
from tests.simulation.world import DISPLAYS, HOST, Simulation, Wrong

if TYPE_CHECKING:
    OfACall = Callable[[Simulation, str], Iterator[str]]
    OfTheWorld = Callable[[Simulation], Iterator[tuple[tuple[int, ...], str]]]

REACHED, FAILED, LOST = "HANGUP reached call_control", "its invocation failed", "lost without a trace"
_LIMITS = {REACHED: 5.0, FAILED: 25.0}
_LONGEST = timedelta(days=1)
_CALLER_RINGS = timedelta(seconds=100)
"""Less than the network's limit and the retries of its wait."""
_SWEEPS = timedelta(minutes=5 + 5 + 2) + GRACE


# ---- of a call


def one_end(sim: Simulation, call_id: str) -> Iterator[str]:
    facts = sim.calls.history(call_id).facts
    counts = Counter(type(fact) for fact in facts)
    if (counts[CallEnded], counts[CdrWritten]) != (1, 1):
        yield f"{counts[CallEnded]} ends and {counts[CdrWritten]} CDRs among its facts"
    elif not (isinstance(facts[-2], CallEnded) and isinstance(facts[-1], CdrWritten)):
        yield f"its facts do not end with its end: {[type(fact).__name__ for fact in facts]}"


def one_cdr(sim: Simulation, call_id: str) -> Iterator[str]:
    if call_id not in sim.calls.cdrs:
        yield "it has no CDR"
    sent = [each.body["feeLst"] for each in sim.servers.arrivals.get(call_id, ()) if each.kind == "fee"]
    if any(each != sent[0] for each in sent):
        yield "the SP got different CDRs"


def durations(sim: Simulation, call_id: str) -> Iterator[str]:
    """The billed talk is the real one, but for the delays of events; where they are lost, at most the longest talk.

    Where an answer could not be recorded, less is billed: the platform does not know of the talk (R17).
    """
    call, cdr = sim.calls.rows[call_id].call, sim.calls.cdrs[call_id]
    really = _network_call(sim, call)
    lasted = timedelta(0) if really is None else really.talk()
    late = timedelta(seconds=1 if _undisturbed(sim, sim.item_of[call_id]) else 45)
    if cdr.talk < timedelta(0) or (cdr.ended_at < cdr.accepted_at):
        yield f"it has a negative duration: {cdr.talk}"
    if cdr.talk > call.longest_talk + _SWEEPS:
        yield f"it is billed {cdr.talk}, and may last {call.longest_talk}"
    if really is None or _end_was_recorded(sim, really):
        if cdr.talk > lasted + late:
            yield f"it is billed {cdr.talk}, and lasted {lasted}"
        if cdr.talk < lasted - late and not _was_struck(sim, sim.item_of[call_id], CALL_CONTROL):
            yield f"it lasted {lasted}, and is billed {cdr.talk}"


def no_second_dial(sim: Simulation, call_id: str) -> Iterator[str]:
    """Neither party is dialled again if the first dial may have left."""
    mine = [each for each in sim.watch.of_item.get(sim.item_of[call_id], ()) if each.call_id == call_id]
    if len(mine) > 1:
        yield f"its caller was dialled {len(mine)} times"
    for each in mine:
        if len(each.legs) > 2:
            yield f"its callee was dialled {len(each.legs) - 1} times"


def no_leg_left(sim: Simulation, call_id: str) -> Iterator[str]:
    """When the platform takes a call for ended, and some time has passed, no leg of it is up."""
    really = _network_call(sim, sim.calls.rows[call_id].call)
    if really is not None:
        for leg in really.legs.values():
            if leg.is_up and not leg.vanished:
                yield f"the leg of {leg.number} is still up"


def ends_in_time(sim: Simulation, call_id: str) -> Iterator[str]:
    """Once a reason to end is recorded, within minutes; without one, when it is due (domain/calls/due.py)."""
    call, at = sim.calls.rows[call_id].call, sim.finalized_at[call_id]
    if call.ending_at is not None and at - call.ending_at > _SWEEPS:
        yield f"a reason to end it was recorded at {call.ending_at}, and it was finalized at {at}"
    began = call.callee.answered_at or call.accepted_at
    longest = call.longest_talk if call.callee.answered_at else call.before_talk
    if at - began > longest + _SWEEPS:
        yield f"it began at {began}, for at most {longest}, and was finalized at {at}"


def lost_in_time(sim: Simulation, call_id: str) -> Iterator[str]:
    """A call on a node that dies is over within 90 s, unless a sweep is struck meanwhile."""
    at, died_at = sim.finalized_at[call_id], _died_at(sim, call_id)
    calm = not (sim.plan.away or sim.plan.sweep_faults)
    if died_at is not None and calm and at - died_at > timedelta(seconds=90):
        yield f"its node died at {died_at}, and it was finalized at {at}"


def nobody_given_up_early(sim: Simulation, call_id: str) -> Iterator[str]:
    """A party counts as silent only when it could have answered for as long as it is waited for."""
    call = sim.calls.rows[call_id].call
    ended_at = call.ending_at or call.ended_at or call.accepted_at
    waited = ended_at - max(call.accepted_at, call.callee.dialled_at or call.accepted_at)
    if call.ending is EndReason.CALLER_SILENT and waited < _CALLER_RINGS:
        yield f"its caller was given up after {waited}"
    if call.ending is EndReason.CALLEE_SILENT and waited < call.ring_limit:
        yield f"its callee was given up after {waited}"


def no_slot_leaked(sim: Simulation, call_id: str) -> Iterator[str]:
    if any(slot.call_id == call_id for slot in sim.calls.held_slots()):
        yield "it is over and holds a slot"


def execution_ended(sim: Simulation, call_id: str) -> Iterator[str]:
    execution = sim.player.executions.get(call_id)
    if execution is not None and execution.status != "SUCCEEDED":
        yield f"its execution is {execution.status} in {execution.state}"


def facts_in_order(sim: Simulation, call_id: str) -> Iterator[str]:
    """First attempts are made in the order of the facts, also those that were put off while the SP did not answer."""
    first = sim.servers.first.get(call_id, [])
    if first != sorted(first):
        yield f"first attempts in the order {first}"


def recording_linked(sim: Simulation, call_id: str) -> Iterator[str]:
    """A CDR has a recording if and only if one was made; then its file was published."""
    call, cdr = sim.calls.rows[call_id].call, sim.calls.cdrs[call_id]
    objects = [key for _, key in sim.exchange.recordings.objects if f"/{call_id}/" in key]  # type: ignore[attr-defined]
    linked = cdr.recording is not None
    for arrival in sim.servers.arrivals.get(call_id, ()):
        if arrival.kind == "fee" and ("recordFileDownloadUrl" in arrival.body["feeLst"][0]) != linked:
            yield "the SP's CDR says something else about the recording"
    if cdr.recording is not None and cdr.recording.key not in objects:
        yield "its CDR has a recording that was not made"
    if cdr.recording is not None and published_key(call.app, call_id) not in sim.published:
        yield "its recording was not published"
    if objects and cdr.recording is None and _undisturbed(sim, sim.item_of[call_id]):
        yield "it was recorded, and its CDR does not say so"


def withdrawn(sim: Simulation, call_id: str) -> Iterator[str]:
    """A call whose SP got an error, since its flow could not be started: nobody is dialled, and nothing is notified."""
    if any(each.call_id == call_id for each in sim.watch.of_item.get(sim.item_of[call_id], ())):
        yield "the SP got an error, and its caller was dialled"
    if sim.servers.arrivals.get(call_id):
        yield "the SP got an error, and a notification"
    yield from no_slot_leaked(sim, call_id)


OF_A_CALL: dict[str, OfACall] = {
    "one end": one_end,
    "one CDR": one_cdr,
    "durations": durations,
    "no second dial": no_second_dial,
    "no leg left": no_leg_left,
    "ends in time": ends_in_time,
    "lost in time": lost_in_time,
    "nobody given up early": nobody_given_up_early,
    "no slot leaked": no_slot_leaked,
    "execution ended": execution_ended,
    "first attempts in order": facts_in_order,
    "recording linked": recording_linked,
}


# ---- of the world


def every_call_ends(sim: Simulation) -> Iterator[tuple[tuple[int, ...], str]]:
    for call_id, row in sim.calls.rows.items():
        if row.call.phase is not Phase.OVER or row.close_by is not None:
            yield (sim.item_of[call_id],), f"{call_id} is not over: {row.call.phase.name}"
    for transaction, tag in sim.exchange.legs_up():
        yield (sim.watch.calls[transaction].of,), f"{tag} of {transaction} is up at the end of the world"


def every_fact_is_delivered(sim: Simulation) -> Iterator[tuple[tuple[int, ...], str]]:
    """Each is acknowledged, included in a later one that was, or listed as undelivered after an outage that long."""
    for call_id in sim.calls.rows:
        history = sim.calls.history(call_id)
        taken = {each.sequence for each in sim.servers.arrivals.get(call_id, ()) if each.taken}
        item = sim.item_of[call_id]
        for sequence, fact in enumerate(history.facts, 1):
            if isinstance(fact, CallAccepted):
                continue
            delivery = history.deliveries.get(sequence)
            name = f"fact {sequence} of {call_id} ({type(fact).__name__})"
            if delivery is None or delivery.state is DeliveryState.WAITING:
                yield (item,), f"{name} is neither delivered nor undelivered"
            elif delivery.state is DeliveryState.ACKNOWLEDGED and sequence not in taken:
                yield (item,), f"{name} counts as acknowledged, and the SP never took it"
            elif delivery.state is DeliveryState.OVERTAKEN and isinstance(fact, CallEnded | CdrWritten):
                yield (item,), f"{name} was not repeated"
            elif delivery.state is not DeliveryState.UNDELIVERED or _long_outage(sim, history.call):
                continue
            elif isinstance(fact, CallEnded | CdrWritten):
                yield (item,), f"{name} is undelivered: {delivery.note}"
    for notice in sim.queues.dead:
        yield (sim.item_of[notice.call_id],), f"the message for fact {notice.sequence} of {notice.call_id} is dead"


def requests_are_answered_truly(sim: Simulation) -> Iterator[tuple[tuple[int, ...], str]]:
    """What the SP was told is accepted exists; a request with a key places one call at most."""
    for number, item in sim.items.items():
        if not isinstance(item, Callback):
            continue
        given = sim.given.get(number, set())
        for call_id in given - sim.calls.rows.keys():
            yield (number,), f"{call_id} was accepted and does not exist"
        dialled = [each.call_id for each in sim.watch.of_item.get(number, ())]
        if item.key and len(set(dialled)) > 1:
            yield (number,), f"one request with its key led to the calls {sorted(set(map(str, dialled)))}"
        if item.key and len(given) > 1:
            yield (number,), f"the SP got {len(given)} calls for one key"


def memory_is_right(sim: Simulation) -> Iterator[tuple[tuple[int, ...], str]]:
    """Who dials a display number reaches whoever called last from it, or whom the SP has chosen since."""
    changes = _changes(sim)
    for came_at, item, display in sim.rang_in:
        [call] = sim.watch.of_item[item.number]
        rung = [(leg.number, leg.called_at) for name, leg in call.legs.items() if leg.number != item.dialler]
        rung = [each for each in rung if each[0] != display]
        until = rung[0][1] if rung else call.over_at or came_at
        possible = _possible(changes.get((display, item.dialler), []), came_at, until)
        if rung and item.withheld:
            yield (item.number,), f"{rung[0][0]} was rung for somebody who withheld their number"
        elif rung and rung[0][0] not in possible:
            yield (item.number,), f"{rung[0][0]} was rung, and {sorted(map(str, possible))} is remembered"


def no_unexpected_error(sim: Simulation) -> Iterator[tuple[tuple[int, ...], str]]:
    for item, error in sim.unexpected:
        yield () if item is None else (item,), f"a function met an error that it does not know: {error!r}"
    for error in sim.exchange.broken:
        yield (), f"the network broke: {error!r}"


def nothing_left(sim: Simulation) -> Iterator[tuple[tuple[int, ...], str]]:
    for slot in sim.calls.held_slots():
        yield (sim.item_of[slot.call_id],), f"{slot.call_id} holds a slot of {slot.app}"
    for call_id in sim.player.executions:
        for text in execution_ended(sim, call_id):
            yield (sim.item_of[call_id],), f"{call_id}: {text}"
    if sim.slots_freed:
        yield (), f"the sweeper had to free {sim.slots_freed} slots"
    archived = {cdrs.session for cdrs in map(sim.cdr_format.read, chain.from_iterable(sim.archive.kept.values()))}
    for call_id in sim.calls.cdrs:
        if session_id(call_id, HOST) not in archived:
            yield (sim.item_of[call_id],), f"the CDR of {call_id} is not in the archive"
    if sim.reconciled:
        yield (), f"the reconciliation found {dict(sim.reconciled)}"


def same_answer_to_a_repeat(sim: Simulation) -> Iterator[tuple[tuple[int, ...], str]]:
    for item, event in sim.other_answers:
        yield (item,), f"{event} got two different answers"


OF_THE_WORLD: dict[str, OfTheWorld] = {
    "no unexpected error": no_unexpected_error,
    "every call ends": every_call_ends,
    "every fact is delivered": every_fact_is_delivered,
    "requests are answered truly": requests_are_answered_truly,
    "memory is right": memory_is_right,
    "nothing is left": nothing_left,
    "the same answer to a repeat": same_answer_to_a_repeat,
}


class Invariants:
    """Checks them all. `longest`: by class, the longest leg that outlived its peer, in seconds, and its item."""

    def __init__(self) -> None:
        self.longest: dict[str, tuple[float, int]] = {}
        self._cdrs: dict[str, Cdr] = {}

    def watch(self, sim: Simulation) -> Simulation:
        sim.check = self
        sim.watch.on_alone = lambda alone: self._alone(sim, alone)
        return sim

    def of_call(self, sim: Simulation, call_id: str) -> None:
        self._cdrs[call_id] = sim.calls.cdrs[call_id]
        self._check(sim, call_id)

    def at_the_end(self, sim: Simulation) -> None:
        for name, invariant in OF_THE_WORLD.items():
            for items, text in invariant(sim):
                raise Wrong(name, items, text)
        for call_id in sim.calls.rows:
            if self._cdrs.get(call_id, sim.calls.cdrs[call_id]) != sim.calls.cdrs[call_id]:
                raise Wrong(
                    "one CDR", (sim.item_of[call_id],), f"the CDR of {call_id} was changed after it was written"
                )
            self._check(sim, call_id)

    def _check(self, sim: Simulation, call_id: str) -> None:
        invariants = {"withdrawn": withdrawn} if _is_withdrawn(sim, call_id) else OF_A_CALL
        for name, invariant in invariants.items():
            for text in invariant(sim, call_id):
                raise Wrong(name, (sim.item_of[call_id],), f"{call_id}: {text}")

    def _alone(self, sim: Simulation, alone: Alone) -> None:
        call = alone.network_call
        which = _class_of(sim, call)
        if alone.seconds > self.longest.get(which, (0.0, 0))[0]:
            self.longest[which] = alone.seconds, call.of
        limit = _LIMITS.get(which, (_longest(sim, call) + _SWEEPS).total_seconds())
        if alone.seconds > limit:
            text = f"{alone.number} of {call.id} outlived its peer by {alone.seconds:.1f} s ({which})"
            sim.clock.call_later(0, lambda: _raise(Wrong("no leg alone", (call.of,), text)))  # an observer must not


# ---- shared


def _raise(wrong: Wrong) -> None:
    raise wrong


def _network_call(sim: Simulation, call: Call) -> NetworkCall | None:
    return sim.watch.calls.get(call.network_call or "")


def _class_of(sim: Simulation, call: NetworkCall) -> str:
    """By what happened to the first event that reported a hang-up."""
    noted = sim.hang_ups.get(call.id, [])
    lost = dict(getattr(sim.items[call.of], "switches", ())).get("lost_events", frozenset())
    if any(name.startswith("HANGUP") for name in lost) or not noted:
        return LOST
    return FAILED if any(struck for _, struck, _ in noted) else REACHED


def _end_was_recorded(sim: Simulation, call: NetworkCall) -> bool:
    """Some invocation with a hang-up could write it. Where each one failed, the platform learns of no end (R17)."""
    return _class_of(sim, call) != LOST and not all(defeated for _, _, defeated in sim.hang_ups[call.id])


def _longest(sim: Simulation, call: NetworkCall) -> timedelta:
    minutes = getattr(sim.items[call.of], "longest_talk", None)
    return _LONGEST if minutes is None else timedelta(minutes=minutes)


def _died_at(sim: Simulation, call_id: str) -> datetime | None:
    """When the node of a call died; None: it lives."""
    row = sim.calls.rows[call_id]
    return sim.died_at.get(node_of_call(row.call.network_call, row.dial_mark))


def _undisturbed(sim: Simulation, item: int) -> bool:
    """Nothing struck this item, its network has no switch set, and no node of it died."""
    if any(_died_at(sim, call_id) for call_id in sim.calls_of.get(item, ()) if call_id in sim.calls.rows):
        return False
    return not any(of == item for of, _ in sim.struck) and not getattr(sim.items[item], "switches", ())


def _was_struck(sim: Simulation, item: int, function: str) -> bool:
    return any(of == item and fault.function == function for of, fault in sim.struck)


def _is_withdrawn(sim: Simulation, call_id: str) -> bool:
    call = sim.calls.rows[call_id].call
    is_known = call_id in sim.given.get(sim.item_of[call_id], ())
    return call.ending is EndReason.NEVER_STARTED and call.facts == 1 and not is_known


def _long_outage(sim: Simulation, call: Call) -> bool:
    outages = [each for each in sim.plan.outages if app_key(each.app) == call.app]
    return any(
        each.how == GONE or each.ends - each.begins > 3 * 86_400 for each in outages if each.how in (*SP_FAILURES, GONE)
    )


_Change = tuple[datetime, datetime, str | None, bool]
"""From and until when it may have taken effect, who is rung then, and whether it is certain."""


def _changes(sim: Simulation) -> dict[tuple[str, str], list[_Change]]:
    """By display number and the number that dials it."""
    found: dict[tuple[str, str], list[_Change]] = {}
    for call_id, row in sim.calls.rows.items():
        item, really = sim.items[sim.item_of[call_id]], _network_call(sim, row.call)
        if really is None or row.call.memory is None:
            continue
        display = DISPLAYS[item.app][1]
        if isinstance(item, Callback):
            dialler, target = item.callee, item.caller
        elif isinstance(item, Return) and len(really.legs) > 1:
            dialler, target = row.call.callee.number.e164, item.dialler
        else:
            continue
        at = row.call.callee.dialled_at
        if at is not None:
            found.setdefault((display, dialler), []).append((at, at, target, True))
    for asked, answered, change, done in sim.repointed:
        if done is not False:
            key = DISPLAYS[change.app][1], change.dialler
            found.setdefault(key, []).append((asked, answered, change.target, done is True))
    return found


def _possible(changes: list[_Change], begins: datetime, ends: datetime) -> set[str | None]:
    """Who may be remembered at some time from `begins` until `ends`."""
    state: set[str | None] = {None}
    last = datetime.min.replace(tzinfo=begins.tzinfo)
    for since, until, target, certain in sorted(changes, key=lambda change: change[:2]):
        if since > ends:
            break
        alone = since - last > timedelta(seconds=2) and until < begins - timedelta(seconds=2)
        state = {target} if certain and alone else state | {target}
        last = max(last, until)
    return state
