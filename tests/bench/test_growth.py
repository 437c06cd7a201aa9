"""What a callback writes does not depend on how many are stored, or under way."""

from bench.whole_calls import Cost, World


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
