"""The journal of the services, sent to CloudWatch Logs: there is no other agent on the machine.

Lines of JSON stay as they are, so that CloudWatch finds metrics in the embedded metric format.
"""

import json
import logging
import os
import select
import subprocess
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from botocore.exceptions import BotoCoreError, ClientError

MOST_EVENTS, MOST_BYTES, OF_EACH = 1_000, 1_000_000, 26
"""Of a request: CloudWatch takes 10,000 events and 1,048,576 bytes, and adds 26 to each event.
https://docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/API_PutLogEvents.html"""
LONGEST_LINE = 256_000
SEND_AFTER_S = 2.0
Event = dict[str, Any]
_log = logging.getLogger(__name__)


class Journal:
    """`journalctl` of these units, from the entry after the one that the file `position` names; else of this boot."""

    def __init__(self, units: Sequence[str], position: Path) -> None:
        self._position = position
        said = position.read_text(encoding="utf-8") if position.exists() else ""
        begin = f"--after-cursor={said}" if said else "--boot"
        named = [f"--unit={unit}" for unit in units]
        command = ["journalctl", "--follow", "--no-tail", "--output=json", "--all", begin, *named]
        self._process = subprocess.Popen(command, stdout=subprocess.PIPE)

    def batches(self) -> Iterator[list[bytes]]:
        """The lines that were written within SEND_AFTER_S, until journalctl ends."""
        assert self._process.stdout
        yield from batches(self._process.stdout.fileno())

    def sent(self, cursor: str) -> None:
        """Everything up to this entry has been sent: the next run begins after it."""
        new = self._position.with_suffix(".new")
        new.write_text(cursor, encoding="utf-8")
        new.replace(self._position)

    def close(self) -> None:
        self._process.terminate()
        self._process.wait()


def batches(pipe: int) -> Iterator[list[bytes]]:
    """Whole lines from a pipe, those of SEND_AFTER_S together; an empty list if there were none."""
    rest = b""
    while True:
        ends = time.monotonic() + SEND_AFTER_S
        read = rest
        at_end = False
        while not at_end and len(read) < MOST_BYTES and (left := ends - time.monotonic()) > 0:
            if select.select([pipe], [], [], left)[0]:
                more = os.read(pipe, 65_536)
                read, at_end = read + more, not more
        *lines, rest = read.split(b"\n")
        yield lines
        if at_end:
            return


class Entry(NamedTuple):
    cursor: str
    event: Event | None
    """None: it has no text."""


def entry(line: bytes) -> Entry:
    """One line of `journalctl --output=json`."""
    read = json.loads(line)
    message = read.get("MESSAGE")
    if isinstance(message, list):  # bytes that are no text
        message = bytes(message).decode("utf-8", "replace")
    if not message:
        return Entry(read["__CURSOR"], None)
    text = message.encode()[:LONGEST_LINE].decode("utf-8", "ignore")
    return Entry(read["__CURSOR"], {"timestamp": int(read["__REALTIME_TIMESTAMP"]) // 1000, "message": text})


class Sender:
    """Collects events, and sends them in requests that CloudWatch takes, in the order of their times."""

    def __init__(self, client: Any, group: str, stream: str, sleep: Callable[[float], None] = time.sleep) -> None:
        self._client, self._group, self._stream, self._sleep = client, group, stream, sleep
        self._waiting: list[Event] = []
        self._bytes = 0

    def start(self) -> None:
        """Make the stream, unless a run before has."""
        try:
            self._client.create_log_stream(logGroupName=self._group, logStreamName=self._stream)
        except ClientError as error:
            if error.response["Error"]["Code"] != "ResourceAlreadyExistsException":
                raise

    def add(self, one: Event) -> None:
        size = len(one["message"].encode()) + OF_EACH
        if self._waiting and (len(self._waiting) >= MOST_EVENTS or self._bytes + size > MOST_BYTES):
            self.send()
        self._waiting.append(one)
        self._bytes += size

    def send(self) -> None:
        """All that was added. A failure is repeated until it succeeds: the journal keeps what follows meanwhile."""
        pause = 1.0
        while self._waiting:
            try:
                self._client.put_log_events(
                    logGroupName=self._group,
                    logStreamName=self._stream,
                    logEvents=sorted(self._waiting, key=lambda one: int(one["timestamp"])),
                )
            except (BotoCoreError, ClientError) as error:
                if isinstance(error, ClientError) and error.response["Error"]["Code"] == "InvalidParameterException":
                    _log.warning("%d lines were refused, and are in the journal only: %s", len(self._waiting), error)
                    break
                self._sleep(pause)
                pause = min(pause * 2, 60.0)
            else:
                break
        self._waiting, self._bytes = [], 0


def forward(journal: Journal, sender: Sender, measured: Callable[[], Iterable[str]] = tuple) -> None:
    """Until the journal ends. `measured`: the lines of metrics that are due."""
    for lines in journal.batches():
        entries = [entry(line) for line in lines]
        for each in entries:
            if each.event:
                sender.add(each.event)
        for line in measured():
            sender.add({"timestamp": int(time.time() * 1000), "message": line})
        sender.send()
        if entries:
            journal.sent(entries[-1].cursor)
