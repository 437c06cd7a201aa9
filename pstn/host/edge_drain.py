"""An edge leaves: no trunk has room there, so that trunks and nodes take the other edge, and it waits for its calls.

By the remote commands of Kamailio's htable and dialog modules: pstn/edge keeps the calls at once of trunk N under
`N:calls` in the table `trunks`, and answers 503 to what has no room.
https://www.kamailio.org/docs/modules/5.6.x/modules/htable.html#htable.rpc.sets
"""

import logging
import re
import time
from collections.abc import Callable, Sequence

POLL_S = 2.0
_log = logging.getLogger(__name__)
Ask = Callable[[Sequence[str]], str]
"""A command of Kamailio's → what it says. Raises: OSError (it does not answer, or refuses)."""


def drain(
    ask: Ask,
    patience_s: float,
    sleep: Callable[[float], None] = time.sleep,
    clock: Callable[[], float] = time.monotonic,
) -> bool:
    """Returns: whether no call is left; False: `patience_s` is over.

    Raises: OSError: Kamailio does not answer; then it has no call either.
    """
    ends = clock() + patience_s
    for trunk in range(_trunks(ask)):
        ask(["htable.sets", "trunks", f"s:{trunk}:calls", "s:0"])
    while (left := _calls(ask)) and clock() < ends:
        sleep(POLL_S)
    _log.info("the edge stops with %d calls", left)
    return not left


def _trunks(ask: Ask) -> int:
    """Their names are under `0:name`, `1:name`, …"""
    count = 0
    while True:
        try:
            ask(["htable.get", "trunks", f"s:{count}:name"])
        except OSError:
            return count
        count += 1


def _calls(ask: Ask) -> int:
    found = re.search(r"^\s*all: (\d+)$", ask(["dlg.stats_active"]), re.MULTILINE)
    if not found:
        raise OSError("dlg.stats_active says nothing of all calls")
    return int(found[1])
