"""How many callbacks the line over trunks carries before the stand-in telephone company, directly and through an edge.

One process with the exchange, its two stations, and a stub in place of the Lambda; the trunk has TLS and SRTP. Callers
and callees are one SIPp each, with a voice each, so a wrong connection within a side is not seen here
(`bench.sip` sees it).
"""

import os
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from bench.processes import memory_mb
from lab.cases.tone_detection import PURE, WINDOW, windows
from lab.cases.trunk_calls import main_trunk
from lab.cases.trunk_kills import PAIRS, wait_for
from lab.cases.trunk_site import EDGE_SIP, FIRST_EDGE, edge_machine, sees_trunks
from lab.phones.voices import voice
from lab.telco.namespaces import INSIDE, Namespace, address
from lab.telco.phones import ADDRESS as PHONES
from lab.telco.phones import Telephone, answers
from lab.telco.reaper import processes_in
from lab.telco.telco import Telco
from pstn.feed import NetworkEvent
from pstn.lines.sip.audio import RATE, share
from pstn.lines.trunk.line import TrunkLine, trunk_line
from pstn.lines.trunk.settings import TrunkSettings
from pstn.recordings import MemoryRecordings
from pstn.service import PstnService
from pstn.switches import Switches
from pstn.trunks.trunk_file import read

SHOWN = "+12025550100", "+12025550101"
PER_SECOND, STATIONS = 10, 2
_TALKS_S, _PATIENCE_S, _SETTLES_S = 1.0, 60.0, 3.0


@dataclass
class Load:
    """`cpu`: seconds of each part; of a run at once, while all calls were up. `seconds`: how long that was.

    `memory_mb`: of the stations, before, half-way and after. `gaps`: windows of 100 ms without the other's pure voice.
    `invite_s`: medians from the request to INVITE at the caller, and from the caller's answer to INVITE at the callee.
    """

    calls: int
    edge: bool
    done: int = 0
    stuck: int = 0
    seconds: float = 0.0
    cpu: dict[str, float] = field(default_factory=dict)
    memory_mb: list[float] = field(default_factory=list)
    windows: int = 0
    gaps: int = 0
    invite_s: tuple[float, float] | None = None


class Bench:
    """The exchange on the customer's machine."""

    def __init__(self, telco: Telco, settings: TrunkSettings, edge: Namespace | None) -> None:
        self.telco, self.edge = telco, edge
        self.changed = threading.Condition()
        self.joined: set[str] = set()
        self.over: set[str] = set()
        self.asked: dict[str, float] = {}
        """When a call to this number was asked for."""
        self.service = PstnService(
            self._invoke,
            Switches(recording_delay=0.0),
            recordings=MemoryRecordings(),
            make_line=trunk_line(settings),
        )
        exchange = self.exchange = self.service.exchange
        assert isinstance(exchange.line, TrunkLine)
        self.line = exchange.line
        for number in SHOWN:
            exchange.own(number)
        self.application = exchange.create_sma("bench", "bench")
        self.service.subscribe(self._take)

    def _take(self, event: NetworkEvent) -> None:
        with self.changed:
            if event.transaction and event.kind in ("joined", "over"):
                (self.joined if event.kind == "joined" else self.over).add(event.transaction)
                self.changed.notify_all()

    def _invoke(self, arn: str, event: dict[str, Any]) -> Any:
        legs = event["CallDetails"]["Participants"]
        actions: list[dict[str, Any]] = []
        if event["InvocationEventType"] == "CALL_ANSWERED":
            endpoints = [{"BridgeEndpointType": "PSTN", "Uri": dict(PAIRS)[legs[0]["To"]]}]
            bridge = {"CallerIdNumber": SHOWN[1], "CallTimeoutSeconds": 20, "Endpoints": endpoints}
            actions = [{"Type": "CallAndBridge", "Parameters": bridge}]
        elif event["InvocationEventType"] in ("HANGUP", "ACTION_FAILED"):
            up = [leg["CallId"] for leg in legs if leg.get("Status") == "Connected"]
            actions = [{"Type": "Hangup", "Parameters": {"CallId": leg}} for leg in up]
        return {"SchemaVersion": "1.0", "Actions": actions}

    def place(self, count: int) -> list[str]:
        ids, begun = [], time.monotonic()
        for at in range(count):
            caller, _ = PAIRS[at % len(PAIRS)]
            self.asked.setdefault(caller, time.time())
            ids.append(self.exchange.create_call(self.application, from_number=SHOWN[0], to_number=caller))
            time.sleep(max(0.0, begun + (at + 1) / PER_SECOND - time.monotonic()))
        return ids

    def wait(self, condition: Any, seconds: float) -> None:
        with self.changed:
            self.changed.wait_for(condition, seconds)

    def cpu(self) -> dict[str, float]:
        found = {"stations": sum(_cpu_of(pid) for pid in self._stations()), "exchange": time.process_time()}
        if self.edge:
            found["edge"] = sum(map(_cpu_of, processes_in(self.edge.name)))
        return found

    def memory(self) -> float:
        return sum(memory_mb(pid)[0] for pid in self._stations())

    def _stations(self) -> list[int]:
        return [station.pid for station in self.line.stations if station.pid]


@contextmanager
def bench(telco: Telco, *, edge: bool) -> Iterator[Bench]:
    """This thread is on the customer's machine meanwhile."""
    trunk = main_trunk(telco, calls=1000, calls_per_second=100)
    del trunk["registration"]
    with ExitStack() as opened:
        opened.enter_context(telco.customer.entered())
        machine = None
        if edge:
            folder = telco.folder / "load"
            folder.mkdir()
            one = edge_machine(telco, folder, trunk, 0, 1)
            for process in (one.rtpengine, one.kamailio):
                opened.callback(process.kill)
                process.start()
            machine = one.kamailio.namespace
            wait_for(lambda: sees_trunks(one.kamailio.namespace), _PATIENCE_S, "the edge has asked the trunk")
        edges = (f"{address(INSIDE, FIRST_EDGE)}:{EDGE_SIP}",) if edge else ()
        file = read(telco.trunk_file(trunk))
        made = Bench(telco, TrunkSettings(file, edges=edges, stations=STATIONS, calls_per_station=200), machine)
        opened.callback(made.service.close)
        yield made


def at_once(made: Bench, count: int, seconds: float) -> Load:
    """So many callbacks, all up together for so long."""
    load = Load(count, made.edge is not None)
    callers, callees = _telephones(made.telco, count / PER_SECOND + seconds + 2 * _SETTLES_S)
    ids = made.place(count)
    made.wait(lambda: set(ids) <= made.joined | made.over, _PATIENCE_S)
    time.sleep(_SETTLES_S)
    before, since, at = made.cpu(), time.monotonic(), time.time()
    time.sleep(seconds)
    after, load.seconds, until = made.cpu(), time.monotonic() - since, time.time()
    load.cpu = {name: after[name] - before[name] for name in after}
    _finish(made, load, ids)
    packets = [each for each in made.telco.packets_to_phones() if at <= each.at <= until]
    for phone, hertz in ((callers, voice(callees.number)), (callees, voice(callers.number))):
        for sound in phone.heard_in(packets):
            pure = [share(each, hertz) >= PURE for each in windows(sound)]
            whole = int(load.seconds * RATE / WINDOW)
            load.windows += whole
            load.gaps += max(0, whole - sum(pure))
    return load


def stream(made: Bench, count: int) -> Load:
    """So many callbacks, PER_SECOND a second, with a second of talk each."""
    load = Load(count, made.edge is not None)
    _telephones(made.telco, _TALKS_S)
    load.memory_mb.append(made.memory())
    since, before = time.monotonic(), made.cpu()
    ids = made.place(count // 2)
    load.memory_mb.append(made.memory())
    ids += made.place(count - count // 2)
    _finish(made, load, ids)
    load.seconds = time.monotonic() - since
    load.cpu = {name: value - before[name] for name, value in made.cpu().items()}
    load.memory_mb.append(made.memory())
    load.invite_s = _set_up(made)
    return load


def _telephones(telco: Telco, talks_s: float) -> tuple[Telephone, Telephone]:
    """The callers' and the callees'; the latter hang up."""
    callers = telco.switchboard([caller for caller, _ in PAIRS], answers(0.1))
    callees = telco.switchboard([callee for _, callee in PAIRS], answers(0.1, talks_s=talks_s))
    return callers, callees


def _finish(made: Bench, load: Load, ids: list[str]) -> None:
    made.wait(lambda: set(ids) <= made.over, _PATIENCE_S)
    with suppress(TimeoutError):
        wait_for(lambda: not made.exchange.legs_up() and not made.telco.legs_up(), _SETTLES_S, "all legs have ended")
    load.done = len(set(ids) & made.over & made.joined)
    load.stuck = len(set(ids) - made.over) + len(made.exchange.legs_up()) + len(made.telco.legs_up())


def _set_up(made: Bench) -> tuple[float, float]:
    """Of the first callback of each pair."""
    first: dict[str, float] = {}
    answered: dict[str, float] = {}
    for each in made.telco.messages():
        number = each.value("to").partition("sip:")[2].partition("@")[0]
        if each.method == "INVITE" and not each.status and each.target.startswith(f"{PHONES}:"):
            first.setdefault(number, each.at)
        elif each.method == "INVITE" and each.status == 200 and each.source.startswith(f"{PHONES}:"):
            answered.setdefault(number, each.at)
    to_caller = sorted(first[caller] - at for caller, at in made.asked.items() if caller in first)
    to_callee = sorted(
        first[callee] - answered[caller] for caller, callee in PAIRS if callee in first and caller in answered
    )
    return to_caller[len(to_caller) // 2], to_callee[len(to_callee) // 2]


def _cpu_of(pid: int) -> float:
    """Seconds; 0 for one that has ended."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return 0.0
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")
