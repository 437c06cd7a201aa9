"""The metric of calls to numbers of ours that were rejected without a record."""

from duologue.adapters.basics.metrics import count
from duologue.usecases.ports.memories import TurnedAway


def count_turned_away(why: TurnedAway) -> None:
    count("CallsTurnedAway", Reason=why.value)
