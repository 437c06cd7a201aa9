"""What is counted by the day in the accounts table: numbers that are dialled, and the budget of an app (day_budget.py).

| pk              | sk                       | what                                                                 |
| --------------- | ------------------------ | -------------------------------------------------------------------- |
| COUNT#<app>     | CALLEE#<day>#<pseudonym> | n: calls accepted to that callee on that day (UTC)                   |
| COUNT#<app>     | DIALLED#<day>#<hash>     | n: calls accepted in which that number is dialled                    |
| DAY#<app>#<day> | <shard>                  | calls, seconds, cost: of open calls reserved, of those over used;    |
|                 |                          | closed                                                               |

A call takes from a random shard, within its share. When a share is used up, all shards are closed for the rest of the
day: from then on only shard 0 grows, so the others can be read before, and the call is taken if it fits into the whole.
So no more is reserved than a ceiling allows, and nothing is refused that fits.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Any, TypeVar

from duologue.adapters.basics.aws import from_item, outside, to_item
from duologue.adapters.basics.dynamo_writes import COUNTS_KEPT, Write, count_up, write_one
from duologue.adapters.basics.numbered_places import Choose
from duologue.domain.accounting.acceptance_limits import AcceptanceLimits, until_next_day
from duologue.domain.accounting.day_budget import NAMES, DayBudget, Reservation, Used, total
from duologue.domain.calls.call import Call
from duologue.domain.errors import (
    CalleeLimitReached,
    DayCeilingReached,
    DialledNumberLimitReached,
    DuologueError,
    RaceLost,
    StoreBusy,
)

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

T = TypeVar("T")
_WHAT = "accounts table"
_LOOKS = 6
"""How often others may take what was seen free, in one attempt."""
_KEPT = COUNTS_KEPT + timedelta(days=1)
"""A call that was accepted in the day's last second may last until the end of the next day."""


class _NoRoom(DuologueError):
    """The share is used up or closed, or shard 0 has grown."""


@dataclass(frozen=True, slots=True)
class _Shard:
    used: Used
    is_closed: bool


def within(
    client: "DynamoDBClient",
    table: str,
    call: Call,
    budget: DayBudget | None,
    choose: Choose,
    write: Callable[[list[Write], str], T],
) -> T:
    """Write one transaction that also reserves what a call takes of its day.

    `write`: writes it with these writes added; its second argument is to be kept with the call, for `settle`.

    Raises:
        DayCeilingReached, and whatever `write` raises.
        StoreBusy: others were faster each time.
    """
    if budget is None:
        return write([], "")
    partition, shard = _partition(call.app, budget.day), choose(budget.shards)
    if _fits(budget):
        try:
            return write([_take(table, partition, call, budget, shard, None)], Reservation.of(budget, shard).text)
        except _NoRoom:
            pass
    for _ in range(_LOOKS):
        shards = _shards(client, table, partition)
        if (what := budget.exceeded(total(each.used for each in shards.values()))) is not None:
            raise DayCeilingReached(what, until_next_day(call.accepted_at))
        still_open = [number for number in range(budget.shards) if number not in shards or not shards[number].is_closed]
        if still_open:
            _close(client, table, partition, call, still_open)
            continue
        others = total(each.used for number, each in shards.items() if number)
        try:
            return write([_take(table, partition, call, budget, 0, others)], Reservation.of(budget, 0).text)
        except _NoRoom:
            continue
    raise StoreBusy("others were faster to take what was left of the day")


def settle(table: str, call: Call, reserved: str, *, withdrawn: bool = False) -> Write:
    """The write of a call's end. Without a condition: it must never keep a call from ending.

    The transaction that has it writes the CDR, so it is done once.
    """
    held = Reservation.parse(reserved)
    change = held.settled(call, withdrawn=withdrawn)
    return _add(table, _key(_partition(call.app, held.day), held.shard), call, change), RaceLost(call.id)


def day_counts(table: str, call: Call, limits: AcceptanceLimits) -> list[Write]:
    """The writes that count a call for the numbers that it dials."""
    rest = until_next_day(call.accepted_at)
    of_callee = [] if limits.callee is None else [(limits.callee, CalleeLimitReached(call.app, rest))]
    counted = [*of_callee, *((each, DialledNumberLimitReached(each.named, rest)) for each in limits.dialled)]
    keys = counters(call, limits)
    return [
        (count_up(table, key, call.accepted_at, each.most), refusal)
        for key, (each, refusal) in zip(keys, counted, strict=True)
    ]


def counters(call: Call, limits: AcceptanceLimits) -> list[dict[str, Any]]:
    """The keys of the items that these writes count in, in their order."""
    of_callee = [] if limits.callee is None else [("CALLEE", limits.callee)]
    return [
        to_item({"pk": f"COUNT#{call.app}", "sk": f"{kind}#{each.day:%Y%m%d}#{each.callee}"})
        for kind, each in (*of_callee, *(("DIALLED", each) for each in limits.dialled))
    ]


def _fits(budget: DayBudget) -> bool:
    """Whether the call fits into an unused share."""
    return all(not most or takes <= most for most, takes in zip(budget.share, budget.takes, strict=True))


def _take(table: str, partition: str, call: Call, budget: DayBudget, shard: int, others: Used | None) -> Write:
    """Take what the call needs of a share; or, with `others` used in the other shards, of what they leave."""
    write = _add(table, _key(partition, shard), call, budget.takes)
    most = budget.share
    if others is not None:
        most = Used(*(whole - used for whole, used in zip(budget.most, others, strict=True)))
    limits = {
        name: limit - takes
        for name, limit, takes, ceiling in zip(NAMES, most, budget.takes, budget.most, strict=True)
        if ceiling
    }
    conditions = [_at_most(name, limit) for name, limit in limits.items()]
    conditions += ["attribute_not_exists(closed)"] if others is None else []
    write["Update"]["ConditionExpression"] = " AND ".join(conditions)
    write["Update"]["ExpressionAttributeValues"] |= to_item({f":most_{name}": limit for name, limit in limits.items()})
    return write, _NoRoom(call.app)


def _close(client: "DynamoDBClient", table: str, partition: str, call: Call, numbers: Iterable[int]) -> None:
    expires = int((call.accepted_at + _KEPT).timestamp())
    for number in numbers:
        update = {
            "TableName": table,
            "Key": _key(partition, number),
            "UpdateExpression": "SET closed = :true, expires_at = :expires",
            "ExpressionAttributeValues": to_item({":true": True, ":expires": expires}),
        }
        write_one(client, _WHAT, ({"Update": update}, RaceLost(partition)))


def _at_most(name: str, limit: int) -> str:
    """Of an attribute that is not there, as 0."""
    there = f"{name} <= :most_{name}"
    return f"(attribute_not_exists({name}) OR {there})" if limit >= 0 else there


def _add(table: str, key: dict[str, Any], call: Call, change: Used) -> dict[str, Any]:
    values = {f":{name}": number for name, number in zip(NAMES, change, strict=True)}
    update = {
        "TableName": table,
        "Key": key,
        "UpdateExpression": "SET expires_at = :expires ADD " + ", ".join(f"{name} :{name}" for name in NAMES),
        "ExpressionAttributeValues": to_item(values | {":expires": int((call.accepted_at + _KEPT).timestamp())}),
    }
    return {"Update": update}


def _shards(client: "DynamoDBClient", table: str, partition: str) -> Mapping[int, _Shard]:
    with outside(_WHAT):
        found = client.query(
            TableName=table,
            KeyConditionExpression="pk = :day",
            ExpressionAttributeValues=to_item({":day": partition}),
            ConsistentRead=True,
        )
    rows = map(from_item, found["Items"])
    return {
        int(row["sk"]): _Shard(Used(*(row.get(name, 0) for name in NAMES)), is_closed=row.get("closed", False))
        for row in rows
    }


def _partition(app: str, day: str) -> str:
    return f"DAY#{app}#{day}"


def _key(partition: str, shard: int) -> dict[str, Any]:
    return to_item({"pk": partition, "sk": f"{shard:02d}"})
