"""SMA events in, SMA actions out: the samples played as calls, and what answers when nothing works."""

import json
from datetime import UTC, datetime

import pytest

from duologue.domain.calls.outcome import EndReason
from duologue.domain.calls.task_token import Wait
from duologue.domain.errors import OutsideUnavailable
from duologue.domain.numbers.phone_number import WITHHELD
from duologue.runtime.settings import SettingMissing
from duologue.runtime.wiring.call_control import dependencies
from duologue.usecases.ports.memories import TurnedAway
from duologue.wire.huawei.session_id import inbound_call_id
from functions.call_control.handler import handler
from tests.functions.worlds import CALL_ID, CallControl, loaded_by, sample, samples
from tests.samples import CALLEE, CALLER, LEG_A, LEG_B, NETWORK_CALL

UNTIL_TALK = ("new_outbound_call", "ringing", "call_answered", "dial_callee_asked", "callee_answered")
NOBODY_LEFT = [
    "hangup_callee_last",
    "hangup_caller_busy",
    "hangup_caller_last",
    "hangup_caller_not_answered",
    "hangup_caller_rejected",
    "hangup_caller_while_the_callee_rings",
]
NOT_ANSWERED = ["new_inbound_call", "new_inbound_call_withheld"]
"""Their caller is not connected to anything yet; the network asks again, then rejects the call."""
HANG_UP_A = {"Type": "Hangup", "Parameters": {"CallId": LEG_A, "SipResponseCode": "0"}}
REJECT_A = {"Type": "Hangup", "Parameters": {"CallId": LEG_A, "SipResponseCode": "480"}}
STARTED = datetime.fromtimestamp(1_795_424_400.6, UTC)
"""Of the caller's leg in the samples."""
HANG_UP_B = {"Type": "Hangup", "Parameters": {"CallId": LEG_B, "SipResponseCode": "0"}}


# ---- one event each


def test_the_first_answer_gives_the_network_our_id_to_keep():
    world = CallControl()
    event = sample("call_control", "new_outbound_call")
    assert world.take(event) == []
    assert world.call.network_call == NETWORK_CALL
    assert world.answer(event)["TransactionAttributes"] == {"callId": CALL_ID}
    assert "TransactionAttributes" not in world.answer(sample("call_control", "ringing"))


def test_each_event_of_a_call_has_a_log_line_with_its_id(caplog):
    """By which `duologue logs` finds it."""
    caplog.set_level("INFO")
    world = CallControl()
    for name in UNTIL_TALK:
        world.answer(sample("call_control", name))
    lines = [(record.getMessage(), record.call_id) for record in caplog.records if hasattr(record, "event")]
    kinds = ("DialAccepted", "LegRinging", "LegAnswered", "DialCalleeAsked", "LegAnswered")
    assert lines == [(f"event: {kind}", CALL_ID) for kind in kinds]


@pytest.mark.parametrize(
    ("name", "lines"),
    [
        ("new_inbound_call", ["event: InboundCall"]),
        ("new_inbound_call_withheld", ["event: InboundCall", "nobody who is remembered is rung"]),
    ],
)
def test_a_call_that_comes_in_has_log_lines_with_its_id(caplog, name, lines):
    caplog.set_level("INFO")
    world = CallControl()
    world.remember()
    world.answer(sample("call_control", name))
    call_id = inbound_call_id(NETWORK_CALL, STARTED)
    assert [record.getMessage() for record in caplog.records if vars(record).get("call_id") == call_id] == lines


@pytest.mark.parametrize(
    "name",
    [
        "prompt_interrupted",
        "digits_received",
        "hang_up_done",
        "hang_up_refused",
        "invalid_response",
        "event_of_a_type_unknown",
        "new_outbound_call_of_nobody",
    ],
)
def test_what_decides_nothing_changes_nothing(name):
    world = CallControl().play(*UNTIL_TALK)
    before = world.calls.load(CALL_ID)
    assert world.hear(name, 6) == []
    assert world.calls.load(CALL_ID) == before


def test_a_call_to_a_number_of_nobody_is_rejected_and_not_left_ringing():
    world = CallControl()
    assert world.hear("new_inbound_call", 6) == [REJECT_A]
    assert world.turned_away == [TurnedAway.NUMBER_OF_NOBODY]


def test_a_return_call_is_answered_with_the_bridge_alone():
    """No tone: its caller is not answered yet, and hears the network's own ringing. The network keeps our id."""
    world = CallControl()
    world.remember()
    said = world.answer(sample("call_control", "new_inbound_call"))
    bridge = {
        "CallTimeoutSeconds": 30,
        "CallerIdNumber": "+12025550101",
        "Endpoints": [{"BridgeEndpointType": "PSTN", "Uri": "+12025550111"}],
    }
    assert said["Actions"] == [{"Type": "CallAndBridge", "Parameters": bridge}]
    call_id = inbound_call_id(NETWORK_CALL, STARTED)
    assert said["TransactionAttributes"] == {"callId": call_id}
    call = world.calls.load(call_id).call
    assert (call.caller.number, call.callee.number) == (CALLEE, CALLER)
    assert world.answer(sample("call_control", "new_inbound_call")) == said, "a repeat"


@pytest.mark.parametrize("anonymous", ["anonymous", "Restricted", "+266696687000000000", "", "2025550122", "+0"])
def test_a_withheld_number_reaches_nobody_and_is_none_of_ours(anonymous, caplog):
    """No format of it is documented; whatever is not E.164 is one, and nothing is looked up by its text, or logged."""
    caplog.set_level("DEBUG")
    world = CallControl()
    world.remember()
    event = sample("call_control", "new_inbound_call_withheld")
    event["CallDetails"]["Participants"][0]["From"] = anonymous
    assert world.take(event) == [REJECT_A]
    call = world.calls.load(inbound_call_id(NETWORK_CALL, STARTED)).call
    assert (call.caller.number, call.ending) == (WITHHELD, EndReason.NOBODY_REMEMBERED)
    logged = repr([vars(record) for record in caplog.records])
    assert "event: InboundCall" in logged
    assert not [text for text in (anonymous[1:], CALLER.e164[1:]) if len(text) > 2 and text in logged]


def test_an_answer_that_is_not_recorded_is_none():
    """The network asks again, and rejects the call if that fails too."""
    world = CallControl()
    world.remember()
    world.seal.out_of_reach = True
    with pytest.raises(OutsideUnavailable):
        world.hear("new_inbound_call")


# ---- twice, late, unknown


@pytest.mark.parametrize("name", samples("call_control"))
def test_every_event_twice_gets_the_same_answer_and_counts_once(name):
    world = CallControl().play(*UNTIL_TALK)
    first = world.hear(name, 6)
    saved, facts = world.calls.load(CALL_ID), world.calls.facts_of(CALL_ID)
    assert world.hear(name, 6) == first
    assert (world.calls.load(CALL_ID), world.calls.facts_of(CALL_ID)) == (saved, facts)


@pytest.mark.parametrize(
    ("waits_for", "resumed_by"),
    [(Wait.CALLER_ANSWER, "call_answered"), (Wait.CALLEE_ANSWER, "callee_answered"), (Wait.END, "hangup_caller_last")],
)
def test_each_wait_is_resumed_by_what_it_waits_for_and_by_nothing_before(waits_for, resumed_by):
    world = CallControl(waits_for=waits_for)
    for number, name in enumerate((*UNTIL_TALK, "hangup_callee_after_talk", "hangup_caller_last"), 1):
        world.hear(name, number)
        assert (world.flows.resumed == ["token-1"]) == (name == resumed_by)
        if name == resumed_by:
            break


@pytest.mark.parametrize("name", NOBODY_LEFT)
def test_a_last_hang_up_that_cannot_be_recorded_fails_and_is_recorded_when_it_comes_again(name):
    """Nobody is up whom a failure could cut off; an answer would give the network's repeat away."""
    world = CallControl().play(*UNTIL_TALK)
    world.calls.out_of_reach = True
    with pytest.raises(OutsideUnavailable):
        world.hear(name, 7)
    world.calls.out_of_reach = False
    world.hear(name, 7)
    assert world.call.ending is EndReason.HUNG_UP


# ---- the guard of last resort


VARIABLES = {
    "CARRIER": "chime",
    "CALLS_TABLE": "calls",
    "ACCOUNTS_TABLE": "accounts",
    "PROMPTS_BUCKET": "prompts",
    "RECORDINGS_BUCKET": "recordings",
    "MEMORIES_KEY": "memories-key",
    "AWS_DEFAULT_REGION": "us-east-1",
}


@pytest.fixture
def a_setting_is_missing(monkeypatch):
    for name, value in VARIABLES.items():
        monkeypatch.setenv(name, value)
    monkeypatch.delenv("CALLS_TABLE")


def counted(capsys) -> list[tuple[float, str]]:
    said = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    return [(sum(line["Unexpected"]), line["Function"]) for line in said]


SAFE: dict[str, dict[str, object]] = {
    "hangup_callee_after_talk": {"Actions": [HANG_UP_A]},
    "hangup_caller_after_talk": {"Actions": [HANG_UP_B]},
    "end_asked": {"Actions": [HANG_UP_A, HANG_UP_B]},
    "new_outbound_call": {"Actions": [], "TransactionAttributes": {"callId": CALL_ID}},
}


@pytest.mark.parametrize("name", sorted(set(samples("call_control")) - {*NOBODY_LEFT, *NOT_ANSWERED}))
def test_what_nobody_foresaw_is_answered_with_what_is_safe(name, a_setting_is_missing, capsys):
    """An exception would cut off a person (R17); no leg outlives its peer (R9); the network keeps our id (R6)."""
    safe = SAFE.get(name, {"Actions": []})
    assert handler(sample("call_control", name), None) == {"SchemaVersion": "1.0", **safe}
    assert counted(capsys) == [(1, "call_control")], "the alarm watches it"


@pytest.mark.parametrize("name", [*NOBODY_LEFT, *NOT_ANSWERED])
def test_what_nobody_foresaw_when_nobody_is_up_fails_so_that_it_comes_again(name, a_setting_is_missing, capsys):
    with pytest.raises(SettingMissing):
        handler(sample("call_control", name), None)
    assert counted(capsys) == [(1, "call_control")], "the alarm watches it"


def test_what_is_safe_needs_no_setting(monkeypatch):
    for name in VARIABLES:
        monkeypatch.delenv(name, raising=False)
    said = handler(sample("call_control", "end_asked"), None)
    assert said["Actions"] == [HANG_UP_A, HANG_UP_B]


@pytest.mark.parametrize("event", [{}, {"CallDetails": None}, {"InvocationEventType": "CALL_ANSWERED"}])
def test_an_event_that_is_no_event_is_answered(event):
    assert CallControl().take(event) in ([], [{"Type": "Hangup", "Parameters": {"CallId": "", "SipResponseCode": "0"}}])


def test_it_starts_without_what_is_slow():
    """With its clients made, as on a cold start: no pydantic, no tracer (R17)."""
    loaded = loaded_by("import functions.call_control.handler as it; it.dependencies()", VARIABLES)
    assert "botocore" in loaded
    assert loaded & {"pydantic", "pydantic_core", "aws_xray_sdk", "cryptography"} == set()


def test_it_has_time_for_further_tries_to_record_a_last_hang_up(monkeypatch):
    for name, value in VARIABLES.items():
        monkeypatch.setenv(name, value)
    may_try_again = dependencies.__wrapped__().process.begin_tries()
    assert may_try_again()
