"""The product with Carrier sip: nodes, and edges between them and the stand-in telephone company.

    10.20.0.0/24                              198.51.100.0/24
    lab (AWS, stack), nodes ── edges ═ TLS, SRTP ═ company ── telephones

The lab and the nodes are on the customer's machine, each edge has one of its own. Everything can be killed and started
again while calls are up.
"""

import os
import re
import secrets
import signal
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from lab.cases.catalogue import PARAMETERS
from lab.cases.trunk_calls import DIVERTED_BY, SHOWN, main_trunk, upload_notice
from lab.lab import ROOT, Lab
from lab.sp.service_provider import ServiceProvider, open_sp
from lab.telco.certificates import Authority
from lab.telco.namespaces import INSIDE, OUTSIDE, Namespace, address
from lab.telco.telco import CUSTOMER, Account, Telco

FIRST_EDGE = 21
"""Last part of the first edge's addresses."""
EDGE_SIP, EDGE_TLS = 5060, 5061
ACME = Account(
    "acme",
    (*SHOWN, DIVERTED_BY),
    srtp="mandatory",
    tls=True,
    address=f"{address(OUTSIDE, FIRST_EDGE)}:{EDGE_TLS};transport=tls",
)
"""Calls to its numbers go to the first edge."""
TABLE, SECRET = "site-nodes", "site-node-secret"
_NODE_SIP, _NODE_RTP, _RTP_STEP = 5080, 40_000, 4_000
_ADMIN = 9443
_CONTROL = "127.0.0.1:9101"
"""Of an edge, in its namespace."""
_STARTS_S, _LOOK_S = 120.0, 0.1


@dataclass
class Process:
    """One that can be killed and started again."""

    name: str
    namespace: Namespace
    command: list[str]
    log: Path
    ready: Callable[[], bool]
    environ: dict[str, str] = field(default_factory=dict)
    _popen: subprocess.Popen[bytes] | None = None

    @property
    def pid(self) -> int:
        assert self._popen
        return self._popen.pid

    @property
    def alive(self) -> bool:
        return self._popen is not None and self._popen.poll() is None

    def start(self) -> None:
        """Raises: RuntimeError: it is not ready in time; with the end of its log."""
        with self.log.open("ab") as out:
            self._popen = self.namespace.start(
                *self.command,
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=out,
                cwd=ROOT,
                env={**os.environ, **self.environ},
                start_new_session=True,
            )
        give_up = time.monotonic() + _STARTS_S
        while not self.ready():
            if not self.alive or time.monotonic() > give_up:
                raise RuntimeError(f"{self.name} did not start: {self.log.read_text(errors='replace')[-2000:]}")
            time.sleep(_LOOK_S)

    def kill(self) -> None:
        """With all that it forked, as when its machine is gone."""
        if self._popen:
            if self.alive:
                os.killpg(self._popen.pid, signal.SIGKILL)
            self._popen.wait()

    def terminate(self) -> None:
        assert self._popen
        self._popen.terminate()

    def children(self) -> list[int]:
        """Processes that it forked."""
        found = subprocess.run(["pgrep", "-P", str(self.pid)], capture_output=True, text=True, check=False)
        return [int(each) for each in found.stdout.split()]


@dataclass(frozen=True)
class EdgeMachine:
    kamailio: Process
    rtpengine: Process


@dataclass
class Site:
    telco: Telco
    lab: Lab
    sp: ServiceProvider
    nodes: list[Process]
    edges: list[EdgeMachine]

    @property
    def outside(self) -> tuple[str, ...]:
        """The edges' addresses."""
        return tuple(address(OUTSIDE, FIRST_EDGE + at) for at in range(len(self.edges)))

    def metrics(self, node: Process) -> str:
        """In Prometheus's format."""
        with urllib.request.urlopen(f"http://127.0.0.1:{_ADMIN + self.nodes.index(node)}/metrics", timeout=5) as answer:
            return str(answer.read().decode())

    def rows(self) -> list[dict[str, Any]]:
        """Of the nodes' table."""
        items = self.lab.client("dynamodb").scan(TableName=TABLE, ConsistentRead=True)["Items"]
        return [{name: next(iter(value.values())) for name, value in item.items()} for item in items]


@contextmanager
def site(telco: Telco, *, nodes: int = 2, edges: int = 2, stations: int = 1) -> Iterator[Site]:
    """This thread is on the customer's machine meanwhile. `telco` has the account ACME."""
    folder = telco.folder / "site"
    folder.mkdir()
    trunk = main_trunk(telco, calls=500, calls_per_second=50)
    del trunk["registration"]
    with telco.customer.entered():
        parameters = {**PARAMETERS, "Carrier": "sip", "NodesTable": TABLE, "NodeSecret": SECRET}
        with Lab(auth=True, parameters=parameters, numbers=SHOWN, state_dir=telco.folder / "lab") as lab:
            secret = _prepare(lab)
            machines = [edge_machine(telco, folder, trunk, at, nodes) for at in range(edges)]
            try:
                for machine in machines:
                    machine.rtpengine.start()
                    machine.kamailio.start()
                running = [_node(telco, lab, folder, trunk, secret, at, edges, stations) for at in range(nodes)]
                for node in running:
                    node.start()
                upload_notice(lab)
                sp = open_sp(lab.api_url, lab.environment, name="acme", numbers=SHOWN, settings=("--recording",))
                try:
                    yield Site(telco, lab, sp, running, machines)
                finally:
                    sp.close()
                    for node in running:
                        node.kill()
            finally:
                for machine in machines:
                    machine.kamailio.kill()
                    machine.rtpengine.kill()


def _prepare(lab: Lab) -> str:
    """Make the nodes' table and their secret, which it returns, as pstn.yaml does."""
    secret = secrets.token_hex(32)
    lab.client("dynamodb").create_table(
        TableName=TABLE,
        BillingMode="PAY_PER_REQUEST",
        KeySchema=[{"AttributeName": "kind", "KeyType": "HASH"}, {"AttributeName": "node", "KeyType": "RANGE"}],
        AttributeDefinitions=[{"AttributeName": name, "AttributeType": "S"} for name in ("kind", "node")],
    )
    lab.client("secretsmanager").create_secret(Name=SECRET, SecretString=secret)
    return secret


def _node(
    telco: Telco, lab: Lab, folder: Path, trunk: dict[str, Any], secret: str, at: int, edges: int, stations: int
) -> Process:
    first = _NODE_RTP + at * _RTP_STEP
    rows = {"interface": CUSTOMER, "sip_port": _NODE_SIP + 10 * at, "rtp_ports": f"{first}-{first + _RTP_STEP - 1}"}
    file = folder / f"trunks-{at}.yaml"
    file.write_text(yaml.safe_dump({**rows, "trunks": [trunk]}))
    admin = _ADMIN + at
    settings = {
        "TRUNKS": str(file),
        "LAMBDA_ARN": lab.outputs["CallControl"],
        "NODES_TABLE": TABLE,
        "SECRETS": "NODE_SECRET",
        "API": f"127.0.0.1:{8443 + at}",
        "ADMIN": f"127.0.0.1:{admin}",
        "RECORDINGS_BUCKET": lab.outputs["RecordingsBucket"],
        "SPOOL": str(folder / f"unstored-{at}"),
        "STATIONS": str(stations),
        "EDGES": ",".join(f"{address(INSIDE, FIRST_EDGE + edge)}:{EDGE_SIP}" for edge in range(edges)),
    }
    own = {f"DUOLOGUE_PSTN_{name}": value for name, value in settings.items()}
    return Process(
        f"node {at + 1}",
        telco.customer,
        [sys.executable, "-m", "pstn", "serve"],
        folder / f"node-{at}.log",
        lambda: _says_ok(f"http://127.0.0.1:{admin}/readyz"),
        {**lab.environment, **own, "NODE_SECRET": secret},
    )


def edge_machine(telco: Telco, folder: Path, trunk: dict[str, Any], at: int, nodes: int) -> EdgeMachine:
    host = FIRST_EDGE + at
    outside, inside = address(OUTSIDE, host), address(INSIDE, host)
    machine = telco.network.machine(f"edge-{at + 1}", outside=host, inside=host)
    own, run = folder / f"edge-{at}", folder / f"run-{at}"
    run.mkdir()
    certificate = Authority(folder, f"edges-{at}").issue(f"edge-{at}", outside)
    file = folder / f"edge-{at}.yaml"
    file.write_text(yaml.safe_dump({"interface": outside, "rtp_ports": "30000-39999", "trunks": [trunk]}))
    options = {
        "out": own,
        "run": run,
        "inside": f"{inside}:{EDGE_SIP}",
        "outside": outside,
        "certificate": certificate.certificate,
        "key": certificate.key,
        "nodes-from": f"{CUSTOMER}/32",
    }
    command = [sys.executable, "-m", "pstn", "edge", "render", str(file)]
    command += [word for name, value in options.items() for word in (f"--{name}", str(value))]
    command += [word for node in range(nodes) for word in ("--node", f"{CUSTOMER}:{_NODE_SIP + 10 * node}")]
    rendered = subprocess.run(command, capture_output=True, text=True, check=False, cwd=ROOT)
    if rendered.returncode:
        raise RuntimeError(f"duologue-pstn edge render: {rendered.stderr}")
    media = ["rtpengine", "-f", "-E", f"--config-file={own}/rtpengine.conf", f"--pidfile={run}/rtpengine.pid"]
    sip = ["kamailio", "-f", f"{own}/kamailio.cfg", "-DD", "-E", "-m", "64", "-M", "16", "-Y", str(run), "-w", str(run)]
    return EdgeMachine(
        Process(f"Kamailio of edge {at + 1}", machine, sip, folder / f"kamailio-{at}.log", lambda: _serves(machine)),
        Process(
            f"rtpengine of edge {at + 1}",
            machine,
            media,
            folder / f"rtpengine-{at}.log",
            lambda: bool(re.search(r":22222\b", machine.run("ss", "-lun"))),
        ),
    )


def sees_trunks(machine: Namespace) -> bool:
    """Whether the edge knows all hosts of its trunks to be up."""
    with machine.entered(), urllib.request.urlopen(f"http://{_CONTROL}/metrics", timeout=5) as answer:
        lines = answer.read().decode().splitlines()
    found = [line.rpartition("} ")[2].split()[0] for line in lines if line.startswith("kamailio_edge_host_up{")]
    return bool(found) and all(float(each) == 1 for each in found)


def _serves(machine: Namespace) -> bool:
    with machine.entered():
        return _says_ok(f"http://{_CONTROL}/metrics")


def _says_ok(url: str) -> bool:
    try:
        with urllib.request.urlopen(url, timeout=2) as answer:  # noqa: S310 - a node's or an edge's, over HTTP
            return bool(answer.status == 200)
    except OSError:
        return False
