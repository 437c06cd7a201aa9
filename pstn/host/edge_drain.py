"""An edge leaves: it takes no call, so that trunks and nodes take the other edge, and it waits for its calls.

By the remote commands of Kamailio's htable and dialog modules: while the edge's program (pstn/edge) finds `yes` under
`draining` in the table `hosts`, it answers 503 to each new call and to OPTIONS.
https://www.kamailio.org/docs/modules/5.6.x/modules/htable.html#htable.rpc.sets
"""

import logging
import re
import time
from collections.abc import Callable, Sequence

POLL_S = 2.0
DRAIN = ("htable.sets", "hosts", "draining", "s:yes")
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
    ask(DRAIN)
    while (left := _calls(ask)) and clock() < ends:
        sleep(POLL_S)
    _log.info("the edge stops with %d calls", left)
    return not left


def _calls(ask: Ask) -> int:
    found = re.search(r"^\s*all: (\d+)$", ask(["dlg.stats_active"]), re.MULTILINE)
    if not found:
        raise OSError("dlg.stats_active says nothing of all calls")
    return int(found[1])
