"""Nodes as processes of this machine: `duologue-pstn serve` with the settings of docs/pstn-nodes.md."""

import secrets
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from lab.nodes.lab_process import LabProcess, ProcessError
from lab.nodes.trunk_file import trunk_file
from pstn.lines.sip.child import LOOPBACK, free_port

TABLE, SECRET = "lab-nodes", "lab-node-secret"
RTP_PORTS, NODE_PORTS = 20_000, 2_000
"""The first port of RTP, and how many each node has: none is used by the scripted phones, whose ports are theirs."""
_READY_S, _POLL_S = 60.0, 0.1


class NodeProcesses:
    """`client` creates a client of an AWS service; `environment` gives the variables that lead a process to it."""

    def __init__(self, client: Any, environment: Callable[[], Mapping[str, str]], folder: Path) -> None:
        self._client, self._environment, self.folder = client, environment, folder
        self.secret = secrets.token_hex(32)
        self._processes: list[LabProcess] = []
        self.sip_addresses: list[str] = []
        """Where each takes SIP."""

    def prepare(self) -> dict[str, str]:
        """Make the table and the secret. Returns the template's parameters."""
        self.folder.mkdir(parents=True, exist_ok=True)
        self._client("dynamodb").create_table(
            TableName=TABLE,
            BillingMode="PAY_PER_REQUEST",
            KeySchema=[{"AttributeName": "kind", "KeyType": "HASH"}, {"AttributeName": "node", "KeyType": "RANGE"}],
            AttributeDefinitions=[{"AttributeName": name, "AttributeType": "S"} for name in ("kind", "node")],
        )
        self._client("secretsmanager").create_secret(Name=SECRET, SecretString=self.secret)
        return {"Carrier": "sip", "NodesTable": TABLE, "NodeSecret": SECRET}

    def start(
        self,
        count: int,
        trunk: Mapping[str, Any],
        outputs: Mapping[str, str],
        interface: str = LOOPBACK,
        edges: Sequence[str] = (),
        more: Mapping[str, str] | None = None,
    ) -> None:
        """Start so many, each with this trunk in its trunk file; returns when all have room. `more`: further settings.

        Raises: ProcessError.
        """
        for index in range(count):
            port = free_port(interface)
            begin = RTP_PORTS + index * NODE_PORTS
            file = trunk_file(
                self.folder / f"trunks-{index}.yaml", trunk, interface, port, (begin, begin + NODE_PORTS - 1)
            )
            settings = {
                "TRUNKS": str(file),
                "LAMBDA_ARN": outputs["CallControl"],
                "NODES_TABLE": TABLE,
                "SECRETS": "NODE_SECRET",
                "API": f"{LOOPBACK}:0",
                "ADMIN": f"{LOOPBACK}:0",
                "RECORDINGS_BUCKET": outputs["RecordingsBucket"],
                "SPOOL": str(self.folder / f"unstored-{index}"),
                "STATIONS": "1",
                **({"EDGES": ",".join(edges)} if edges else {}),
                **(more or {}),
            }
            own = {f"DUOLOGUE_PSTN_{name}": value for name, value in settings.items()}
            environ = {**self._environment(), **own, "NODE_SECRET": self.secret}
            self._processes.append(LabProcess([sys.executable, "-m", "pstn", "serve"], self.log(index), environ))
            self.sip_addresses.append(f"{interface}:{port}")
        self._wait(count)

    def log(self, index: int) -> Path:
        return self.folder / f"node-{index}.log"

    def drain(self) -> None:
        """Let all leave in order: they take no call any more. Returns when they have left."""
        for process in self._processes:
            process.terminate()
        while not all(process.has_ended for process in self._processes):
            time.sleep(_POLL_S)

    def stop(self) -> None:
        """End all with their calls, which the first of two signals would wait for."""
        for process in self._processes:
            process.terminate()
        time.sleep(_POLL_S)
        for process in self._processes:
            process.stop()
        self._processes = []

    def _wait(self, count: int) -> None:
        deadline = time.monotonic() + _READY_S
        while self._with_room() < count:
            dead = [index for index, process in enumerate(self._processes) if process.has_ended]
            if dead or time.monotonic() > deadline:
                index = (dead or [0])[0]
                tail = self.log(index).read_text(encoding="utf-8", errors="replace")[-1500:]
                self.stop()
                raise ProcessError(f"Node {index} did not start: {tail}")
            time.sleep(_POLL_S)

    def _with_room(self) -> int:
        rows = self._client("dynamodb").scan(TableName=TABLE, ConsistentRead=True)["Items"]
        return sum(int(row["room"]["N"]) > 0 for row in rows)
