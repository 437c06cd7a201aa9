"""Every sample decodes, and its handler answers it in the shape that the sender of such an event expects."""

import json
from collections.abc import Callable
from typing import Any

import pytest
from moto import mock_aws

from duologue.domain.media.recording import Recording
from tests.by_hand.needs import NAMED, SAMPLES, listing, name_of, need_of, wrong_name
from tests.functions.test_notify_sp import Function as NotifySp
from tests.functions.test_publish_recording import World, tone, wav
from tests.functions.test_sessions import Api as Sessions
from tests.functions.worlds import (
    CALL_ID,
    EVENTS,
    FOUND_BY,
    Api,
    CallControl,
    Flow,
    Outbox,
    Sweep,
    provision,
    received,
    samples,
)
from tests.samples import NOW


def _provision(event: dict[str, Any]) -> None:
    with provision() as world:
        outcome = world.take(event)
    assert outcome.failed is None
    assert outcome.physical_id


def _publish(event: dict[str, Any]) -> None:
    with mock_aws():
        world = World()
        key = json.loads(event["Records"][0]["body"])["detail"]["object"]["key"]
        world.calls.change(CALL_ID, recording=Recording(key, NOW))
        assert world.put(wav(tone(600), tone(900)), key).take(event) == "published"


# Each asserts the shape of its answer itself.
_TAKE: dict[str, Callable[[dict[str, Any]], Any]] = {
    "callback_api": lambda event: Api().take(event),
    "call_control": lambda event: CallControl().take(event),
    "flow": lambda event: Flow(FOUND_BY[event["do"]]).take(event),
    "notify_sp": lambda event: NotifySp().take(event),
    "outbox": lambda event: Outbox().take(event),
    "provision_pstn": _provision,
    "publish_recording": _publish,
    "recordings_api": lambda event: Api().take(event),
    "sessions": lambda event: Sessions().say(event),
    "sweep": lambda event: Sweep().take(event),
}
_ALL = [(folder, name) for folder in sorted(_TAKE) for name in samples(folder)]


def test_every_folder_of_samples_is_taken():
    assert {path.name for path in EVENTS.iterdir()} == set(_TAKE)


@pytest.mark.parametrize(("folder", "name"), _ALL, ids=lambda part: part)
def test_a_sample_is_answered(folder, name):
    _TAKE[folder](received(folder, name))


def test_the_table_of_what_samples_need_is_of_these_samples():
    """`make events` prints it; a row that no sample uses is stale."""
    by_row = {name if name in NAMED else f"{name.partition('/')[0]}/*" for name in map(name_of, SAMPLES)}
    assert by_row == NAMED
    lines = listing().splitlines()
    assert [tuple(line.split()[:2]) for line in lines] == [tuple(name_of(sample).split("/")) for sample in SAMPLES]
    assert all(line.endswith(need_of(sample).value) for line, sample in zip(lines, SAMPLES, strict=True))


def test_make_invoke_says_which_of_its_words_is_wrong():
    assert wrong_name("", "").startswith("FN must be one of call_control, callback_api, flow, ")
    assert wrong_name("flow", "").startswith("EVENT must be one of call_accepted, callee_answered, ")
    assert wrong_name("flow", "call_accepted") == ""
