"""What a callback writes does not depend on how many are stored, or under way."""

import pytest

from bench.meter import write_units_of
from bench.store_in_process import rows_of
from bench.whole_calls import Cost, World
from duologue.adapters.accounting.dynamo_listing import DynamoListing
from tests.journeys.tables import make_lists


def written(cost: Cost) -> tuple[float, ...]:
    return cost.requests - cost.refused, cost.items, cost.write_units, cost.index_units


def test_a_callback_writes_the_same_however_many_are_stored_or_under_way():
    world = World(apps=3)
    alone = world.play(1)
    assert alone.write_units <= 80, "the target of bench/results.md"
    world.store_calls(500)
    assert len(rows_of("CallsTable")) > 500
    assert written(world.play(1)) == written(alone)
    together = world.play(9)
    assert together.refused or written(together) == written(alone), "a slot's number may be taken by another"
    assert together.write_units <= alone.write_units * 1.2


@pytest.mark.parametrize(
    ("play", "requests_to_the_api", "reads_elsewhere"),
    [(lambda world: world.play(1), 1, 7.5), (lambda world: world.call_back(), 0, 2)],
    ids=["a callback", "a return call"],
)
def test_a_receipt_says_what_is_counted_of_its_call(play, requests_to_the_api, reads_elsewhere):
    """By the store's meter, the flow and the functions. Seconds and bytes of a function are averages.

    `reads_elsewhere`: units of callback_api for the app and its session, and of the deny lists, which this world lacks.
    """
    world = World()
    line, store, invoked = world.line, world.store, list[str]()
    invoke, listing = (
        line.exchange.lambdas.invoke,
        DynamoListing(store.client, store.calls_table, make_lists(store.client)),
    )
    before = set(rows_of("CallsTable"))

    def invoke_counted(arn, event):
        answer = invoke(arn, event)
        if not invoked:
            listing.add(rows_of("CallsTable").keys() - before)
        invoked.append(event["InvocationEventType"])
        return answer

    line.exchange.lambdas.invoke = invoke_counted
    line.requests.clear()
    counted = play(world)
    store.meter.requests.clear()
    (call_id,) = rows_of("CallsTable").keys() - before
    listing.end([call_id])
    ending = list(store.meter.requests)
    states, told, receipt = len(line.states(call_id)), len(line.requests), line.cdr(call_id).receipt
    events = [row for item, row in rows_of("CallsTable")[call_id].items() if item.startswith("EVENT#")]
    with_facts = sum(row["facts"]["S"] != "[]" for row in events)
    assert receipt is not None
    said, outboxes = receipt.aws, len(events) + 1
    assert (said.state_transition, said.write_unit) == (states, counted.write_units + write_units_of(ending))
    assert said.invocation == requests_to_the_api + len(invoked) + states + outboxes + told
    assert said.queue_request == with_facts + 2 * told
    assert said.read_unit == counted.read_units + sum(each.read_units for each in ending) + reads_elsewhere
    assert (said.api_request, said.key_request, said.object_request) == (requests_to_the_api, 0, 0)
