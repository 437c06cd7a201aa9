"""`python -m bench.nodes`: how many bridged callbacks one node carries, dialled directly and through an edge.

The node is `duologue-pstn serve` as in production, with a stand-in for AWS (`aws_stub`) and calls placed at its signed
API. The edge is Kamailio and rtpengine as `duologue-pstn edge render` sets them up. SIPp is the trunk and all its
telephones: it answers every call and sounds a tone. Everything runs on the cores of this machine. What reached the
telephones is judged by a capture. Ends 1 if a callback was not joined or did not end; no figure of time is judged.
"""

import argparse
import json
import os
import re
import secrets
import shutil
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterable
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import urllib3

from bench.aws_stub import FUNCTION, AwsStub
from bench.callback_flow import in_words, next_actions
from bench.gaps import gaps
from bench.nodes_report import NodeFigures, report
from bench.processes import Stat, tree
from bench.rtp_phone import Heard, RtpPhone, Switchboard, phones_at_work
from bench.tls_trunk import TlsTrunk
from lab.nodes import edge_process
from lab.nodes.edge_process import EdgeProcess
from lab.nodes.node_processes import NodeProcesses
from lab.telco.captures import Capture
from lab.telco.certificates import Authority
from lab.telco.phones import answers
from lab.telco.sipp import Sipp, tone_file
from pstn.lines.sip.child import free_port
from pstn.node.signature import sign

SHOWN, CALLER, CALLEE = "+12025550100", "+12025550110", "+12025550111"
PHONES, FIRST_RTP = "127.0.0.9", 20_000
DIRECTLY, EDGE, TLS = "directly", "through an edge", "through an edge with TLS and SRTP"
WAYS = DIRECTLY, EDGE, TLS
COMPANY = "company"
"""Folder, and in its processes' command lines."""
PER_SECOND, STREAM_PER_SECOND = 20, 10
SETTLES_S, JOINS_S, ENDS_S = 2.0, 20.0, 30.0
TALKS_S = 1.0
"""Of a callback of the stream."""
MOST_CALLS = 200
"""Of one station: more than it can carry, so that it is the machine that ends."""
LIMITS = {"calls": 2_000, "calls_per_second": 500}
"""Of the trunk: none that counts."""
PROGRAMS = {"kamailio": "Kamailio", "rtpengine": "rtpengine", "sipp": "telephones"}
_CALLS = "/sip-media-applications/duologue/calls"


class Site:
    """A node and what is beside it. `way`: one of WAYS. `phone`: SIP address of all telephones, host:port."""

    def __init__(self, folder: Path, way: str, phone: str) -> None:
        """Raises: ProcessError, RuntimeError: what is beside it did not start."""
        self.changed = threading.Condition()
        self.joined: dict[str, float] = {}
        """Monotonic seconds."""
        self.over: set[str] = set()
        self.told: dict[str, list[str]] = {}
        self._http = urllib3.PoolManager(retries=False)
        with ExitStack() as opened:
            self.aws = AwsStub(self._invoke)
            opened.callback(self.aws.close)
            self._node = NodeProcesses(self.aws.client, self.aws.environment, folder / "node")
            opened.callback(self._node.stop)
            self._node.prepare()
            rows = {"name": "bench", "display_numbers": [SHOWN], **LIMITS, "hosts": [phone]}
            shown: dict[str, Path] = {}
            if way == TLS:
                (folder / COMPANY).mkdir()
                trunk = TlsTrunk(folder / COMPANY, SHOWN, (CALLER, CALLEE), phone)
                opened.callback(trunk.close)
                rows |= trunk.rows
                pair = Authority(folder, "edge").issue("edge.example.net", edge_process.OUTSIDE)
                shown = {"certificate": pair.certificate, "key": pair.key}
            more = {"STATIONS": str(os.cpu_count()), "CALLS_PER_STATION": str(MOST_CALLS)}
            outputs = {"CallControl": FUNCTION, "RecordingsBucket": "recordings"}
            inside = free_port(edge_process.INSIDE)
            edges = [f"{edge_process.INSIDE}:{inside}"] if way != DIRECTLY else []
            self._node.start(1, rows, outputs, edge_process.NODES, edges, more)
            if edges:
                edge = EdgeProcess(folder / "edge", rows, self._node.sip_addresses, inside, shown)
                opened.callback(edge.close)
                self._wait_for_trunk(edge.metrics)
            self._opened = opened.pop_all()

    def close(self) -> None:
        self._opened.close()

    # -- calls
    def place(self, count: int, per_second: int, meanwhile: Callable[[], None] = lambda: None) -> list[str]:
        """Place so many callbacks at this rate. Returns the ids of those that the node took."""
        ids, begun = [], time.monotonic()
        for at in range(count):
            status, answer = self._post(_CALLS, {"FromPhoneNumber": SHOWN, "ToPhoneNumber": CALLER})
            if status == 201:
                ids.append(answer["SipMediaApplicationCall"]["TransactionId"])
            else:
                self.told[f"refused-{at}"] = [f"the node answered {status}"]
            meanwhile()
            time.sleep(max(0.0, begun + (at + 1) / per_second - time.monotonic()))
        return ids

    def end(self, ids: Iterable[str]) -> None:
        for each in ids:
            if each not in self.over:
                self._post(f"{_CALLS}/{each}", {"Arguments": {"end": "now"}})

    def wait(self, true: Callable[[], bool], seconds: float) -> None:
        with self.changed:
            self.changed.wait_for(true, seconds)

    def calls(self, since: float) -> int:
        """That the node says it has, in a heartbeat later than that (Unix seconds)."""
        while True:
            (row,) = self.aws.rows.values()
            if float(row["beat_at"]["N"]) > since:
                return int(row["calls"]["N"])
            time.sleep(0.1)

    def _wait_for_trunk(self, metrics: str) -> None:
        """Until the edge takes it for alive, which over TLS it must see first."""
        give_up = time.monotonic() + JOINS_S
        while not re.search(rb"^kamailio_edge_host_up\{.* 1\b", self._http.request("GET", metrics).data, re.MULTILINE):
            if time.monotonic() > give_up:
                raise RuntimeError("the edge does not reach the trunk")
            time.sleep(0.1)

    def _invoke(self, event: dict[str, Any]) -> dict[str, Any]:
        call, kind = event["CallDetails"]["TransactionId"], event["InvocationEventType"]
        with self.changed:
            self.told.setdefault(call, []).append(in_words(event))
            if (kind, event.get("ActionData", {}).get("Type")) == ("ACTION_SUCCESSFUL", "CallAndBridge"):
                self.joined[call] = time.monotonic()
            elif kind == "HANGUP" and not any(
                leg.get("Status") == "Connected" for leg in event["CallDetails"]["Participants"]
            ):
                self.over.add(call)
            self.changed.notify_all()
        return {"SchemaVersion": "1.0", "Actions": next_actions(event, CALLEE, SHOWN)}

    def _post(self, path: str, body: dict[str, Any]) -> tuple[int, Any]:
        (row,) = self.aws.rows.values()
        address, content = row["address"]["S"], json.dumps(body).encode()
        secret, nonce = self._node.secret, secrets.token_hex(16)
        signed = sign(secret, "POST", address, path, content, time=int(time.time()), nonce=nonce)
        answer = self._http.request("POST", f"http://{address}{path}", body=content, headers=signed)
        return answer.status, json.loads(answer.data or b"{}")


def at_once(site: Site, capture: Capture, way: str, count: int, seconds: float) -> NodeFigures:
    """So many callbacks, all of them up together for so long."""
    figures = NodeFigures(way, count, load=os.getloadavg()[0])
    ids = site.place(count, PER_SECOND)
    site.wait(lambda: site.joined.keys() >= set(ids), JOINS_S)
    time.sleep(SETTLES_S)
    before, since, began = cpu(tree(os.getpid())), time.time(), time.monotonic()
    time.sleep(seconds)
    after, until, figures.seconds = cpu(tree(os.getpid())), time.time(), time.monotonic() - began
    figures.cpu = {each: after[each] - before.get(each, 0.0) for each in after}
    figures.joined = len(site.joined.keys() & set(ids))
    _finish(site, figures, ids)
    figures.gaps = gaps(capture.packets(), since, until)
    return figures


def stream(site: Site, way: str, count: int) -> NodeFigures:
    """So many callbacks, ten a second, one second of talk each."""
    figures = NodeFigures(way, count, load=os.getloadavg()[0])
    due: set[str] = set()

    def end_due() -> None:
        ready = {each for each, at in list(site.joined.items()) if time.monotonic() > at + TALKS_S} - due
        due.update(ready)
        site.end(ready)

    figures.memory_mb.append(_memory())
    before, began, ids = cpu(tree(os.getpid())), time.monotonic(), list[str]()
    for part in (count // 2, count - count // 2):
        ids += site.place(part, STREAM_PER_SECOND, end_due)
        figures.memory_mb.append(_memory())
    site.wait(lambda: site.joined.keys() >= set(ids), JOINS_S)
    time.sleep(TALKS_S)
    figures.joined = len(site.joined.keys() & set(ids))
    _finish(site, figures, ids)
    figures.memory_mb.append(_memory())
    after, figures.seconds = cpu(tree(os.getpid())), time.monotonic() - began
    figures.cpu = {each: after[each] - before.get(each, 0.0) for each in after}
    return figures


def delay(folder: Path, way: str, seconds: float) -> Heard:
    """How late two telephones that number their audio hear each other, in the only call."""
    pair = RtpPhone(), RtpPhone()
    trunk = Switchboard(*pair)
    with phones_at_work(*pair, trunk):
        site = Site(folder, way, trunk.address)
        try:
            ids = site.place(1, PER_SECOND)
            site.wait(lambda: site.joined.keys() >= set(ids), JOINS_S)
            time.sleep(SETTLES_S)
            since = [len(phone.got) for phone in pair]
            time.sleep(seconds)
            one, other = (me.heard(you, at) for me, you, at in zip(pair, reversed(pair), since, strict=True))
            site.end(ids)
            site.wait(lambda: site.over >= set(ids), ENDS_S)
        finally:
            site.close()
    return one.and_(other)


def telephone(folder: Path) -> list[str]:
    """The steps of SIPp: it answers the edge's OPTIONS, and every call until the other side hangs up."""
    *steps, ok = answers().steps(tone_file(folder, 440))
    return ['<recv request="OPTIONS" optional="true" next="ok"/>', *steps, '<label id="ok"/>', ok]


def _finish(site: Site, figures: NodeFigures, ids: list[str]) -> None:
    site.end(ids)
    site.wait(lambda: site.over >= set(ids), ENDS_S)
    figures.stuck = site.calls(time.time())
    not_joined = [each for each in site.told if each not in site.joined]
    figures.not_joined = Counter(", ".join(site.told.pop(each)) for each in not_joined)


def role(command: str) -> str:
    """Of a process, by its command line with blanks between the words."""
    if f"/{COMPANY}/" in command and "until_lab_ends" not in command:
        return "telephone company"
    program = Path(command.partition(" ")[0]).name
    if program in PROGRAMS:
        return PROGRAMS[program]
    if "until_lab_ends" in command:
        return "bench"
    return "node" if " -m pstn serve" in command else "stations" if " -m pstn.lines" in command else "bench"


def cpu(stats: Iterable[Stat]) -> dict[str, float]:
    """CPU seconds of the processes of each role so far."""
    found = dict[str, float]()
    for stat in stats:
        name = role(_command(stat.pid))
        found[name] = found.get(name, 0.0) + stat.seconds
    return found


def _command(pid: int) -> str:
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
    except OSError:  # it ended meanwhile
        return ""


def _memory() -> float:
    """Resident, of the node with its stations (MB)."""
    total = 0.0
    for stat in tree(os.getpid()):
        if role(_command(stat.pid)) in ("node", "stations"):
            status = Path(f"/proc/{stat.pid}/status").read_text()
            total += int(status.split("VmRSS:")[1].split()[0]) / 1024
    return total


def missing() -> str | None:
    """Why this cannot run here; None: it can."""
    absent = [name for name in ("sipp", "tcpdump") if not shutil.which(name)]
    return edge_process.missing() or (f"not installed: {', '.join(absent)}" if absent else None)


def main() -> int:
    """The exit status."""
    parser = argparse.ArgumentParser(prog="python -m bench.nodes", description="What a node and an edge carry")
    parser.add_argument("--calls", type=int, nargs="*", default=[40, 80, 120, 160], help="(default: 40 80 120 160)")
    parser.add_argument("--tls", type=int, default=40, help="at once with TLS and SRTP; 0: none (default: %(default)s)")
    parser.add_argument("--seconds", type=float, default=10.0, help="of talk (default: %(default)s)")
    parser.add_argument("--stream", type=int, default=300, help="callbacks one after the other (default: %(default)s)")
    parser.add_argument("--into", type=Path, help="write the figures here too")
    asked = parser.parse_args()
    if reason := missing():
        print(reason, file=sys.stderr)
        return 1
    runs, streams, delays = list[NodeFigures](), list[NodeFigures](), list[tuple[str, Heard]]()
    with tempfile.TemporaryDirectory(prefix="nodes-") as name:
        for at, way in enumerate(WAYS):
            sizes = asked.calls if way != TLS else [asked.tls] if asked.tls else []
            if not sizes:
                continue
            folder = Path(name) / str(at)
            for each in ("phones", "calls", "delay"):
                (folder / each).mkdir(parents=True)
            if way != TLS:
                delays.append((way, delay(folder / "delay", way, asked.seconds)))
            sipp = Sipp(
                folder / "phones", telephone(folder), host=PHONES, port=free_port(PHONES), media=FIRST_RTP, calls=0
            )
            with sipp:
                site = Site(folder / "calls", way, f"{PHONES}:{sipp.port}")
                try:
                    for count in sizes:
                        capture = Capture(None, "lo", folder / f"{count}.pcap", f"udp and dst host {PHONES}")
                        try:
                            runs.append(at_once(site, capture, way, count, asked.seconds))
                        finally:
                            capture.close()
                            capture.file.unlink()
                    if way == EDGE and asked.stream:
                        streams.append(stream(site, way, asked.stream))
                finally:
                    site.close()
    said = report(runs, streams, delays)
    print(said, flush=True)
    if asked.into:
        asked.into.write_text(said, encoding="utf-8")
    return 0 if all(run.joined == run.calls and not run.stuck for run in [*runs, *streams]) else 1


if __name__ == "__main__":
    sys.exit(main())
