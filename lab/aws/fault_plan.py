"""Which occasions a fault strikes: by chance, but the same ones each time the cloud is played with the same seed.

An occasion is identified by its fault, its site (for example `dynamodb:PutItem by duologue-Outbox`) and its number at
that site, so that threads which overtake one another at different sites do not change what happens at either.

Rule: a fault never strikes more often in a row at one site than `fault_run` says, so that what is repeated often
enough succeeds; and the cloud has at most `fault_limit` faults in all.
"""

from __future__ import annotations

import random
import threading
from collections import Counter
from collections.abc import Mapping

from lab.aws import switches

_ALWAYS = 1.0


class FaultPlan:
    """The decisions of one cloud, and how many occasions and faults there were."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self.occasions: Counter[str] = Counter()
        self.struck: Counter[str] = Counter()
        self._number: Counter[tuple[str, str]] = Counter()
        self._run: Counter[tuple[str, str]] = Counter()

    def begin(self) -> None:
        """Forget all occasions: another cloud begins, or the same one is played again."""
        with self._lock:
            for counter in (self.occasions, self.struck, self._number, self._run):
                counter.clear()

    def strikes(self, fault: str, site: str, *, share: float | None = None) -> bool:
        """Whether the fault strikes this occasion. `share`: 0 to 1; by default the switch with the fault's name."""
        return self.struck_by(site, {fault: share}) is not None

    def struck_by(self, site: str, faults: Mapping[str, float | None]) -> str | None:
        """The first of these faults that strikes one occasion at a site; None: none. Their shares as in `strikes`."""
        chosen = switches.cloud()
        shares = {name: float(getattr(chosen, name)) if share is None else share for name, share in faults.items()}
        if not any(shares.values()):
            return None
        with self._lock:
            run = " ".join(faults), site
            for fault, share in shares.items():
                number = self._next((fault, site))
                self.occasions[fault] += 1
                by_chance = share >= _ALWAYS or _chance(chosen.fault_seed, fault, site, number).random() < share
                spent = chosen.fault_limit and self.struck.total() >= chosen.fault_limit
                if by_chance and not spent and self._run[run] < chosen.fault_run:
                    self._run[run] += 1
                    self.struck[fault] += 1
                    return fault
            self._run[run] = 0
            return None

    def chance(self, fault: str, site: str) -> random.Random:
        """The source of the choices at the next occasion: an order, a moment."""
        with self._lock:
            return _chance(switches.cloud().fault_seed, fault, site, self._next((fault, site)))

    def count(self, fault: str) -> None:
        """Count a fault that strikes by the state of the cloud, not by chance."""
        with self._lock:
            self.struck[fault] += 1

    def counts(self) -> dict[str, dict[str, int]]:
        """By fault: occasions and faults."""
        with self._lock:
            names = sorted(self.occasions.keys() | self.struck.keys())
            return {name: {"occasions": self.occasions[name], "faults": self.struck[name]} for name in names}

    def _next(self, place: tuple[str, str]) -> int:
        self._number[place] += 1
        return self._number[place]


def _chance(seed: int, fault: str, site: str, number: int) -> random.Random:
    return random.Random(f"{seed} {fault} {site} {number}")  # noqa: S311 - it must be the same each time


PLAN = FaultPlan()
"""Of the one cloud of this process."""
