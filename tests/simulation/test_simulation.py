"""A small part of `make simulate` (200 calls), and that a failure is found again from what it prints."""

import re

import pytest

from duologue.domain.calls.node import node_of
from duologue.domain.calls.outcome import EndReason
from tests.simulation import __main__ as simulate
from tests.simulation import plan, planted
from tests.simulation.__main__ import Figures, explain, play, story
from tests.simulation.invariants import LOST, REACHED, Invariants
from tests.simulation.shrink import only, parts, shrink
from tests.simulation.world import Simulation


@pytest.mark.parametrize("carrier", ["chime", "sip"])
def test_no_promise_is_broken_in_a_world_of_200_calls(carrier):
    """And it is a world in which much goes wrong, as the printed figures say."""
    check = Invariants()
    sim = check.watch(Simulation(plan.draw(1, 1), carrier=carrier))
    sim.run()
    assert len(sim.calls.rows) > 150
    assert len(sim.struck) > 60
    assert {fault.how for _, fault in sim.struck} > {plan.How.CRASH_AFTER, plan.How.LOST, plan.How.AGAIN}
    assert check.longest.keys() >= {REACHED, LOST}
    figures = Figures()
    figures.add(sim, check, seconds=2.0)
    printed = str(figures)
    assert re.search(rf"longest leg that outlived its peer:(\n +[\d.]+ s  .*)*\n +[\d.]+ s  {REACHED} \(", printed)
    assert printed.endswith("200 calls, 100 a second of one core")


@pytest.mark.parametrize("seed", [1, 2])
def test_no_promise_is_broken_where_nodes_die_with_calls(seed):
    """One each minute; in one of these worlds sweeps die, too."""
    drawn = plan.draw(seed, 1)
    sim = Simulation(drawn, carrier="sip", deaths=range(45, int(drawn.items[-1].at), 60))
    Invariants().watch(sim).run()
    ended = [sim.calls.rows[call_id].call for call_id, cdr in sim.calls.cdrs.items() if cdr.reason is EndReason.LOST]
    assert sum(node_of(call.network_call or "") in sim.died_at for call in ended) > 20


def test_the_same_seed_is_the_same_story_and_fewer_parts_are_the_same_parts():
    world = plan.draw(3, 0, calls=12)
    assert story(world) == story(plan.draw(3, 0, calls=12)) == story(only(world, parts(world)))


def test_a_world_is_played_as_its_number_draws_it_again(monkeypatch):
    """However few calls are asked for: fewer would move its outages."""

    def instead(world):
        raise InterruptedError(world)

    monkeypatch.setattr(simulate, "Simulation", instead)
    with pytest.raises(InterruptedError) as played:
        simulate.main(["--calls", "60"])
    assert played.value.args == (plan.draw(1, 0),)


@pytest.mark.parametrize("words", ["--calls 0", "--only x", "--only 0:nothing"])
def test_what_plays_nothing_is_refused(words):
    with pytest.raises(SystemExit) as refused:
        simulate.main(words.split())
    assert refused.value.code == 2


def test_a_failure_is_reduced_to_what_it_needs():
    world = plan.draw(1, 0, calls=40)
    with_faults = next(item for item in world.items if len(item.faults) > 1)
    needed = {str(with_faults.number), f"{with_faults.number}f1"}

    def fails(candidate):
        return any(
            item.number == with_faults.number and with_faults.faults[1] in item.faults for item in candidate.items
        )

    assert set(shrink(world, (), fails)) == needed
    assert play(only(world, sorted(needed))) is None


def test_a_broken_promise_is_printed_as_a_short_story_with_the_command_that_plays_it_again(capsys):
    with planted.BUGS["no deduplication by the event's key"]():
        drawn = plan.draw(1, 0, calls=60)
        wrong = play(drawn)
        assert wrong is not None
        explain(drawn, wrong)
        printed = capsys.readouterr().out
        [(seed, parts_left)] = re.findall(r'^Again: make simulate SEED=(\d+) ONLY="(.*)"$', printed, re.MULTILINE)
        again = ["--seed", seed, "--only", parts_left]
        assert simulate.main(again) == 1
        replayed = capsys.readouterr().out
    assert replayed in printed, "the same events at the same times"
    assert len(parts_left.split(",")) <= 4
    assert simulate.main(again) == 0, "without the bug"


@pytest.mark.parametrize(
    ("bug", "invariant"),
    [
        ("hang up only one leg", "no leg alone"),
        ("release the slot of answered calls only", "no slot leaked"),
        ("no deduplication by the event's key", "the same answer to a repeat"),
    ],
)
def test_a_bug_that_is_planted_is_found(bug, invariant):
    """`python -m tests.simulation.planted` plants ten."""
    with planted.BUGS[bug]():
        wrong = play(plan.draw(1, 0, calls=60))
    assert wrong is not None
    assert wrong.invariant == invariant
