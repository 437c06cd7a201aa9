"""Put calls into the lists, and count what apps used (list_rows.py).

The entry of the app's list decides, and is written last: the transaction that says there that the call is over also
counts it, so each call is counted once, however often it is reported. All other entries can be written again without
harm, and are, as long as the app's does not say that they were.
"""

from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from itertools import groupby
from math import ceil
from typing import TYPE_CHECKING, Any, NamedTuple

from duologue.adapters.basics.aws import from_item, outside, to_item
from duologue.adapters.basics.dynamo_reads import read_all
from duologue.adapters.basics.dynamo_writes import Write, transact, write_one
from duologue.adapters.basics.jittered_pause import pause
from duologue.adapters.calls.dynamo_calls import WHAT as CALLS
from duologue.adapters.calls.dynamo_calls import key_of
from duologue.adapters.rows.call_rows import ASKED, CDR, written_time
from duologue.adapters.rows.list_rows import ALL, OPEN, WHAT, call_id_in, key, lists_of, of_app, place, usage_partition
from duologue.domain.accounting.receipt import Receipt
from duologue.domain.calls.call import Call
from duologue.domain.errors import AlreadyDone, OutsideUnavailable, StoreBusy

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

_MOST_WRITES = 25
"""Of one BatchWriteItem."""
_MOST_KEYS = 100
"""Of one BatchGetItem."""
_TRIES = 8
USAGE_KEPT = timedelta(days=800)
"""Two years and a month: a month can be compared with that of the year before."""

Row = Mapping[str, Any]


class _Ended(NamedTuple):
    """A call that is over, by its rows."""

    call_id: str
    asked: Row
    cdr: Row


class _Counted(AlreadyDone):
    """The call with this id was counted before."""


class DynamoListing:
    """Implements `usecases.ports.call_lists.Listing`."""

    def __init__(self, client: "DynamoDBClient", calls: str, lists: str) -> None:
        """`calls`, `lists`: the tables' names."""
        self._client = client
        self._calls = calls
        self._lists = lists

    def add(self, calls: Iterable[str]) -> None:
        puts = []
        for call_id, asked, cdr in self._read(calls):
            if cdr is None:
                self._put_new(self._entry(of_app(asked["app"]), call_id, asked))
                names = {*lists_of(asked), OPEN} - {of_app(asked["app"])}
            else:  # reported late: what its end wrote stays
                names = {*lists_of(asked)} - {of_app(asked["app"]), ALL}
            puts += [{"PutRequest": {"Item": self._entry(name, call_id, asked)}} for name in sorted(names)]
        self._write(puts)

    def end(self, calls: Iterable[str]) -> None:
        ended = [_Ended(call_id, asked, cdr) for call_id, asked, cdr in self._read(calls) if cdr is not None]
        requests: list[dict[str, Any]] = []
        for each in ended:
            requests.append({"PutRequest": {"Item": self._entry(ALL, each.call_id, each.asked, each.cdr)}})
            requests.append({"DeleteRequest": {"Key": key(OPEN, place(each.asked["accepted_at"], each.call_id))}})
        self._write(requests)
        unreached: OutsideUnavailable | None = None
        for _, group in groupby(sorted(ended, key=_counted_in), key=_counted_in):
            try:
                self._count(list(group))
            except OutsideUnavailable as error:
                unreached = error
        if unreached is not None:
            raise unreached

    def repair(self, calls: Iterable[Call]) -> None:
        keys = [key(of_app(call.app), place(written_time(call.accepted_at), call.id)) for call in calls]
        counted = set()
        for some in _slices(keys, _MOST_KEYS):
            found = read_all(self._client, WHAT, {self._lists: {"Keys": some, "ConsistentRead": True}})
            counted |= {row["sk"] for row in map(from_item, found[self._lists]) if "reason" in row}
        missing = [call_id_in(each["sk"]["S"]) for each in keys if each["sk"]["S"] not in counted]
        self.add(missing)
        self.end(missing)

    def remove(self, call_id: str) -> None:
        self._write(
            [
                {"DeleteRequest": {"Key": key(name, place(asked["accepted_at"], call_id))}}
                for call_id, asked, _ in self._read([call_id])
                for name in sorted({*lists_of(asked), OPEN})
            ]
        )

    def _read(self, calls: Iterable[str]) -> list[tuple[str, Row, Row | None]]:
        """ASKED and CDR of the calls that are there; as release 0.1.0 wrote them, they are in no list."""
        keys = [key_of(call_id, item) for call_id in dict.fromkeys(calls) for item in (ASKED, CDR)]
        rows: dict[tuple[str, str], Row] = {}
        for some in _slices(keys, _MOST_KEYS):
            found = read_all(self._client, CALLS, {self._calls: {"Keys": some, "ConsistentRead": True}})
            rows |= {(row["call"], row["item"]): row for row in map(from_item, found[self._calls])}
        return [(call, row, rows.get((call, CDR))) for (call, item), row in rows.items() if item == ASKED]

    def _put_new(self, entry: dict[str, Any]) -> None:
        """Unless it is there: it may already say that the call is over."""
        put = {"TableName": self._lists, "Item": entry, "ConditionExpression": "attribute_not_exists(pk)"}
        with suppress(AlreadyDone):
            write_one(self._client, WHAT, ({"Put": put}, AlreadyDone()))

    def _count(self, calls: Sequence["_Ended"]) -> None:
        """Say in the app's list that these calls are over, last of all, and count those of which it did not say so yet.

        All are of one app and day: together, so that they do not meet on its usage.
        """
        left = {each.call_id: each for each in calls}
        tried = 0
        while left:
            writes = [self._put_ended(each) for each in left.values()]
            writes.append((self._usage(list(left.values())), AlreadyDone()))
            try:
                transact(self._client, WHAT, *writes)
            except _Counted as counted:
                del left[str(counted)]
            except StoreBusy:  # others of the app are counted at this moment
                tried += 1
                if tried == _TRIES:
                    raise OutsideUnavailable(f"{WHAT}: others were faster to count their calls") from None
                pause(tried)
            else:
                return

    def _put_ended(self, call: "_Ended") -> Write:
        entry = self._entry(of_app(call.asked["app"]), call.call_id, call.asked, call.cdr)
        put = {"TableName": self._lists, "Item": entry, "ConditionExpression": "attribute_not_exists(reason)"}
        return {"Put": put}, _Counted(call.call_id)

    def _usage(self, calls: Sequence["_Ended"]) -> dict[str, Any]:
        """The write that counts calls of one app and day."""
        counts: Counter[str] = Counter()
        for each in calls:
            counts.update(_counts(each.cdr))
        counts = +counts
        names = {f"#{place}": name for place, name in enumerate(counts)}
        values = {f":{place}": number for place, number in enumerate(counts.values())}
        ended_at = _ended_at(calls[0].cdr)
        update = {
            "TableName": self._lists,
            "Key": key(usage_partition(ended_at.date()), calls[0].asked["app"]),
            "UpdateExpression": "SET expires_at = :expires ADD " + ", ".join(f"{name} :{name[1:]}" for name in names),
            "ExpressionAttributeNames": names,
            "ExpressionAttributeValues": to_item(
                values | {":expires": int((ended_at + USAGE_KEPT).timestamp())},
            ),
        }
        return {"Update": update}

    def _entry(self, name: str, call_id: str, asked: Row, cdr: Row | None = None) -> dict[str, Any]:
        row: dict[str, Any] = {"app": asked["app"], "expires_at": asked["expires_at"]}
        if cdr is not None:
            row |= {"reason": cdr["reason"], "talked": _talked(cdr)}
        return key(name, place(asked["accepted_at"], call_id)) | to_item(row)

    def _write(self, requests: Sequence[dict[str, Any]]) -> None:
        for some in _slices(requests, _MOST_WRITES):
            self._write_some(some)

    def _write_some(self, requests: Any) -> None:
        """What DynamoDB leaves unprocessed is written again; botocore does not do that."""
        for tried in range(_TRIES):
            with outside(WHAT):
                found = self._client.batch_write_item(RequestItems={self._lists: requests})
            requests = found["UnprocessedItems"].get(self._lists)
            if not requests:
                return
            pause(tried)
        raise OutsideUnavailable(f"{WHAT}: UnprocessedItems")


def _counted_in(call: _Ended) -> tuple[str, str]:
    return call.asked["app"], f"{_ended_at(call.cdr):%Y%m%d}"


def _ended_at(cdr: Row) -> datetime:
    return datetime.fromisoformat(cdr["ended_at"]).astimezone(UTC)


def _counts(cdr: Row) -> dict[str, int]:
    hour, talked = f"{_ended_at(cdr):%H}", int(_talked(cdr))
    return {
        "calls": 1,
        "talked": talked,
        "talk_s": ceil(cdr["talk_ms"] / 1000),
        "cost": _cost(cdr),
        f"end_{cdr['reason']}": 1,
        f"calls_{hour}": 1,
        f"talked_{hour}": talked,
    }


def _talked(cdr: Row) -> bool:
    return "caller_answered_at" in cdr and "callee_answered_at" in cdr


def _cost(cdr: Row) -> int:
    """Telephone charges in micro-USD."""
    return Receipt.parse(cdr["receipt"]).cost if "receipt" in cdr else 0


def _slices(things: Sequence[dict[str, Any]], most: int) -> Collection[Sequence[dict[str, Any]]]:
    return [things[begin : begin + most] for begin in range(0, len(things), most)]
