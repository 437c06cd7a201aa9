"""SIGKILL for what a call needs. Nothing here starts anything again, except the SP its own server."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Iterator

from lab.aws.overlay import lambda_process
from lab.cruel.calls import Sp
from lab.lab import Lab
from pstn.lines.sip.line import SipLine

KINDS = ("worker", "sip", "sp")
_FUNCTIONS = ("CallControlFunction", "FlowFunction", "NotifySpFunction", "OutboxFunction", "CallbackApiFunction")
_SP_IS_DOWN_S = 2.0
_PATIENCE_S, _POLL_S = 20.0, 0.002


class Kills:
    """Takes turns, so that each kind and each function has its turn. `killed` counts by what was killed."""

    def __init__(self, lab: Lab, sp: Sp, kinds: tuple[str, ...]) -> None:
        self._lab, self._sp = lab, sp
        self._turns = self._turn(kinds)
        self.killed: Counter[str] = Counter()

    def next(self) -> None:
        """Kill what is next."""
        what = next(self._turns, None)
        match what:
            case None:
                return
            case "sip":
                line = self._lab.pstn.exchange.line
                if not isinstance(line, SipLine):
                    return
                line.network.kill()
                self.killed["SIP child"] += 1
            case "sp":
                self._sp.server.kill()
                self.killed["server of the SP"] += 1
                time.sleep(_SP_IS_DOWN_S)
                self._sp.server.start()
            case function:
                self._kill_worker(function)

    def _turn(self, kinds: tuple[str, ...]) -> Iterator[str]:
        functions = list(_FUNCTIONS)
        while kinds:
            for kind in kinds:
                if kind == "worker":
                    functions.append(functions.pop(0))
                    yield functions[-1]
                else:
                    yield kind

    def _kill_worker(self, function: str) -> None:
        """One that is in an invocation, if there is one soon; else any of the function's, if there is one."""
        name, since = self._lab.resources[function], time.monotonic()
        while (waited := time.monotonic() - since) < _PATIENCE_S:
            own = sorted(
                (not busy, process.pid, process) for of, busy, process in lambda_process.workers() if of == name
            )
            if own and (waited > _PATIENCE_S / 2 or not own[0][0]):
                idle, _, process = own[0]
                process.kill()
                self.killed[f"{function} {'idle' if idle else 'in an invocation'}"] += 1
                return
            time.sleep(_POLL_S)
