"""Callbacks before those that are judged, so that each function has as many processes as will be busy at once."""

from lab.cases.catalogue import named
from lab.cases.checks import check
from lab.cases.player import CasePlayer

_TIMES = 5


def warm_up(case_player: CasePlayer, at_once: int) -> None:
    """Play so many at once until every CDR comes: the first may fail, where a busy machine starts processes slowly."""
    for _ in range(_TIMES):
        played = [each.result() for each in case_player.at_once([named("talked")] * at_once)]
        failed = [check(each) for each in played if each.steps[-1:] != ["fee"]]
        if not failed:
            return
    raise AssertionError(failed)
