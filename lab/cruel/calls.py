"""Places callbacks as an SP whose requests fail, too: each request is repeated with its key until it is answered."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from lab.cases.play import NetworkWatch
from lab.cruel.mix import Planned, Stop
from lab.cruel.sp_process import SpProcess
from lab.lab import Lab
from lab.sp.client import Reply, SpClient
from pstn.lines.behaviours import answers
from pstn.lines.phone_state import Phone

_TRIES, _PAUSE_S = 40, 0.5
_DIAL_S, _OVER_S, _STOP_S = 40.0, 90.0, 30.0
_POLL_S = 0.1
_EXPIRED = "1010004"


@dataclass(frozen=True)
class Sp:
    """One SP: its client, its server and its display numbers."""

    name: str
    client: SpClient
    server: SpProcess
    numbers: tuple[str, ...]

    def asked(self, ask: Callable[[], Reply]) -> Reply:
        """Ask until the platform takes it; the last answer if it never does."""
        for _ in range(_TRIES):
            try:
                reply = ask()
            except OSError:
                time.sleep(_PAUSE_S)
                continue
            if reply.status == 200:
                return reply
            if reply.code == _EXPIRED:
                self.client.log_in()
            time.sleep(_PAUSE_S)
        return reply


@dataclass
class PlayedCallback:
    """`session`: empty if it was not accepted. `requests`: how often it was asked for."""

    planned: Planned
    session: str = ""
    requests: int = 0
    refusal: str = ""
    stopped: str = ""
    """The result code of the stop, if one was asked for."""
    talked: bool = False
    returned: bool = False


def play(lab: Lab, watch: NetworkWatch, sp: Sp, planned: Planned, lock: threading.Lock) -> PlayedCallback:
    """Play one to the end of its network call, or until nothing has happened for a minute and a half."""
    phones, story = lab.pstn.exchange.phones, planned.story
    caller, callee = Phone(story.caller), Phone(story.callee)
    with lock:
        phones[planned.caller], phones[planned.callee] = caller, callee
    played, asked_at = PlayedCallback(planned), datetime.now(UTC)

    def place() -> Reply:
        played.requests += 1
        more: dict[str, Any] = {"recordFlag": "true"} if story.record else {}
        return sp.client.place(
            callerNbr=planned.caller,
            calleeNbr=planned.callee,
            displayNbr=sp.numbers[0],
            displayCalleeNbr=sp.numbers[1],
            status_url=sp.server.status_url,
            fee_url=sp.server.fee_url,
            idempotency_key=planned.key,
            maxDuration=2,
            **more,
        )

    reply = sp.asked(place)
    if reply.status != 200:
        played.refusal = f"{reply.status} {reply.body}"
        return played
    played.session = str(reply.body["sessionId"])
    watch.wait_for_dial(planned.caller, asked_at, _DIAL_S)
    if story.stop and _comes(story.stop, caller, callee):
        played.stopped = sp.asked(lambda: sp.client.stop(played.session)).code
    if call := watch.call_to(planned.caller, asked_at):
        watch.wait_until_over(call, _OVER_S)
    played.talked = any(each.joined for each in callee.calls)
    if story.returns and callee.saw:
        callee.behaviour, caller.behaviour = answers(0.5), answers(0.5, talks=1.0)
        back = lab.pstn.exchange.call_in(planned.callee, callee.saw)
        played.returned = back is not None
        if back is not None:
            watch.wait_until_over(back, _OVER_S)
    return played


def _comes(when: Stop, caller: Phone, callee: Phone) -> bool:
    """Whether the moment at which the SP stops the call comes; it may not, if the call fails before."""
    deadline = time.monotonic() + _STOP_S
    while time.monotonic() < deadline:
        match when:
            case "caller rings":
                there = caller.last is not None and caller.last.rang_at is not None
            case "callee rings":
                there = callee.last is not None and callee.last.rang_at is not None
            case "in talk":
                there = callee.last is not None and bool(callee.last.joined)
        if there:
            return True
        if caller.last is not None and caller.last.ended_at is not None:
            return False
        time.sleep(_POLL_S)
    return False
