"""The figures as tables: one text for the terminal and for `results.md`."""

import os
import platform
from collections import Counter
from collections.abc import Mapping
from statistics import median

from bench.callbacks import SP_ANSWERS_AFTER_S, Costs
from bench.cold_starts import BARE, Start
from bench.cost import FLOOR, FLOOR_SAYS, bill, total
from bench.meter import Request, units_by_kind, write_units_of
from bench.place import Placing
from bench.spread import ratio, round_ratios, spread, table
from duologue.adapters.notifying.dynamo_app_events import INDEX as APP_INDEX
from duologue.adapters.rows.sweep_index import INDEX as SWEEP_INDEX
from duologue.domain.accounting.prices import PRICE_TABLES, REGION, aws_parts
from duologue.domain.accounting.receipt import PRICES

MOST_TRANSITIONS, MOST_REQUESTS, MOST_WRITE_UNITS, MOST_USD = 3, 60, 80, 0.0003
"""With all that calls have."""
ITSELF = "the call itself"
MOST_UNITS = {ITSELF: 55, "call memory": 2, "the events of an app": 8, "reconciliation": 4, "lists of calls": 12}
"""Of a callback, by what they are for; what is not yet given to anything may have the rest."""
_IN_AND_OUT = 2
"""Units that listing a call as open costs, and taking it off."""
SLOWEST_STARTS = {"call_control": 1.25, "flow": 1.25, "sessions": 1.6, "callback_api": 1.6}
"""Against a bare client: a person waits on the line, or for the API's answer."""
_DAYS_A_MONTH = 365 / 12
_ITEM_OVERHEAD = 100
"""Bytes that DynamoDB adds to each item that it stores."""


def report(costs: Costs, placing: Placing, starts: list[Start]) -> str:
    parts = (_head(), _per_callback(costs), _by_whom(costs), _written(costs), _bill(costs), _placing(placing))
    return "\n".join([*(line for part in parts for line in part), *_cold(starts)])


def _head() -> list[str]:
    return [
        "# What one callback costs",
        "",
        "Written by `make bench`: one run, on the laptop's cloud and telephone network.",
        "Counts and ratios are the result; times belong to the machine. No target is judged by a test.",
        "",
        f"{os.cpu_count()} cores, {platform.system()} {platform.machine()}, Python {platform.python_version()}, "
        f"load {os.getloadavg()[0]:.1f} when the run ended.",
        "",
    ]


def used(costs: Costs) -> dict[str, float]:
    """What one callback uses, by the names of the prices."""
    grown = sum(write.grown + _ITEM_OVERHEAD * write.is_new for each in costs.requests for write in each.writes)
    invocations = costs.invocations.items()
    amounts = {
        "state_transition": sum(map(len, costs.states)),
        "write_unit": write_units_of(costs.requests),
        "read_unit": sum(request.read_units for request in costs.requests),
        "stored_gb_month": grown / 1e9 * costs.keep_days / _DAYS_A_MONTH,
        "invocation": sum(each.count for _, each in invocations),
        "gb_second": sum(each.gb_seconds for _, each in invocations),
        "queue_request": _of(costs, "sqs") + 2 * sum(each.count for name, each in invocations if name in costs.polled),
        "api_request": sum(each.count for name, each in invocations if name in costs.called),
        "key_request": _of(costs, "kms"),
        "log_gb": sum(each.log_bytes for _, each in invocations) / 1e9,
        "object_request": _of(costs, "s3"),
    }
    return {name: amount / costs.callbacks for name, amount in amounts.items()}


def _of(costs: Costs, service: str) -> int:
    return sum(request.service == service for request in costs.requests)


def _per_callback(costs: Costs) -> list[str]:
    of_one, n = used(costs), costs.callbacks
    store = [request for request in costs.requests if request.service == "dynamodb"]
    writes = [request for request in store if request.writes]
    written = [write for request in writes if not request.refused for write in request.writes]
    index = sum(write.index_units for request in writes for write in request.writes) / n
    asked = Counter(request.operation for request in store).most_common()
    transitions = max(map(len, costs.states))
    transactional = [request for request in writes if request.operation == "TransactWriteItems"]
    rows = [
        ("State transitions", f"{transitions}", _target(transitions, MOST_TRANSITIONS)),
        ("Requests to DynamoDB", _number(len(store) / n), _target(len(store) / n, MOST_REQUESTS)),
        ("… of them writes", _number(len(writes) / n), ""),
        ("… of them reads", _number((len(store) - len(writes)) / n), ""),
        ("Lost races (writes that were refused)", _number(_refused(writes) / n), _target(_refused(writes), 0)),
        ("Write units", _number(of_one["write_unit"]), _target(of_one["write_unit"], MOST_WRITE_UNITS)),
        ("… of them for an index", _number(index), ""),
        ("… by the local store's meter", _number(sum(request.metered for request in writes) / n), ""),
        ("Read units", _number(of_one["read_unit"]), ""),
        ("Items written", _number(len(written) / n), ""),
        ("… of them in transactions", _number(sum(len(each.writes) for each in transactional) / n), ""),
        ("Items that stay", _number(sum(write.is_new for write in written) / n), ""),
        ("Bytes that stay", _number(sum(write.grown for write in written) / n), ""),
        ("Items read", _number(sum(request.items_read for request in store) / n), ""),
        ("Requests to SQS, with the pollers'", _number(of_one["queue_request"]), ""),
        ("Requests to Step Functions", _number(_of(costs, "states") / n), ""),
        ("Invocations", _number(of_one["invocation"]), ""),
        *((f"… of {name}", _number(each.count / n), "") for name, each in sorted(costs.invocations.items())),
        ("CPU, all processes of the lab and the SP", f"{1000 * costs.cpu_seconds / n:.0f} ms", ""),
        ("Caller's answer to callee's dial", spread([1000 * each.total_seconds() for each in costs.to_dial], "ms"), ""),
    ]
    return [
        f"## Per callback, both answer and one hangs up ({n} played, after one to warm up)",
        "",
        *table(("What", "Count", "Target"), rows),
        "",
        "The states entered: " + "; or: ".join(sorted({" → ".join(states) for states in costs.states})) + ".",
        "",
        "The requests to DynamoDB: " + ", ".join(f"{name} {_number(count / n)}" for name, count in asked) + ".",
        "",
        "Units are by AWS's arithmetic (`bench/units.py`), from each item before and after: a write costs a unit for",
        "each KB begun of the larger, twice that in a transaction, and what an index changes; a read costs a unit for",
        "each 4 KB begun, half of it if it may be stale. A refused write is charged too, which the local store's meter",
        "leaves out.",
        "",
    ]


def _refused(writes: list[Request]) -> int:
    return sum(request.refused for request in writes)


def _by_whom(costs: Costs) -> list[str]:
    counted = Counter((each.who, each.service, each.operation) for each in costs.requests)
    refused = Counter((each.who, each.service, each.operation) for each in costs.requests if each.refused)
    rows = [
        (*key, _number(count / costs.callbacks), _number(refused[key] / costs.callbacks) if refused[key] else "")
        for key, count in sorted(counted.items())
    ]
    return [
        "## Requests per callback, by whom",
        "",
        "As they come to the lab's AWS endpoint; what reads a queue or a stream for a function does not come there.",
        "",
        *table(("Who", "Service", "Request", "Count", "Refused"), rows),
        "",
    ]


def _written(costs: Costs) -> list[str]:
    units = units_by_kind(costs.requests)
    rows = [(kind, _number(each / costs.callbacks)) for kind, each in units.most_common()]
    return [
        "## Write units per callback, by kind of item",
        "",
        *table(("Item", "Units"), rows),
        "",
        "And by what they are for:",
        "",
        *table(
            ("For", "Units", "Target"),
            [
                (what, _number(each), _target(each, MOST_UNITS[what]))
                for what, each in units_by_use(units, costs.callbacks).items()
            ],
        ),
        "",
        "* Call memory: the item MEMORY, which says who is rung when the called party calls back.",
        "* The events of an app: an entry of the index by-app for each event with facts.",
        "* Reconciliation: when a call ends it moves within the index open-calls, instead of leaving it. The sweeper",
        "  takes it off a quarter of an hour later, for 2 units that are not counted here.",
        "* Lists of calls: the entries by which calls are found, and what is counted for the app and day.",
        "",
    ]


def units_by_use(units: Mapping[str, int], callbacks: int) -> dict[str, float]:
    """Write units of one callback by what they are for. `units`: of `callbacks` of them, by kind of item."""
    of_one = {kind: each / callbacks for kind, each in units.items()}
    later = {
        "call memory": of_one.get("AccountsTable: MEMORY", 0.0),
        "the events of an app": of_one.get(f"CallsTable: index {APP_INDEX}", 0.0),
        "reconciliation": max(0.0, of_one.get(f"CallsTable: index {SWEEP_INDEX}", 0.0) - _IN_AND_OUT),
        "lists of calls": sum(each for kind, each in of_one.items() if kind.startswith("ListsTable")),
    }
    return {ITSELF: sum(of_one.values()) - sum(later.values()), **later}


def _bill(costs: Costs) -> list[str]:
    prices, amounts = PRICE_TABLES[PRICES], {name: each for name, each in used(costs).items() if each}
    usd, floor = total(bill(amounts, prices)), total(bill(FLOOR._asdict(), prices))
    receipt = 0.0 if costs.receipt is None else sum(aws_parts(costs.receipt).values())
    rows = [
        (
            prices[name].service,
            prices[name].unit,
            f"{amount:.4g}",
            "" if costs.receipt is None else f"{getattr(costs.receipt.aws, name):.4g}",
            f"{getattr(FLOOR, name):.4g}",
            f"{prices[name].usd:.10f}".rstrip("0"),
            f"{amount * prices[name].usd:.7f}",
        )
        for name, amount in sorted(amounts.items(), key=lambda each: -each[1] * prices[each[0]].usd)
    ]
    rows.append(("Together, USD", "", f"{usd:.6f}", f"{receipt:.6f}", f"{floor:.6f}", "", f"{usd:.6f}"))
    return [
        f"## What one callback costs on AWS: {usd:.6f} USD ({_target(usd, MOST_USD, f'{MOST_USD:g}')})",
        "",
        "The sum of each amount times its list price in `domain/accounting/prices.py` "
        f"({REGION}, {PRICES}), without free tiers: {usd / floor:.1f} times the floor.",
        f"The receipt of the call, which is written with its CDR, says {receipt:.6f} USD: {receipt / usd:.2f} of it.",
        "",
        FLOOR_SAYS,
        "",
        f"* The SP takes {1000 * SP_ANSWERS_AFTER_S:.0f} ms for each notification.",
        "* GB-seconds: each invocation's time here, rounded up to a millisecond, times its memory. No cold starts.",
        "* Requests to a queue: the functions' own, and for each invocation by a queue two, to receive and to delete.",
        f"* Stored: what stays of a call, with {_ITEM_OVERHEAD} bytes more for each item, for {costs.keep_days} days.",
        "* Not in it: telephone minutes, and what costs the same without a callback.",
        "",
        *table(("Service", "Unit", "Counted", "Receipt", "Floor", "USD each", "USD"), rows),
        "",
    ]


def _placing(placing: Placing) -> list[str]:
    rows = [
        (when, *(spread(times[kind], "ms") for kind in ("ours", "bare")), f"{ratio(times['ours'], times['bare']):.2f}")
        for when, times in (("warm", placing.warm), ("the first of a process, loading included", placing.cold))
    ]
    return [
        "## Placing a callback, against the same transaction and StartExecution alone "
        f"(median of {len(placing.warm['ours'])} warm and {len(placing.cold['ours'])} first ones, in turn)",
        "",
        *table(("Request", "Time here", "Bare", "Ratio"), rows),
        "",
    ]


def _cold(starts: list[Start]) -> list[str]:
    bare = next(start for start in starts if start.function == BARE)
    rows = [
        (
            start.function,
            str(start.clients),
            spread(start.rounds, "ms"),
            spread(round_ratios(start.rounds, bare.rounds), digits=2),
            _start_target(start, bare),
        )
        for start in sorted(starts, key=lambda start: start.typical)
    ]
    return [
        f"## Cold starts: import the handler and make its clients (median of {len(bare.rounds)} interleaved rounds)",
        "",
        *table(("Function", "Clients", "Time here", f"Against {BARE}, round by round", "Target"), rows),
        "",
    ]


def _start_target(start: Start, bare: Start) -> str:
    most = SLOWEST_STARTS.get(start.function)
    return _target(median(round_ratios(start.rounds, bare.rounds)), most) if most else ""


def _target(value: float, most: float, said: str = "") -> str:
    return f"at most {said or f'{most:g}'}{'' if value <= most else ': missed'}"


def _number(value: float) -> str:
    return f"{value:.1f}".removesuffix(".0")
