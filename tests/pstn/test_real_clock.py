"""The same exchange on the machine's own clock: threads, a pool, and Lambdas beside one another.

What is asserted does not depend on how fast the machine is; each wait ends with its event or fails the test.
"""

import threading
from typing import Any

import pytest

from pstn.clocks import RealClock
from pstn.lines import AudioFile
from pstn.lines.behaviours import Behaviour
from pstn.lines.virtual import Phone
from pstn.recordings import MemoryRecordings
from pstn.service import PstnService
from pstn.switches import Switches
from tests.pstn.scripted import SHOWN_A, SHOWN_B, A, B, action, bridge, hang_up, hang_up_the_rest, key_of, play

PATIENCE = 20.0


def test_timers_run_in_order_and_cancelled_ones_do_not():
    clock = RealClock()
    ran: list[int] = []
    done = threading.Event()
    clock.call_later(0.03, done.set)
    clock.call_later(0.02, lambda: ran.append(2))
    clock.call_later(0.01, lambda: ran.append(1))
    clock.call_later(0.0, lambda: ran.append(9)).cancel()
    assert done.wait(PATIENCE)
    clock.stop()
    assert ran in ([1, 2], [9, 1, 2])


def _fail() -> None:
    raise ZeroDivisionError


def test_a_broken_callback_does_not_stop_the_clock():
    broken: list[Exception] = []
    clock = RealClock(broken.append)
    done = threading.Event()
    clock.call_later(0.0, _fail)
    clock.call_later(0.01, done.set)
    assert done.wait(PATIENCE)
    clock.stop()
    assert [type(error) for error in broken] == [ZeroDivisionError]


def test_work_of_the_pool_that_fails_is_noted():
    service = PstnService(lambda arn, event: None)
    assert service.exchange.pool is not None
    service.exchange.pool.submit(_fail)
    service.close()
    assert [type(error) for error in service.broken] == [ZeroDivisionError]


@pytest.mark.parametrize("early", [True, False], ids=["event before create returns", "create returns first"])
def test_a_callback(early: bool):
    expected = ["NEW_OUTBOUND_CALL", "RINGING", "CALL_ANSWERED"]
    expected += ["ACTION_SUCCESSFUL:CallAndBridge", "HANGUP:LEG-B", "HANGUP:LEG-A"]
    events: dict[int, str] = {}
    over = threading.Event()
    all_told = threading.Event()

    def invoke(arn: str, event: dict[str, Any]) -> Any:
        key = events[event["Sequence"]] = key_of(event)
        actions = {"CALL_ANSWERED": [bridge()]}.get(key, [])
        if key.startswith("HANGUP"):
            actions = hang_up_the_rest(event)
        if len(events) == len(expected):
            all_told.set()
        return {"SchemaVersion": "1.0", "Actions": actions}

    service = PstnService(invoke, Switches(event_before_create_returns=early))
    service.subscribe(lambda event: over.set() if event.kind == "over" else None)
    exchange = service.exchange
    for number in (SHOWN_A, SHOWN_B):
        exchange.own(number)
    exchange.phones[A] = Phone(Behaviour("answers", after=0.05))
    exchange.phones[B] = Phone(Behaviour("answers", after=0.05, talks=0.1))
    application = exchange.create_sma("x", "arn")
    exchange.create_call(application, from_number=SHOWN_A, to_number=A)
    if early:
        assert events[1] == "NEW_OUTBOUND_CALL"
    assert over.wait(PATIENCE)
    assert all_told.wait(PATIENCE)
    service.close()
    assert [events[sequence] for sequence in sorted(events)] == expected
    assert exchange.legs_up() == []
    assert service.broken == []


def test_prompts_and_recordings_are_fetched_and_written_beside_the_calls():
    recorded = threading.Event()
    looked_up: list[str] = []

    def invoke(arn: str, event: dict[str, Any]) -> Any:
        leg = event["CallDetails"]["Participants"][0]["CallId"]
        destination = {"Type": "S3", "Location": "recordings"}
        record = action("StartCallRecording", CallId=leg, Track="BOTH", Destination=destination)
        actions = [record, play(), hang_up()] if key_of(event) == "CALL_ANSWERED" else []
        return {"SchemaVersion": "1.0", "Actions": actions}

    def audio(bucket: str, key: str) -> AudioFile:
        looked_up.append(key)
        return AudioFile(0.1)

    recordings = MemoryRecordings()
    service = PstnService(invoke, Switches(recording_delay=0.0), audio=audio, recordings=recordings)
    service.subscribe(lambda event: recorded.set() if event.kind == "recorded" else None)
    exchange = service.exchange
    exchange.own(SHOWN_A)
    exchange.phones[A] = Phone(Behaviour("answers", after=0.0))
    exchange.create_call(exchange.create_sma("x", "arn"), from_number=SHOWN_A, to_number=A)
    assert recorded.wait(PATIENCE)
    service.close()
    assert looked_up == ["hello.wav"]
    assert len(recordings.objects) == 1
    assert service.broken == []


def test_closing_leaves_no_thread_behind():
    service = PstnService(lambda arn, event: None)
    service.close()
    assert not [each for each in threading.enumerate() if each.name.startswith("pstn-")]
