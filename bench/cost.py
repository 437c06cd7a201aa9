"""What one callback costs on AWS: how much it uses of each thing, times its price (`domain.accounting.prices`).

Not in it: the minutes of the telephone network, which are a hundred times as much; what costs the same without a
callback (keys, alarms, a queue that is polled in vain, the sweeper); cold starts.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from duologue.domain.accounting.prices import Price
from duologue.domain.accounting.receipt import Amounts

_EVENTS = _NOTIFICATIONS = 7
_FUNCTIONS = 1 + _EVENTS + _NOTIFICATIONS
_LOG_BYTES, _ITEM_BYTES, _SP_ANSWERS_AFTER_S, _LEAST_GB = 250, 300, 0.2, 0.125
FLOOR = Amounts(
    state_transition=1,
    invocation=_FUNCTIONS,
    gb_second=_NOTIFICATIONS * _SP_ANSWERS_AFTER_S * _LEAST_GB,
    api_request=1,
    write_unit=2 + _EVENTS + _NOTIFICATIONS,
    read_unit=_EVENTS + _NOTIFICATIONS,
    stored_gb_month=(2 + _EVENTS + _NOTIFICATIONS) * _ITEM_BYTES / 1e9 * 3,
    log_gb=_FUNCTIONS * _LOG_BYTES / 1e9,
)
FLOOR_SAYS = (
    "The floor is what a callback cannot do without on these services, whoever writes the code: one request to the "
    f"API; one invocation for it, for each of the {_EVENTS} events that the network reports and each of the "
    f"{_NOTIFICATIONS} notifications that the SP is owed; one item for the call, its CDR, each event (its answer, for "
    "repeats) and each notification (its delivery), each written once, outside a transaction and an index, "
    f"{_ITEM_BYTES} bytes, kept for three months; one read before each event and notification; one state transition, "
    f"to bound the call in time; of GB-seconds only the SP's {1000 * _SP_ANSWERS_AFTER_S:.0f} ms, at "
    f"{1024 * _LEAST_GB:.0f} MB; of logs only what Lambda writes by itself. No queue and no key."
)


@dataclass(frozen=True)
class Line:
    """One thing of a callback's bill."""

    price: Price
    amount: float

    @property
    def usd(self) -> float:
        return self.amount * self.price.usd


def bill(used: Mapping[str, float], prices: Mapping[str, Price]) -> list[Line]:
    """`used`: amounts of one callback by the names of the prices. Raises: KeyError if one has none."""
    return [Line(prices[name], amount) for name, amount in used.items()]


def total(lines: list[Line]) -> float:
    return sum(line.usd for line in lines)
