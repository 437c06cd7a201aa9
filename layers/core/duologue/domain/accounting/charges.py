"""What telephone minutes cost."""

from dataclasses import dataclass
from math import ceil

from duologue.domain.calls.leg import Leg

Rates = tuple[int, int]
"""Micro-USD a minute for the caller's and the callee's leg."""
MICRO = 1_000_000
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
