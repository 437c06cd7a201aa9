"""What holds for any sequence of events: duplicated, reordered, lost, early, late, strayed."""

from dataclasses import replace
from itertools import cycle

from hypothesis import given, settings
from hypothesis import strategies as st

from duologue.call_control.actions import DialAndBridge, HangUp
from duologue.call_control.events import (
    CallEvent,
    EndAsked,
    GaveUp,
    InboundCall,
    LastMinuteAsked,
    LegAnswered,
    LegEnded,
    OwnEvent,
    RecordingStarted,
    StopAsked,
)
from duologue.call_control.facts import CallEnded, CdrWritten, LegAnsweredRecorded, LegDialledRecorded
from duologue.call_control.inbound import play_tone, reject
from duologue.call_control.machine import decide
from duologue.domain.accounting.cdr import cdr_of, talk_time
from duologue.domain.calls.call import Call, Origin, Phase
from duologue.domain.calls.outcome import EndReason, Party
from duologue.domain.errors import CalleeSilent, CallerSilent, LongestReached
from tests.call_control import stories
from tests.samples import LEG_A, LEG_B, NETWORK_CALL, at, callback, incoming, return_call

SEQUENCES = 400

_STOPS = [StopAsked(at(0)), *(GaveUp(at(0), error) for error in (LongestReached, CallerSilent, CalleeSilent, None))]
_RECORDED = [
    InboundCall(at(0), NETWORK_CALL, LEG_A),
    RecordingStarted(at(15), NETWORK_CALL, "key"),
    LastMinuteAsked(at(12), NETWORK_CALL),
]
_KNOWN = _RECORDED + [
    value for name, value in vars(stories).items() if name.isupper() and hasattr(value, "network_call")
]
_LEGS = {Party.CALLER: LEG_A, Party.CALLEE: LEG_B}
_DROPS = [
    LegEnded(at(5), NETWORK_CALL, party, leg, status)
    for party, leg in _LEGS.items()
    for status in (0, 404, 480, 486, 487, 503, 603)
]
# The network says who is up, whatever we heard of it.
_CONNECTED: list[CallEvent] = [
    EndAsked(at(5), NETWORK_CALL, up) for up in ({Party.CALLER: LEG_A}, {Party.CALLEE: LEG_B}, _LEGS)
]
_CONNECTED += [
    LegEnded(at(5), NETWORK_CALL, party, leg, 0, {party.peer: _LEGS[party.peer]}) for party, leg in _LEGS.items()
]
_STRAYS = [replace(event, network_call="stray") for event in _KNOWN]
_ANY = st.sampled_from([*_KNOWN, *_KNOWN, *_KNOWN, *_DROPS, *_CONNECTED, *_CONNECTED, *_CONNECTED, *_STRAYS])
_STEP = st.one_of(_ANY, st.sampled_from(_STOPS))


_CALLBACKS = st.builds(
    lambda records, plays: replace(callback(), wants_recording=records, plays_before_callee=plays),
    st.booleans(),
    st.booleans(),
)
_RETURN_CALLS = st.builds(
    lambda records, rejects: replace(return_call(), wants_recording=records, rejects_failure=rejects),
    st.booleans(),
    st.booleans(),
)
_CALLS = st.one_of(_CALLBACKS, _RETURN_CALLS, st.just(play_tone(incoming()).call), st.just(reject(incoming()).call))


@st.composite
def _likely(draw: st.DrawFn) -> list[CallEvent | OwnEvent]:
    """A plausible call, then disturbed: some events lost, some repeated, some moved."""
    whole: list[CallEvent | OwnEvent] = [*stories.TALKING, stories.CALLEE_LEFT, stories.CALLER_LEFT]
    kept = [event for event in whole if draw(st.integers(0, 9)) > 0]
    for _ in range(draw(st.integers(0, 6))):
        repeats = st.sampled_from(kept) if kept else _STEP
        place = draw(st.integers(0, len(kept)))
        kept.insert(place, draw(st.one_of(repeats, _STEP)))
    return kept


class Watch:
    """Plays a sequence and checks every promise at each step."""

    def __init__(self, call: Call) -> None:
        self.call = call
        self.dials = int(call.callee.dialled_at is not None)
        self.ends = self.accounts = int(call.phase is Phase.OVER)
        self.up: dict[str, bool] = {}
        self.seconds = 0
        self.latest = self.told_at = call.accepted_at

    def play(self, step: CallEvent | OwnEvent, clock: int = 1) -> None:
        """`clock`: seconds since the last event by the clock of the process that reads this one."""
        self.seconds += clock
        self.latest = max(self.latest, at(self.seconds))
        if isinstance(step, OwnEvent):  # the flow or a stop records its reason, then asks
            before = self.call
            self.call = decide(before, step).call
            assert before.ending in (None, self.call.ending), "the first reason stands"
            step = EndAsked(at(0), self.call.network_call or NETWORK_CALL, _LEGS)
        event = replace(step, at=at(self.seconds))
        before = self.call
        decision = decide(before, event)
        self._account_is_one(before, decision.call, decision.facts)
        assert decision.call.phase >= before.phase, "phases never go back"
        for action in decision.actions:
            if isinstance(action, HangUp):
                if event.network_call == NETWORK_CALL and not isinstance(event, InboundCall):
                    rejects = _awaits_answer(decision.call, action.party)
                    assert (action.sip_status in (480, 486)) is rejects, "only an unanswered leg is rejected"
                self._only_what_is_up(before, decision.call, event, action)
            else:
                assert before.phase is not Phase.OVER, "nothing but hanging up is done after the end"
            if isinstance(action, DialAndBridge):
                self.dials += 1
                assert decision.call.ending is None, "no dial once a reason to end is there"
        if before.phase is not Phase.OVER:
            self._no_leg_outlives_its_peer(before, decision.call, decision.actions, event)
        self._nobody_stays_up_by_the_networks_word(before, decision.call, decision.actions, event)
        assert decision.call.facts - before.facts == len(decision.facts)
        for fact in decision.facts:
            assert fact.at >= self.told_at, "what an SP is told has its times in order"
            if not isinstance(fact, LegAnsweredRecorded) or decision.call.leg(fact.party).answered_at == fact.at:
                self.told_at = fact.at  # else the end of the leg overtook its answer, whose time the call does not keep
        self.call = decision.call

    def _account_is_one(self, before: Call, after: Call, facts: tuple[object, ...]) -> None:
        self.ends += sum(isinstance(fact, CallEnded) for fact in facts)
        self.accounts += sum(isinstance(fact, CdrWritten) for fact in facts)
        assert self.ends <= 1, "a call ends at most once"
        assert self.ends == self.accounts == (after.phase is Phase.OVER)
        if before.phase is Phase.OVER:
            assert after == before
            assert facts == ()

    def _only_what_is_up(self, before: Call, after: Call, event: CallEvent, action: HangUp) -> None:
        leg = after.leg(action.party)
        connected = getattr(event, "connected", {}).get(action.party) == action.leg_id
        says_up = connected or isinstance(event, LegAnswered | InboundCall)  # of a bridge: both legs
        is_there = leg.is_up or _awaits_answer(after, action.party)
        assert says_up or (is_there and leg.network_id == action.leg_id), "only a leg that is up is hung up"

    def _no_leg_outlives_its_peer(
        self, before: Call, call: Call, actions: tuple[object, ...], event: CallEvent
    ) -> None:
        if not isinstance(event, LegEnded) or event.network_call != call.network_call:
            return
        hung_up = _hung_up(actions)
        for leg in (call.caller, call.callee):
            peer = call.leg(leg.party.peer)
            is_there = leg.is_up or _awaits_answer(call, leg.party)
            if is_there and peer.is_over and not before.leg(peer.party).is_over:
                assert leg.network_id in hung_up, "no leg stays up when its peer is gone"

    def _nobody_stays_up_by_the_networks_word(
        self, before: Call, call: Call, actions: tuple[object, ...], event: CallEvent
    ) -> None:
        """A leg that the network says is up is hung up, whether or not we ever heard of its answer."""
        match event:
            case LegEnded(party=Party.CALLEE) if call.callee == before.callee and call.phase is not Phase.OVER:
                return  # it failed before, and the caller hears why; or we did not know that it was dialled
            case LegEnded() | EndAsked() if call.ending is not None or call.network_call != event.network_call:
                assert set(event.connected.values()) <= _hung_up(actions)


def _awaits_answer(call: Call, party: Party) -> bool:
    """The caller's leg of a return call, which is there before it is answered."""
    leg = call.leg(party)
    is_inbound = call.origin is Origin.RETURN_CALL and party is Party.CALLER
    return is_inbound and leg.answered_at is None and not leg.is_over


def _hung_up(actions: tuple[object, ...]) -> set[str]:
    return {action.leg_id for action in actions if isinstance(action, HangUp)}


_CLOCKS = (1, 1, 2, -1, 0, 3)
"""Seconds between the events by the clocks of the processes that read them, which are not set alike."""


def _check(steps: list[CallEvent | OwnEvent], call: Call) -> None:
    watch = Watch(call)
    for step, clock in zip(steps, cycle(_CLOCKS), strict=False):
        watch.play(step, clock)
    assert watch.dials <= 1
    call = watch.call
    if call.phase is not Phase.OVER:
        call = stories.closed(call, 100_000).call
    account = cdr_of(call)  # there is one, whoever closes it
    if call.origin is Origin.RETURN_CALL:
        assert account.reason not in (EndReason.CALLER_FAILED, EndReason.CALLER_SILENT), "nobody dialled the caller"
    ends = [leg.ended_at for leg in (call.caller, call.callee) if leg.ended_at is not None]
    if watch.call.caller.is_over or watch.call.callee.is_over:
        assert max(ends) <= account.ended_at <= watch.latest, "a call whose one leg's end is known did not go on"
    if account.talk:
        assert call.caller.answered_at is not None, "talked means both legs were answered"
        assert call.callee.answered_at is not None
    assert account.talk == talk_time(call.caller, call.callee) >= type(account.talk)(0)
    for leg in (call.caller, call.callee):
        assert (leg.dialled_at is None) == (leg.ended_at is None), "every leg that was dialled has ended"
        assert leg.outcome is not None or leg.dialled_at is None
        if leg.answered_at is not None and leg.ended_at is not None:
            assert leg.answered_at <= leg.ended_at, "no leg ends before it was answered"


@settings(max_examples=SEQUENCES, deadline=None)
@given(_likely(), _CALLS)
def test_promises_hold_for_disturbed_calls(steps, call):
    _check(steps, call)


@settings(max_examples=SEQUENCES, deadline=None)
@given(st.lists(_STEP, max_size=14), _CALLS)
def test_promises_hold_for_anything(steps, call):
    _check(steps, call)


@settings(max_examples=250, deadline=None)
@given(st.lists(_STEP, max_size=14))
def test_each_fact_of_a_leg_is_told_once(steps):
    call, told = callback(), []
    for seconds, step in enumerate(steps):
        if isinstance(step, OwnEvent):
            continue
        decision = decide(call, replace(step, at=at(seconds)))
        call = decision.call
        told += [
            (type(fact), fact.party)
            for fact in decision.facts
            if isinstance(fact, LegDialledRecorded | LegAnsweredRecorded)
        ]
    assert len(told) == len(set(told))
