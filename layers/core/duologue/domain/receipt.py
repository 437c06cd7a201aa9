"""What one call costs, as it is written once, with its CDR.

Telephone minutes are charged by the rates that were in force when the call was accepted, and kept with it: whoever
writes the CDR reads no rates.
"""

from dataclasses import dataclass
from math import ceil

from duologue.domain.leg import Leg

Rates = tuple[int, int]
"""Micro-USD a minute for the caller's and the callee's leg."""
_SECONDS_PER_MINUTE = 60


@dataclass(frozen=True, slots=True)
class LegCharge:
    """`minutes`: begun ones, as most carriers bill. `rate`: micro-USD a minute."""

    minutes: int
    rate: int

    @property
    def cost(self) -> int:
        """Micro-USD."""
        return self.minutes * self.rate

    @classmethod
    def of(cls, seconds: float, rate: int) -> "LegCharge":
        return cls(ceil(seconds / _SECONDS_PER_MINUTE), rate)

    @classmethod
    def of_leg(cls, leg: Leg, rate: int) -> "LegCharge":
        """From its answer to its end; nothing for a leg that was not answered."""
        if leg.answered_at is None or leg.ended_at is None:
            return cls(0, rate)
        return cls.of(max(0.0, (leg.ended_at - leg.answered_at).total_seconds()), rate)


@dataclass(frozen=True, slots=True)
class Receipt:
    caller: LegCharge
    callee: LegCharge

    @property
    def cost(self) -> int:
        """Telephone charges of both legs in micro-USD."""
        return self.caller.cost + self.callee.cost

    @property
    def text(self) -> str:
        """As it is stored."""
        return "#".join(map(str, (self.caller.minutes, self.caller.rate, self.callee.minutes, self.callee.rate)))

    @classmethod
    def parse(cls, text: str) -> "Receipt":
        first, rate, second, other_rate = map(int, text.split("#"))
        return cls(LegCharge(first, rate), LegCharge(second, other_rate))


def receipt_of(caller: Leg, callee: Leg, rates: Rates) -> Receipt:
    """Of a call whose legs have ended."""
    return Receipt(LegCharge.of_leg(caller, rates[0]), LegCharge.of_leg(callee, rates[1]))
