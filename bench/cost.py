"""What one callback costs on AWS: how much it uses of each thing, times its price in `prices.toml`.

Not in it: the minutes of the telephone network, which are a hundred times as much; what costs the same without a
callback (keys, alarms, a queue that is polled in vain, the sweeper); cold starts.
"""

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from pathlib import Path

PRICES = Path(__file__).with_name("prices.toml")


@dataclass(frozen=True)
class Price:
    """USD for one unit."""

    service: str
    unit: str
    usd: float
    region: str
    date: date
    source: str


@dataclass(frozen=True)
class Line:
    """One thing of a callback's bill."""

    price: Price
    amount: float

    @property
    def usd(self) -> float:
        return self.amount * self.price.usd


def read_prices(file: Path = PRICES) -> dict[str, Price]:
    return {name: Price(**fields) for name, fields in tomllib.loads(file.read_text(encoding="utf-8")).items()}


def bill(used: Mapping[str, float], prices: Mapping[str, Price]) -> list[Line]:
    """`used`: amounts of one callback by the names of the prices. Raises: KeyError if one has none."""
    return [Line(prices[name], amount) for name, amount in used.items()]


def total(lines: list[Line]) -> float:
    return sum(line.usd for line in lines)
