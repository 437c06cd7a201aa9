"""What a death costs: calls up over nodes and edges, one process is killed, and everything after it is timed.

`python -m bench.trunk` does this many times over; a test once for each kind of process.
"""

import os
import signal
import statistics
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import NamedTuple

from lab.cases.trunk_site import FIRST_EDGE, Process, Site
from lab.telco.namespaces import OUTSIDE, address
from lab.telco.phones import answers

PAIRS = [(f"+120255502{at:02d}", f"+120255502{at + 50:02d}") for at in range(50)]
KINDS = ("station", "node", "Kamailio", "rtpengine")
LEGS_S, SLOTS_S = 60.0, 90.0
"""Within which no leg of a dead process is up, and no slot is held."""
_UP_S, _LOOK_S, _STAYS_S, _SUPERVISOR_S = 120.0, 0.25, 8.0, 1.0
"""_UP_S: only against what hangs. _SUPERVISOR_S: until a supervisor (systemd) starts a process again. A node is not
started again while one watches."""
_PLACED_AGAIN = 1
"""Callbacks that may end before all are up, and are placed again."""


class SetUpFailed(AssertionError):
    """More callbacks ended before all were up than one machine's load explains."""


@dataclass
class Death:
    """Seconds are from the kill. None: it did not happen while it was watched.

    Attributes:
        calls: callbacks that were up; `hit`: of these, those that went through what died.
        cut: those that ended without anybody hanging up.
        told_s: until the SP had the CDR of the first and of the last one.
        silent_s: when the last leg of theirs was still up at a telephone.
        free_s: when the last one still held a slot.
        next_s: until a callback that was requested at once had both its parties connected.
        left: legs and slots that were still there when all other calls had been stopped.
        again: callbacks that ended before all were up, and were placed again.
    """

    kind: str
    calls: int
    hit: int
    cut: int = 0
    told_s: tuple[float, float] | None = None
    silent_s: float | None = None
    free_s: float | None = None
    next_s: float | None = None
    left: list[str] = field(default_factory=list)
    again: int = 0


class Drain(NamedTuple):
    """`calls`: of the node that left; `cut`: of all calls, before they were ended; `again`: as of a Death."""

    calls: int
    cut: int
    again: int


class Calls:
    """Callbacks that stay up until somebody ends them."""

    def __init__(self, site: Site, pairs: list[tuple[str, str]]) -> None:
        self.site, self.pairs = site, pairs
        self.sessions: dict[str, tuple[str, str]] = {}
        self.again = 0

    def place(self) -> None:
        for pair in self.pairs:
            self._place(pair)

    def _place(self, pair: tuple[str, str]) -> None:
        reply = self.site.sp.place(*pair)
        self.sessions[str(reply.body["sessionId"])] = pair

    def wait_until_up(self) -> None:
        """One callback that ends before, as may happen on a busy machine, is placed again, and counted in `again`.

        Raises:
            SetUpFailed: a second one ended.
            TimeoutError
        """

        def are_up() -> bool:
            for session in self.over():
                if self.again == _PLACED_AGAIN:
                    raise SetUpFailed(f"{self.again + 1} callbacks ended before all {len(self.pairs)} were up")
                self.again += 1
                self._place(self.sessions.pop(session))
            return self.legs() == 2 * len(self.pairs)

        wait_for(are_up, _UP_S, "all calls are up")

    def legs(self) -> int:
        return len(self.invites())

    def invites(self) -> dict[str, tuple[str, str]]:
        """Call-ID of each leg that is up → its callback's pair."""
        by_number = {number: pair for pair in self.pairs for number in pair}
        up = self.site.telco.legs_up()
        found = {call: by_number.get(_called(invite.value("to"))) for call, invite in up.items()}
        return {call: pair for call, pair in found.items() if pair}

    def over(self) -> set[str]:
        """Sessions whose CDR the SP has."""
        receiver = self.site.sp.receiver
        return {each for each in self.sessions if any(told.kind == "fee" for told in receiver.about(each))}

    def through_edge(self, at: int) -> set[tuple[str, str]]:
        """Pairs with a leg over this edge."""
        host, up = f"{address(OUTSIDE, FIRST_EDGE + at)}:", self.invites()
        calls = {each.call_id for each in self.site.telco.received("INVITE") if each.source.startswith(host)}
        return {pair for call, pair in up.items() if call in calls}

    def holds_slots(self) -> set[str]:
        """Sessions that hold one."""
        table = self.site.lab.client("dynamodb")
        rows = table.scan(TableName=self.site.lab.outputs["AccountsTable"], ConsistentRead=True)["Items"]
        held = {row["call"]["S"] for row in rows if "call" in row and row["pk"]["S"].startswith(("SLOTS#", "PAIR#"))}
        return {each for each in self.sessions if each.partition("@")[0] in held}

    def stop(self) -> None:
        for session in set(self.sessions) - self.over():
            self.site.sp.client.stop(session)


@contextmanager
def telephones(site: Site) -> Iterator[None]:
    """All of PAIRS answer, and stay."""
    site.telco.switchboard([number for pair in PAIRS for number in pair], answers(after_s=0.1))
    yield


def die(
    site: Site, kind: str, pairs: list[tuple[str, str]], watch_s: float = SLOTS_S + 5, legs_s: float = LEGS_S
) -> Death:
    """Kill one process of this kind while a callback of each pair, but the last, is up. All run again afterwards.

    `legs_s`: after which what is up of stopped calls is left.
    """
    calls, following = Calls(site, pairs[:-1]), Calls(site, pairs[-1:])
    calls.place()
    calls.wait_until_up()
    hit, kill, again = _target(site, kind, calls)
    death = Death(kind, len(calls.pairs), hit, again=calls.again)
    since = time.monotonic()
    kill()
    following.place()
    restarted = kind == "station"
    told: dict[str, float] = {}
    up = dict.fromkeys(calls.pairs, 0.0)
    held = dict.fromkeys(calls.sessions, 0.0)
    """CDR of a session; the latest sign of a callback's legs, and of a session's slot."""
    while (now := time.monotonic() - since) < watch_s:
        for session in calls.over():
            told.setdefault(session, now)
        up.update(dict.fromkeys(calls.invites().values(), now))
        held.update(dict.fromkeys(calls.holds_slots(), now))
        if death.next_s is None and following.legs() == 2:
            death.next_s = now
        if not restarted and kind != "node" and now > _SUPERVISOR_S:
            again()
            restarted = True
        gone = all(up[calls.sessions[each]] < now and held[each] < now for each in told)
        if len(told) >= (hit if kind != "Kamailio" else 0) and gone and death.next_s is not None and now > _STAYS_S:
            break
        time.sleep(_LOOK_S)
    death.cut = len(told)
    if told:
        death.told_s = min(told.values()), max(told.values())
        death.silent_s = max(up[calls.sessions[each]] for each in told)
        death.free_s = max(held[each] for each in told)
    if kind == "node":
        again()
    for each in (calls, following):
        each.stop()
    quiet = lambda: not calls.legs() + following.legs() and not calls.holds_slots() | following.holds_slots()  # noqa: E731
    try:
        wait_for(quiet, legs_s, "all is over")
    except TimeoutError:
        death.left = [f"leg {pair}" for each in (calls, following) for pair in each.invites().values()]
        death.left += [f"slot of {each}" for each in calls.holds_slots() | following.holds_slots()]
    return death


def _target(site: Site, kind: str, calls: Calls) -> tuple[int, Callable[[], None], Callable[[], None]]:
    """How many callbacks go through a process of this kind; kill it; start it again. The node is the one with most."""
    node, edge = max(site.nodes, key=lambda one: _calls_of(site, one)), site.edges[0]
    match kind:
        case "node":
            return _calls_of(site, node), node.kill, node.start
        case "station":
            station = next(pid for pid in node.children() if "pstn.lines.sip" in _command(pid))
            return _calls_of(site, node), lambda: os.kill(station, signal.SIGKILL), lambda: None
        case "Kamailio":
            return len(calls.through_edge(0)), edge.kamailio.kill, edge.kamailio.start
        case "rtpengine":
            return len(calls.through_edge(0)), edge.rtpengine.kill, edge.rtpengine.start
    raise ValueError(kind)


def drain(site: Site, pairs: list[tuple[str, str]], talk_s: float = 3.0) -> Drain:
    """Tell the first node to leave while calls are up; end them `talk_s` later. The node runs again afterwards."""
    calls, node = Calls(site, pairs), site.nodes[0]
    calls.place()
    calls.wait_until_up()
    on_node = _calls_of(site, node)
    node.terminate()
    time.sleep(talk_s)
    cut = len(calls.over())
    calls.stop()
    wait_for(lambda: not calls.legs() and not node.alive, _UP_S, "the node has left")
    node.start()
    return Drain(on_node, cut, calls.again)


def wait_for(condition: Callable[[], bool], seconds: float, what: str) -> None:
    """Raises: TimeoutError."""
    give_up = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > give_up:
            raise TimeoutError(f"not within {seconds:.0f} s: {what}")
        time.sleep(_LOOK_S)


def median(values: list[float]) -> str:
    return f"{statistics.median(values):.1f}" if values else "–"


def _calls_of(site: Site, node: Process) -> int:
    """By the node's own count."""
    text = site.metrics(node)
    return int(next(float(line.split()[-1]) for line in text.splitlines() if line.startswith("duologue_pstn_calls ")))


def _command(pid: int) -> str:
    with open(f"/proc/{pid}/cmdline", "rb") as file:  # noqa: PTH123 - a pseudo-file
        return file.read().replace(b"\0", b" ").decode()


def _called(to: str) -> str:
    return to.partition("sip:")[2].partition("@")[0]
