"""One node: the exchange with its line, its API, its row in the table, and how it leaves.

| What happens | What the node does |
| --- | --- |
| SIGTERM | drains: takes no calls, is not ready; calls go on, updates are served; leaves when it has none |
| draining for DRAIN_SECONDS, a second SIGTERM | ends its calls, and leaves `END_S` later at the latest |
| its row was buried | ends its calls, and itself with exit code 1: started again, it has another id |
| no beat for 15 s, for 45 s | takes no calls; ends its calls (heartbeat.py), or its process if the exchange hangs |
| SIGKILL | others see that it writes no row: they put its recordings together, the platform closes its calls |

It leaves in order by writing `gone`, unless a recording is still not in S3: then it is taken for dead, so that others
store what they have of it; the rest is sent when a node starts on this disk.
"""

import logging
import os
import secrets
import socket
import sys
import threading
import time
from collections.abc import Callable, Collection, Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from typing import Any, Protocol
from uuid import uuid4

from pstn import wire
from pstn.lines import Line, MakeLine
from pstn.node.admin import Admin
from pstn.node.api import Api, Forwarder
from pstn.node.functions import InvokeFunction
from pstn.node.heartbeat import Heartbeat
from pstn.node.http import HttpServers, asgi
from pstn.node.metrics import EVERY_S as METRICS_S
from pstn.node.metrics import Metrics, StationStats
from pstn.node.parts import Adoption, Parts
from pstn.node.periodic import Periodic
from pstn.node.prompts import Prompts
from pstn.node.recordings import AGAIN_S, Recordings
from pstn.node.settings import HostPort, NodeSettings
from pstn.node.signature import Verifier
from pstn.node.table import BEAT_S, Beat, Buried, NodesTable, TableError
from pstn.node.watch import Watch
from pstn.service import PstnService
from pstn.switches import OWN_NETWORK

END_S = 10.0
"""From the order to end all calls until the node leaves, however many events are still unanswered."""
STORE_S = 50.0
"""For so long after that it still waits for recordings to be stored."""
LOOK_S = 0.2
ADOPT_S = 10.0
MOST_LAMBDAS = 64
_REQUESTS = 32
_ATTEMPTS = 5
_log = logging.getLogger(__name__)


class LineFacts(Protocol):
    """What a node asks of its line besides `pstn.lines.Line`."""

    @property
    def room(self) -> int:
        """Calls that it can take now."""

    @property
    def sip_ports(self) -> Collection[int]:
        """At which its processes take calls from edges."""

    def stations(self) -> Iterable[StationStats]: ...
    def recorded_from(self, recording_id: str, offset: int) -> bytes | None:
        """See pstn.node.parts.ReadFrom."""


@dataclass(frozen=True)
class Clients:
    """Of AWS."""

    dynamodb: Any
    functions: Any
    s3: Any


class Node:
    """Between `start` and the end of `run`. `run` is for the main thread; the other methods may be called anywhere."""

    def __init__(
        self,
        settings: NodeSettings,
        display_numbers: Iterable[str],
        clients: Clients,
        make_line: MakeLine,
        facts_of: Callable[[Line], LineFacts],
        *,
        node_id: str | None = None,
    ) -> None:
        """Raises: OSError: an address cannot be bound; whatever `make_line` raises."""
        self.id = node_id or new_id()
        self.settings = settings
        self._draining = self._ending = False
        self._leave_at = float("inf")
        self._wake = threading.Event()
        self._terms = 0
        self._started_at = time.time()
        self.abort: Callable[[], None] = lambda: os._exit(1)
        """How the process ends if nothing else works."""
        listener, operators = _bound(settings.api), _bound(settings.admin)
        port = listener.getsockname()[1]
        reached_at = HostPort(settings.reached_at.host, settings.reached_at.port or port)
        self.address = str(reached_at)
        self.admin_port: int = operators.getsockname()[1]
        self.table = NodesTable(clients.dynamodb, settings.nodes_table)
        self.heartbeat = Heartbeat(self._beat, self._lost, self._wake.set)
        self.metrics = Metrics(
            {
                "Calls": ("Calls that are not over", lambda: self.calls),
                "Legs": ("Legs that are up", lambda: len(self.exchange.legs_up())),
                "Room": ("Calls that can be taken now", lambda: self.room),
                "BeatAge": ("Longest silence of the last minute, seconds", lambda: self.heartbeat.longest_silence),
                "RecordingsUnstored": ("Finished recordings that are not in S3", lambda: self.recordings_unstored),
            },
            lambda: self.facts.stations(),
        )
        bucket = settings.recordings_bucket
        self._parts = Parts(clients.s3, bucket, self.id, self._recorded_from) if bucket else None
        self.recordings = Recordings(clients.s3, settings.spool, self._parts.stored if self._parts else _nothing)
        self.service = PstnService(
            InvokeFunction(clients.functions, self.metrics.invoked),
            OWN_NETWORK,
            settings.account,
            settings.region,
            audio=Prompts(clients.s3),
            recordings=self.recordings,
            most_lambdas=MOST_LAMBDAS,
            make_line=make_line,
            new_transaction=lambda: f"{self.id}-{uuid4()}",
            no_room=self.no_room,
        )
        self.exchange = self.service.exchange
        self.facts = facts_of(self.exchange.line)
        self.service.subscribe(Watch(self.metrics))
        self._serve_numbers(display_numbers)
        self._pool = ThreadPoolExecutor(_REQUESTS, "node-api")
        verifier = Verifier(settings.secrets, self.address, time.time, self._started_at)
        forward = Forwarder(self.id, settings.secrets[0], self.table)
        api = Api(self.id, self.service, verifier, forward, self._pool, self.metrics.count)
        admin = Admin(self.unhealthy, self.unready, self.metrics.text, self._pool)
        hosts = {settings.admin.host, reached_at.host}
        admins = [HostPort(host, self.admin_port) for host in hosts]
        apps = [(asgi(api.handle, port, [reached_at]), listener)]
        apps.append((asgi(admin.handle, self.admin_port, admins), operators))
        self._http = HttpServers(apps)
        self._duties = [
            Periodic("sending of recordings", AGAIN_S, self.recordings.send_spooled),
            Periodic("metrics", METRICS_S, self._print_metrics),
        ]
        if self._parts and bucket:
            adoption = Adoption(clients.s3, bucket, self.table)
            self._duties.append(Periodic("parts of recordings", settings.part_seconds, self._write_parts))
            self._duties.append(Periodic("adoption", ADOPT_S, lambda: adoption.look(self.table.rows(), time.time())))

    # -- its life
    def start(self) -> None:
        wire.routes()  # reads the service's model, which the first request would wait for
        self._http.start()
        self.heartbeat.start()
        for duty in self._duties:
            duty.start()
        _log.info("the node runs", extra={"address": self.address, "room": self.room, "version": _version()})

    def term(self) -> None:
        """SIGTERM: the first one drains, the second one ends. Safe in a signal handler: it takes no lock."""
        self._terms += 1

    def run(self) -> int:
        """Wait until the node has left. Returns the exit code of its process."""
        while not self._look():
            self._wake.wait(LOOK_S)
            self._wake.clear()
        return self._leave()

    def _look(self) -> bool:
        """Whether it is time to leave."""
        now = time.monotonic()
        self.heartbeat.check()
        if self._terms and not self._draining:
            self._draining = True
            self._leave_at = now + self.settings.drain_seconds
            _log.info("draining", extra={"calls": self.calls})
            self.heartbeat.beat()
        if (self._terms > 1 or now >= self._leave_at or self.heartbeat.is_buried) and not self._ending:
            self._draining = self._ending = True
            self._leave_at = now + END_S
            self.exchange.end_calls("the node ends")
        late = now - self._leave_at if self._ending else -1.0
        over = late >= (STORE_S if self.recordings_unstored else 0.0)
        return self._draining and (self._is_idle() or over)

    def _leave(self) -> int:
        self.heartbeat.stop()
        for duty in self._duties:
            duty.stop()
        self.recordings.send_spooled()
        if self.recordings_unstored or self.heartbeat.is_buried:
            _log.warning("the node leaves without saying so", extra={"recordings": self.recordings_unstored})
        else:
            self._say_gone()
        self._http.stop()
        self._pool.shutdown(wait=True, cancel_futures=True)
        self.service.close()
        self._print_metrics()
        _log.info("the node has left")
        return 1 if self.heartbeat.is_buried else 0

    def _say_gone(self) -> None:
        for _ in range(_ATTEMPTS):
            try:
                self.table.write(self.id, self._state(gone=True))
            except TableError as error:
                _log.warning("the row was not written", extra={"error": str(error)})
                time.sleep(LOOK_S)
            except Buried:
                return
            else:
                return

    def _lost(self) -> None:
        """No leg may go on. If not even the exchange answers, the process ends, and its stations with it."""
        if self._answers():
            self.exchange.end_calls("no heartbeat")
        else:
            _log.critical("the exchange does not answer: the process ends")
            self.abort()

    def _is_idle(self) -> bool:
        return self.exchange.unsettled() == 0

    # -- what it says of itself
    @property
    def calls(self) -> int:
        return sum(not driver.call.over for driver in list(self.exchange.calls.values()))

    @property
    def room(self) -> int:
        return 0 if self._closed() else self._free()

    @property
    def recordings_unstored(self) -> int:
        return self.exchange.recordings_unstored() + self.recordings.waiting

    def no_room(self) -> str | None:
        """Why it takes no call now."""
        return self._closed() or (None if self._free() > 0 else "This node has no room")

    def unready(self) -> list[str]:
        """Having no room is no reason: the platform sees that in the table."""
        closed = self._closed()
        return self.unhealthy() + ([closed] if closed else [])

    def unhealthy(self) -> list[str]:
        if self.heartbeat.is_buried:
            return ["This node was declared dead"]
        return [] if self._answers() else ["The exchange does not answer"]

    def _free(self) -> int:
        """A call that was taken and is not dialled yet is no leg of the line."""
        return max(0, min(self.facts.room, self.settings.most_calls - self.calls))

    def _closed(self) -> str | None:
        if self._draining:
            return "This node is draining"
        return (
            None if self.heartbeat.is_alive else "This node cannot write its heartbeat, so others may count it as dead"
        )

    def _answers(self) -> bool:
        if not self.exchange.lock.acquire(timeout=BEAT_S / 2):
            return False
        self.exchange.lock.release()
        return True

    def _beat(self) -> None:
        """Raises: Buried, TableError."""
        if not self._answers():
            raise TableError("the exchange does not answer")
        self.table.write(self.id, self._state())

    def _state(self, *, gone: bool = False) -> Beat:
        room = 0 if self._draining else self._free()
        about = self._started_at, self._draining, _version(), self.facts.sip_ports
        return Beat(self.address, room, self.calls, *about, gone)

    # -- within
    def _serve_numbers(self, numbers: Iterable[str]) -> None:
        """One SIP media application, to which calls to every display number go."""
        key = self.exchange.create_sma("duologue", self.settings.lambda_arn, self.settings.application_id)
        targets = [{"SipMediaApplicationId": key, "Priority": 1}]
        for number in numbers:
            self.exchange.own(number)
            rule = {"Name": number, "TriggerType": "ToPhoneNumber", "TriggerValue": number}
            self.exchange.account.create_rule({**rule, "TargetApplications": targets})

    def _recorded_from(self, recording_id: str, offset: int) -> bytes | None:
        return self.facts.recorded_from(recording_id, offset)

    def _write_parts(self) -> None:
        assert self._parts
        self._parts.write(self.exchange.recordings_running())

    def _print_metrics(self) -> None:
        # One write, so that no line of the log gets into it.
        sys.stdout.write(self.metrics.line(time.time(), self.settings.application_id) + "\n")
        sys.stdout.flush()


def new_id() -> str:
    """8 hex digits, the first one a letter: a number of 8 digits would be masked in the log."""
    return secrets.choice("abcdef") + secrets.token_hex(4)[1:]


def _bound(address: HostPort) -> socket.socket:
    """Raises: OSError."""
    return socket.create_server((address.host, address.port), backlog=512)


def _nothing(bucket: str, key: str) -> None: ...


def _version() -> str:
    for package in ("duologue-pstn", "duologue"):
        try:
            return version(package)
        except PackageNotFoundError:
            continue
    return "unknown"
