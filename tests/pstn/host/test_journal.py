"""The journal reaches CloudWatch Logs whole, in order, in requests that it takes, from where the last run ended."""

import json
import os
from typing import Any

import botocore.session
import pytest
from botocore.stub import Stubber

from pstn.host import journal
from pstn.host.journal import MOST_BYTES, MOST_EVENTS, OF_EACH, Sender, batches, entry, forward
from pstn.host.machine import EVERY_S, NAMESPACE, Measured, disk

_GROUP, _STREAM = "/duologue/pstn/nodes", "i-0123456789abcdef0"
_WHERE = {"logGroupName": _GROUP, "logStreamName": _STREAM}


class Logs:
    """Takes requests, after so many refusals with this code."""

    def __init__(self, refusals: int = 0, code: str = "ThrottlingException") -> None:
        self.client: Any = botocore.session.get_session().create_client("logs", region_name="us-east-1")
        self.taken: list[list[dict[str, Any]]] = []
        self.slept: list[float] = []
        self._stubber, self._left, self._code = Stubber(self.client), refusals, code

    def put_log_events(self, **given: Any) -> None:
        if self._left:
            self._left -= 1
            self._stubber.add_client_error("put_log_events", self._code)
        else:
            self._stubber.add_response("put_log_events", {})
            self.taken.append(given["logEvents"])
        with self._stubber:
            self.client.put_log_events(**given)

    def sender(self) -> Sender:
        return Sender(self, _GROUP, _STREAM, self.slept.append)


class Read:
    """A journal of these batches of lines."""

    def __init__(self, *lines: list[bytes]) -> None:
        self.lines, self.positions = lines, list[str]()

    def batches(self):
        return iter(self.lines)

    def sent(self, cursor: str) -> None:
        self.positions.append(cursor)


def line(number: int, message: Any = "text") -> bytes:
    written = {"__CURSOR": f"s={number}", "__REALTIME_TIMESTAMP": str(1_700_000_000_000_000 + number * 1000)}
    return json.dumps(written | {"MESSAGE": message}).encode()


@pytest.mark.parametrize(
    ("message", "text"),
    [("text", "text"), ([104, 105, 255], "hi�"), (None, None), ("", None), ("é" * 200_000, "é" * 128_000)],
)
def test_an_entry_has_the_text_and_the_time_of_its_line(message, text):
    read = entry(line(7, message))
    assert read.cursor == "s=7"
    assert read.event == (text and {"timestamp": 1_700_000_000_007, "message": text})


def test_all_are_sent_in_the_order_of_their_times_and_then_the_position_is_kept():
    logs, read = Logs(), Read([line(2), line(1)], [line(3, None)], [line(4)])
    forward(read, logs.sender())  # type: ignore[arg-type]
    assert [[each["timestamp"] % 100 for each in request] for request in logs.taken] == [[1, 2], [4]]
    assert read.positions == ["s=1", "s=3", "s=4"]


@pytest.mark.parametrize(("number", "length"), [(MOST_EVENTS * 2 + 1, 1), (30, 100_000)])
def test_no_request_is_larger_than_cloudwatch_takes(number: int, length: int):
    logs = Logs()
    forward(Read([line(each, "x" * length) for each in range(number)]), logs.sender())  # type: ignore[arg-type]
    assert sum(map(len, logs.taken)) == number
    for request in logs.taken:
        assert len(request) <= 10_000 and sum(len(each["message"]) + OF_EACH for each in request) <= 1_048_576
    assert MOST_BYTES <= 1_048_576


def test_what_is_refused_for_now_is_sent_later_and_only_once():
    logs = Logs(refusals=9)
    forward(Read([line(1)]), logs.sender())  # type: ignore[arg-type]
    assert len(logs.taken) == 1
    assert logs.slept == [1, 2, 4, 8, 16, 32, 60, 60, 60]


def test_what_is_refused_for_good_does_not_hold_up_what_follows():
    logs = Logs(refusals=1, code="InvalidParameterException")
    forward(Read([line(1)], [line(2)]), logs.sender())  # type: ignore[arg-type]
    assert [[each["timestamp"] % 100 for each in request] for request in logs.taken] == [[2]]


def test_a_stream_of_an_earlier_run_is_used_again():
    client = botocore.session.get_session().create_client("logs", region_name="us-east-1")
    with Stubber(client) as stubber:
        stubber.add_client_error("create_log_stream", "ResourceAlreadyExistsException", expected_params=_WHERE)
        Sender(client, _GROUP, _STREAM).start()
        stubber.assert_no_pending_responses()


def test_lines_are_read_whole_however_they_come(monkeypatch):
    monkeypatch.setattr(journal, "SEND_AFTER_S", 0.01)
    ours, theirs = os.pipe()
    os.write(theirs, b"one\ntw")
    reading = batches(ours)
    assert next(reading) == [b"one"]
    os.write(theirs, b"o\nthree\nlost")
    os.close(theirs)
    assert [each for some in reading for each in some] == [b"two", b"three"]
    os.close(ours)


def test_the_machine_is_measured_once_a_minute_even_if_nothing_is_written():
    now = [0.0]
    measured = Measured(disk("nodes"), clock=lambda: now[0], now=lambda: 1_700_000_000)
    logs, read = Logs(), Read([], [], [line(1)])
    forward(read, logs.sender(), measured)  # type: ignore[arg-type]
    assert len(logs.taken) == 2 and read.positions == ["s=1"]
    [sent] = logs.taken[0]
    said = json.loads(sent["message"])
    [directive] = said["_aws"]["CloudWatchMetrics"]
    assert (directive["Namespace"], directive["Dimensions"], said["Group"]) == (NAMESPACE, [["Group"]], "nodes")
    assert 0 < said["DiskUsed"] <= 100
    for late in (0, 2, 1):
        now[0] += EVERY_S + late
        assert measured() and not measured()
        now[0] -= late
