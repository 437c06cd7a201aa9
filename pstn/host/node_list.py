"""The nodes that take calls from trunks, for the edge's Kamailio: its list of destinations follows the nodes table.

https://www.kamailio.org/docs/modules/5.6.x/modules/dispatcher.html#dispatcher.list.file
"""

import logging
import os
import time
from collections.abc import Callable
from dataclasses import dataclass
from ipaddress import IPv4Address
from pathlib import Path
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

EVERY_S = 5.0
DEAD_AFTER_S = 15.0
"""As the platform has it: a node writes its row every 5 s."""
_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class NodeList:
    """`client`: of botocore, for DynamoDB. `sip_port`: of a node of an older release, whose row names no port.

    `reload`: Kamailio reads `file` again.
    """

    client: Any
    table: str
    sip_port: int
    file: Path
    reload: Callable[[], None]

    def follow(self, sleep: Callable[[float], None] = time.sleep, now: Callable[[], float] = time.time) -> None:
        """For ever. While the table cannot be read, the list stays: Kamailio asks each node whether it lives."""
        while True:
            try:
                self.update(now())
            except (OSError, BotoCoreError, ClientError) as error:
                _log.warning("the list of nodes stays as it is: %s: %s", type(error).__name__, error)
            sleep(EVERY_S)

    def update(self, now: float) -> None:
        """Write the file and have it read, if it is another. `now`: unix seconds."""
        text = "".join(f"1 sip:{address}:{port} 0 0\n" for port, address in self._living(now))
        if self.file.exists() and self.file.read_text(encoding="utf-8") == text:
            return
        new = self.file.with_name(f".{self.file.name}.new")
        new.unlink(missing_ok=True)
        with os.fdopen(os.open(new, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="utf-8") as file:
            file.write(text)
        before = self.file.read_text(encoding="utf-8") if self.file.exists() else None
        new.replace(self.file)
        try:
            self.reload()
        except OSError:
            # So that the next turn has something to reload.
            self.file.write_text(before or "# not loaded\n", encoding="utf-8")
            raise
        _log.info("nodes that take calls: %d", text.count("\n"))

    def _living(self, now: float) -> list[tuple[int, IPv4Address]]:
        """Each process of each node. Neighbours are of different nodes: Kamailio goes on with the next one if one does
        not answer.
        """
        pages = self.client.get_paginator("query").paginate(
            TableName=self.table,
            KeyConditionExpression="kind = :kind",
            ExpressionAttributeValues={":kind": {"S": "node"}},
        )
        rows = [row for page in pages for row in page["Items"]]
        places = set[tuple[int, IPv4Address]]()
        for row in filter(lambda row: _takes_calls(row, now), rows):
            address = IPv4Address(row["address"]["S"].partition(":")[0])
            places |= {(int(port), address) for port in row.get("sip_ports", {}).get("NS", [self.sip_port])}
        return sorted(places)


def _takes_calls(row: dict[str, Any], now: float) -> bool:
    leaves = any(row.get(name, {}).get("BOOL") for name in ("draining", "gone", "buried"))
    return not leaves and now - float(row["beat_at"]["N"]) < DEAD_AFTER_S
