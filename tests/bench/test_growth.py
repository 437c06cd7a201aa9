"""What a callback writes does not depend on how many are stored, or under way."""

from collections import Counter

from bench.meter import write_units_of
from bench.whole_calls import Cost, World
from duologue.adapters.dynamo_listing import DynamoListing
from tests.journeys.tables import make_lists


def written(cost: Cost) -> tuple[float, ...]:
    return cost.requests - cost.refused, cost.items, cost.write_units, cost.index_units


def test_a_callback_writes_the_same_however_many_are_stored_or_under_way():
    world = World(apps=3)
    alone = world.play(1)
    assert alone.write_units <= 80, "the target of bench/results.md"
    world.store_calls(500)
    assert len(world.store.rows("CallsTable")) > 500
    assert written(world.play(1)) == written(alone)
    together = world.play(9)
    assert together.refused or written(together) == written(alone), "a slot's number may be taken by another"
    assert together.write_units <= alone.write_units * 1.2


_ACCEPTING_READS = 7.5
"""Read units of callback_api, which is not part of this world: the app, its session, the deny lists."""


def test_a_receipt_says_what_is_counted_of_its_callback(monkeypatch):
    """By the store's meter, the flow and the functions. Reads, bytes and seconds of a function are averages."""
    world = World()
    line, invoked = world.line, Counter[str]()
    invoke = line.exchange.lambdas.invoke

    def invoke_counted(arn, event):
        invoked["call_control"] += 1
        return invoke(arn, event)

    line.exchange.lambdas.invoke = invoke_counted
    listing = DynamoListing(world.store.client, world.store.calls_table, make_lists(world.store.client))
    place = line.place

    def place_and_list(**wanted):
        call_id = place(**wanted)
        listing.add([call_id])
        return call_id

    monkeypatch.setattr(line, "place", place_and_list)
    line.requests.clear()
    counted = world.play(1)
    world.store.meter.requests.clear()
    listing.end([list(line.player.executions)[-1]])
    ending = list(world.store.meter.requests)
    call_id = list(line.player.executions)[-1]
    states, told, receipt = len(line.states(call_id)), len(line.requests), line.cdr(call_id).receipt
    events = [row for item, row in world.store.rows("CallsTable")[call_id].items() if item.startswith("EVENT#")]
    with_facts = sum(row["facts"]["S"] != "[]" for row in events)
    assert receipt is not None
    said = receipt.aws
    assert (said.state_transition, said.write_unit) == (states, counted.write_units + write_units_of(ending))
    assert said.invocation == 1 + invoked["call_control"] + states + len(events) + told + 1
    assert said.queue_request == with_facts + 2 * told
    assert said.read_unit == counted.read_units + sum(each.read_units for each in ending) + _ACCEPTING_READS
    assert (said.api_request, said.key_request, said.object_request) == (1, 0, 0)
