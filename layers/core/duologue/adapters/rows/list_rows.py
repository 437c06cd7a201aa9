"""The lists table: where calls are found by what people search for, and what each app used.

| pk                | sk                        | what                                                                 |
| ----------------- | ------------------------- | -------------------------------------------------------------------- |
| all               | <accepted at>#<call id>   | every call; once it is over `reason`, `talked`                       |
| app#<app>         | the same                  | the same of one app; `reason` also says that the call is counted     |
| open              | the same                  | the calls that are not over                                          |
| shown#<E.164>     | the same                  | the calls in which that display number is shown                      |
| ends#<hash>       | the same                  | the calls of the numbers with the same last four digits              |
| usage#<yyyymmdd>  | <app>                     | the calls that ended on that day (UTC), counted                      |

The time has microseconds, so a list sorts by it. Nothing here says who telephoned: the last digits are a keyed hash,
and the rest is read from the call. Calls by a whole number are in an index of the calls table (dynamo_people.py).
"""

from collections.abc import Iterator, Mapping
from datetime import date
from typing import Any

from duologue.adapters.basics.aws import to_item
from duologue.domain.numbers.phone_number import WITHHELD, PhoneNumber

WHAT = "lists table"
ALL, OPEN = "all", "open"
DIGITS = 4
"""How many last digits of a number find its calls."""


def of_app(app: str) -> str:
    return f"app#{app}"


def of_display_number(number: str) -> str:
    return f"shown#{number}"


def of_last_digits(hashed: str) -> str:
    return f"ends#{hashed}"


def usage_partition(day: date) -> str:
    return f"usage#{day:%Y%m%d}"


def place(accepted_at: str, call_id: str) -> str:
    """The sort key of a call. `accepted_at`: as the call's row has it, UTC with microseconds."""
    return f"{accepted_at}#{call_id}"


def call_id_in(place: str) -> str:
    return place.rpartition("#")[2]


def key(partition: str, sort: str) -> dict[str, Any]:
    return to_item({"pk": partition, "sk": sort})


def last_digits(number: PhoneNumber) -> str:
    """What `RowSeal.hash_of` hashes; empty: of a number that is withheld or too short."""
    digits = number.e164.removeprefix("+")
    return f"ends {digits[-DIGITS:]}" if number != WITHHELD and len(digits) >= DIGITS else ""


def lists_of(asked: Mapping[str, Any]) -> Iterator[str]:
    """The lists that name a call for as long as it is kept, by its ASKED row; `ends` has the hashes."""
    yield ALL
    yield of_app(asked["app"])
    shown = {asked["caller_display_number"], asked["callee_display_number"]} - {WITHHELD.e164}
    yield from map(of_display_number, sorted(shown))
    yield from map(of_last_digits, sorted(asked.get("ends", "").split()))
