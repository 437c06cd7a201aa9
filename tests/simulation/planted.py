"""Ten real bugs, planted one at a time, and which promise gives each away: `python -m tests.simulation.planted`.

Each is a change of the product (or, where the store in memory stands for the real one, of that) which somebody could
make. Exit code 1: one was not found within 5,000 calls.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from datetime import timedelta
from typing import Any
from unittest.mock import patch

import functions.notify_sp.handler as notify_handler
from duologue.adapters.carriers import chime_network
from duologue.call_control import machine
from duologue.call_control.machine import decide
from duologue.domain.calls import due
from duologue.domain.errors import AlreadyDone, NothingWasDialled, OutsideUnavailable, RaceLost
from duologue.domain.notifying.delivery import wait_after
from duologue.usecases.accounting import finalize_call
from duologue.usecases.calls.process_network_event import ProcessNetworkEvent, change_of
from duologue.usecases.calls.resume_flow import resume_flow_now
from duologue.usecases.notifying import notify_sp
from duologue.usecases.ports.call_changes import ProcessedEvent
from tests.fakes import calls as fake_calls
from tests.fakes.calls import FakeCalls
from tests.simulation import plan
from tests.simulation.__main__ import play
from tests.simulation.world import Wrong

MOST_CALLS = 5_000


@contextmanager
def acknowledged_before_commit() -> Iterator[None]:
    """An event is answered although its commit failed."""

    def process(self: ProcessNetworkEvent, said: Any, call_id: str) -> str:
        saved, before = self.calls.load_for(call_id, said.network_call, said.event_key)
        if before is not None:
            return before.answer
        decision = decide(saved.call, said.event)
        answer = self.network.write(decision.actions, call_id if said.introduces else None)
        if decision.call != saved.call:
            processed = ProcessedEvent(said.network_call, said.event_key, answer, decision.resumes)
            try:
                self.calls.save(change_of(saved, decision, processed))
            except (RaceLost, AlreadyDone, OutsideUnavailable):
                return answer
            resume_flow_now(call_id, decision.resumes, calls=self.calls, flows=self.flows, seen=saved.task_token)
        return answer

    with patch.object(ProcessNetworkEvent, "_process", process):
        yield


@contextmanager
def only_one_leg_is_hung_up() -> Iterator[None]:
    """The callee's peer stays up."""
    ended = machine._callee_ended
    with patch.object(machine, "_callee_ended", lambda call, event: replace(ended(call, event), actions=())):
        yield


@contextmanager
def slots_of_answered_calls_only() -> Iterator[None]:
    free = FakeCalls._free

    def only_answered(self: FakeCalls, app_key: str, call_id: str, pair: str | None) -> None:
        if call_id not in self.rows or self.rows[call_id].call.callee.answered_at is not None:
            free(self, app_key, call_id, pair)

    with patch.object(FakeCalls, "_free", only_answered):
        yield


@contextmanager
def no_deduplication() -> Iterator[None]:
    """An event that was processed is decided once more."""
    load_for = FakeCalls.load_for
    with patch.object(FakeCalls, "load_for", lambda self, *key: (load_for(self, *key)[0], None)):
        yield


@contextmanager
def resumed_before_the_write() -> Iterator[None]:
    once = ProcessNetworkEvent._process

    def process(self: ProcessNetworkEvent, said: Any, call_id: str) -> str:
        saved, _ = self.calls.load_for(call_id, said.network_call, said.event_key)
        resumes = decide(saved.call, said.event).resumes
        resume_flow_now(call_id, resumes, calls=self.calls, flows=self.flows, seen=saved.task_token)
        return once(self, said, call_id)

    with patch.object(ProcessNetworkEvent, "_process", process):
        yield


@contextmanager
def two_facts_unsorted() -> Iterator[None]:
    over = machine._over

    def swapped(call: Any, at: Any) -> Any:
        decision = over(call, at)
        return replace(decision, facts=decision.facts[::-1])

    with patch.object(machine, "_over", swapped):
        yield


@contextmanager
def retries_sent_to_its_own_queue() -> Iterator[None]:
    """Every five minutes, for as long as the SP does not answer; nothing waits as an item."""
    every, never = [timedelta(minutes=5)] * 2000, timedelta(days=10_000)
    with (
        patch.object(notify_sp, "_QUEUED_RETRIES", 10_000),
        patch.object(notify_sp, "_GRACE", never),
        patch.object(
            notify_sp, "wait_after", lambda attempt, chance, asked, _: wait_after(attempt, chance, asked, every)
        ),
    ):
        yield


@contextmanager
def dial_retried_after_a_time_out() -> Iterator[None]:
    with patch.object(chime_network, "_of_dial", lambda error: NothingWasDialled(type(error).__name__)):
        yield


@contextmanager
def failed_items_not_reported() -> Iterator[None]:
    answer = notify_handler.answer

    def nothing_failed(event: Any, dependencies: Any) -> dict[str, Any]:
        answer(event, dependencies)
        return {"batchItemFailures": []}

    with patch.object(notify_handler, "answer", nothing_failed):
        yield


@contextmanager
def sweeper_ignores_ending() -> Iterator[None]:
    """A call with a reason to end is due no earlier than any other."""
    with (
        patch.object(finalize_call, "due_by", due._due_by_phase),
        patch.object(fake_calls, "due_by", due._due_by_phase),
    ):
        yield


BUGS: Mapping[str, Callable[[], Any]] = {
    "acknowledge before commit": acknowledged_before_commit,
    "hang up only one leg": only_one_leg_is_hung_up,
    "release the slot of answered calls only": slots_of_answered_calls_only,
    "no deduplication by the event's key": no_deduplication,
    "complete the token before the write": resumed_before_the_write,
    "two facts unsorted": two_facts_unsorted,
    "a retry that re-sends to its own queue": retries_sent_to_its_own_queue,
    "a dial retried after a time-out": dial_retried_after_a_time_out,
    "failed items of a batch not reported": failed_items_not_reported,
    "the sweeper ignores the reason to end": sweeper_ignores_ending,
}


def find(bug: Callable[[], Any], seed: int = 1) -> tuple[Wrong, int] | None:
    """The broken promise, and how many calls had been played until then; None: not found."""
    with bug():
        calls = number = 0
        while calls < MOST_CALLS:
            world = plan.draw(seed, number)
            wrong = play(world)
            calls += world.calls
            if wrong is not None:
                return wrong, calls
            number += 1
    return None


def main() -> int:
    missed = 0
    for name, bug in BUGS.items():
        found = find(bug)
        missed += found is None
        said = "NOT FOUND" if found is None else f"{found[0].invariant!r} within {found[1]} calls: {found[0].text}"
        print(f"{name}: {said}", flush=True)
    return int(missed > 0)


if __name__ == "__main__":
    sys.exit(main())
