"""First attempts of many calls at once, with the queues' rules, on a clock that jumps."""

from collections import defaultdict
from functools import partial

import pytest

from duologue.domain.access.accounts import App
from duologue.domain.notifying.endpoint_health import FAILURES
from duologue.domain.notifying.webhook_request import Reply, WebhookRequest
from tests.fakes.calls import FakeCalls
from tests.queues import STEPS, DeliveryWorld, Server, play

HEALTHY, CALLS = "healthy", 120
_OF_A_CALL = len(STEPS) + 2


def app(key: str) -> App:
    host = f"https://{key}.example.com"
    return App(key, "sp-1", "secret-1", status_url=f"{host}/status", fee_url=f"{host}/fee")


def server(request: WebhookRequest) -> tuple[float, Reply]:
    """All SPs but one hang, each request for as long as the platform waits."""
    return (0.1, Reply(200)) if HEALTHY in request.url else (9.0, Reply(None, note="too slow"))


def with_hanging(sps: int, server: Server = server) -> DeliveryWorld:
    """A callback a second, the network's quota; every third is the healthy SP's, the others' SPs hang."""
    world = DeliveryWorld(FakeCalls(), server, store_seconds=0.03, stream_seconds=0.3)
    for second in range(CALLS):
        name = HEALTHY if second % 3 == 0 else f"hangs-{second % sps}"
        play(world, f"{second}_2_3_20261123090000", app(name), second)
    world.sweep_every_minute()
    return world


@pytest.mark.parametrize(("sps", "most_requests"), [(1, 20), (80, 450)])
def test_no_first_attempt_waits_for_another_call_though_all_other_sps_hang(sps, most_requests):
    """One SP that hangs on all its calls, and as many as have no circuit open yet."""
    world = with_hanging(sps)
    world.clock.run_for(CALLS + 60)
    assert sum(each.notice.version == 0 for each in world.first.received) == CALLS * _OF_A_CALL
    assert [each for each in world.first.received if each.behind] == []
    all_healthy = with_hanging(sps, lambda request: (0.1, Reply(200)))
    all_healthy.clock.run_for(CALLS + 60)
    p95 = [sorted(each.delays(HEALTHY))[-CALLS * _OF_A_CALL // 60] for each in (world, all_healthy)]
    assert p95[0] <= 1.1 * p95[1]
    hung = [name for _, name in world.posts if HEALTHY not in world.calls.rows[name.rpartition("-")[0]].call.app]
    assert len(hung) <= most_requests, "requests that fail at the same time open the circuit together"
    for health in world.calls.health.values():
        [circuit] = health.circuits.values()
        assert circuit.failures <= FAILURES + 2, "the probes after 30 and 60 s; who began before lengthens no pause"


def test_first_attempts_of_a_call_are_made_in_order():
    world = with_hanging(2)
    world.clock.run_for(CALLS + 60)
    sequences = defaultdict(list)
    for call, number in world.first_attempts:
        sequences[call].append(number)
    assert all(numbers == sorted(numbers) for numbers in sequences.values())
    assert sum(len(numbers) == _OF_A_CALL for numbers in sequences.values()) >= CALLS // 3


@pytest.mark.parametrize("up_after", [90, 600, 4000])
def test_first_attempts_that_were_put_off_are_made_once_and_in_order(up_after):
    """An SP that hung for a while: several facts of each call are due together. It takes a second for each."""
    hangs = True

    def server(request: WebhookRequest) -> tuple[float, Reply]:
        return (9.0, Reply(None, note="too slow")) if hangs else (1.0, Reply(200))

    world = DeliveryWorld(FakeCalls(), server, store_seconds=0.03, stream_seconds=0.3)
    for second in range(40):
        play(world, f"{second}_2_3_20261123090000", app("hung"), second)
    world.sweep_every_minute()
    world.clock.run_for(up_after)
    put_off = {key for key, delivery in world.calls.deliveries.items() if delivery.is_put_off}
    hangs, before = False, len(world.posts)
    world.clock.run_for(3 * 3600)
    sequences = defaultdict(list)
    for _, name in world.posts[before:]:
        call, _, number = name.rpartition("-")
        if (call, int(number)) in put_off:
            sequences[call].append(int(number))
    assert sum(len(numbers) > 1 for numbers in sequences.values()) >= 20
    assert all(numbers == sorted(set(numbers)) for numbers in sequences.values()), sequences


def test_that_the_store_is_away_for_seconds_delays_first_attempts_by_seconds():
    """A message that failed is hidden for 2 s, and for twice as long each time."""
    world, away_s = with_hanging(1), 3
    for seconds, away in ((40, True), (40 + away_s, False)):
        world.clock.call_later(seconds, partial(setattr, world.calls, "out_of_reach", away))
    world.clock.run_for(CALLS + 60)
    assert world.failures
    delays = world.delays(HEALTHY)
    assert len(delays) == CALLS // 3 * _OF_A_CALL
    assert away_s < max(delays) < away_s + 4
    assert [each for each in world.first.received if each.behind] == []
