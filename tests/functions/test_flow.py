"""What each state of the state machine sends to `flow`, what is done for it, and the errors that it goes on by."""

import json
import traceback
from dataclasses import replace
from datetime import datetime, timedelta
from itertools import pairwise
from typing import Any

import boto3
import pytest
from botocore.stub import Stubber
from hypothesis import given
from hypothesis import strategies as st

from duologue.adapters.carriers.chime_network import ChimeNetwork
from duologue.call_control.facts import CallAccepted, CallEnded, CdrWritten
from duologue.domain.calls.call import Call
from duologue.domain.calls.outcome import EndReason
from duologue.domain.calls.task_token import TaskToken, Wait
from duologue.domain.errors import (
    AlreadyAnswered,
    CalleeSilent,
    CallerSilent,
    CallIsOver,
    CallStopping,
    DialRefused,
    DuologueError,
    LegStillUp,
    LongestReached,
    NoSuchNetworkCall,
    NothingIsUp,
    NothingWasDialled,
    OutsideUnavailable,
    StaleAttempt,
)
from duologue.runtime.settings import SettingMissing
from duologue.usecases.calls.run_flow import rank_of
from functions.flow import handler as flow_function
from tests.functions.worlds import (
    ACCEPTED,
    CALL_ID,
    CALLEE_RINGS,
    CALLER_UP,
    FOUND_BY,
    RINGING,
    ROOT,
    TALKING,
    Flow,
    loaded_by,
    sample,
    samples,
)
from tests.journeys.asl import fill
from tests.samples import NETWORK_CALL, NOW, at
from tools.template import read_yaml

STATES: dict[str, dict[str, Any]] = read_yaml(ROOT / "statemachines" / "callback.asl.yaml")["States"]
BY_VERB = {state["Parameters"]["Payload"]["do"]: state for state in STATES.values() if state["Type"] == "Task"}
RING_CALLER = sample("flow", "call_accepted")
RING_CALLEE = sample("flow", "caller_answered")
TALK = sample("flow", "callee_answered")
LAST_MINUTE = sample("flow", "last_minute_began")
GIVE_UP = sample("flow", "callee_gave_no_sign")
SETTLE = sample("flow", "flow_ended")
WAITS = [RING_CALLER, RING_CALLEE, TALK, LAST_MINUTE, GIVE_UP]
A_NUMBER = "202555"
"""It is in every telephone number of the tests."""


def _verb(event: dict[str, Any]) -> str:
    return str(event["do"])


STOPPING = replace(TALKING, ending=EndReason.STOPPED, ending_at=at(20))
OVER = replace(STOPPING, ended_at=at(21))


def caught(error: str | None, **more: Any) -> dict[str, Any]:
    """`give_up`, after this error; None: the state machine says of none."""
    given = {name: value for name, value in GIVE_UP["given"].items() if name != "caught"}
    return GIVE_UP | {"given": given | ({} if error is None else {"caught": {"Error": error, "Cause": ""}})} | more


def since(event: dict[str, Any], entered: str, retry: int = 0) -> dict[str, Any]:
    return event | {"since": {"entered": entered, "retry": retry}}


# ---- what a state sends


@pytest.mark.parametrize("name", samples("flow"))
def test_a_sample_is_what_its_state_sends(name):
    """The payload of the definition, filled as Step Functions fills it."""
    event = sample("flow", name)
    since = event.get("since", {})
    state = {"EnteredTime": since.get("entered"), "RetryCount": since.get("retry")}
    context = {"Task": {"Token": event.get("token")}, "State": state}
    payload = BY_VERB[event["do"]]["Parameters"]["Payload"]
    assert fill(payload, event.get("given", event), context) == event


def test_there_is_a_sample_of_every_verb():
    assert sorted(sample("flow", name)["do"] for name in samples("flow")) == sorted(BY_VERB)


# ---- what is done for it


@pytest.mark.parametrize(
    ("event", "waits_for", "asked"),
    [
        (RING_CALLER, Wait.CALLER_ANSWER, ("dial_caller", CALL_ID)),
        (RING_CALLEE, Wait.CALLEE_ANSWER, ("dial_callee", NETWORK_CALL)),
        (TALK, Wait.END, None),
        (LAST_MINUTE, Wait.END, ("say_last_minute", NETWORK_CALL)),
        (GIVE_UP, Wait.END, ("end", NETWORK_CALL)),
    ],
    ids=["ring_caller", "ring_callee", "talk", "last_minute", "give_up"],
)
def test_each_verb_stores_its_token_asks_the_network_and_leaves_the_state_waiting(event, waits_for, asked):
    world = Flow(FOUND_BY[event["do"]])
    world.take(event)
    entered = datetime.fromisoformat(event["since"]["entered"])
    assert world.calls.task_token(CALL_ID) == TaskToken(event["token"], waits_for, rank_of(entered, 0))
    dialled = [("dial_caller", call_id) for call_id in world.network.dialled]
    ended = [("end", network_call) for network_call in world.network.asked]
    assert [*dialled, *world.network.wanted, *ended] == ([asked] if asked else [])
    assert (world.flows.resumed, world.flows.interrupted) == ([], []), "no verb completes a token"


def test_a_repeat_neither_dials_the_caller_nor_announces_the_last_minute_again():
    world = Flow(ACCEPTED)
    world.take(RING_CALLER)
    world.take(since(RING_CALLER, RING_CALLER["since"]["entered"], retry=1))
    assert world.network.dialled == [CALL_ID]
    world = Flow(TALKING)
    world.take(since(LAST_MINUTE, LAST_MINUTE["since"]["entered"], retry=1))
    assert world.network.wanted == []


@pytest.mark.parametrize(
    ("error", "reason"),
    [
        ("CallerSilent", EndReason.CALLER_SILENT),
        ("CalleeSilent", EndReason.CALLEE_SILENT),
        ("NothingWasDialled", EndReason.NO_ROOM),
        ("DialRefused", EndReason.DIAL_REFUSED),
        ("LongestReached", EndReason.LONGEST_CALL),
        ("States.Timeout", EndReason.LONGEST_CALL),
        ("CallStopping", None),
        ("NoSuchNetworkCall", None),
        ("OutsideUnavailable", EndReason.LOST),
        ("DuologueError", EndReason.LOST),
        ("Lambda.Unknown", EndReason.LOST),
        ("Lambda.TooManyRequestsException", EndReason.LOST),
        ("Sandbox.Timedout", EndReason.LOST),
        ("Runtime.ExitError", EndReason.LOST),
        ("KeyError", EndReason.LOST),
        ("timedelta", EndReason.LOST),  # a name in that module, but no error of it
        ("__name__", EndReason.LOST),
        ("", EndReason.LOST),
        (None, EndReason.LOST),
    ],
)
def test_the_reason_to_end_follows_from_the_name_of_the_error_that_was_caught(error, reason):
    world = Flow(RINGING)
    world.take(caught(error))
    assert world.call.ending is reason


# ---- which attempt is the newer


ENTERED = [
    "2026-11-23T08:59:59.999999999Z",
    "2026-11-23T09:00:00Z",
    "2026-11-23T09:00:00.001Z",
    "2026-11-23T09:00:00.01Z",
    "2026-11-23T09:00:00.1Z",
    "2026-11-23T09:00:00.999Z",
    "2026-11-23T09:00:01+00:00",
]


@pytest.mark.parametrize(("older", "newer"), [*pairwise(ENTERED)])
def test_a_token_never_replaces_that_of_a_state_entered_later(older, newer):
    """Whether or not its time has a fraction of a second, and however often the older one was tried."""
    world = Flow(TALKING)
    world.take(since(TALK, newer) | {"token": "the newer"})
    with pytest.raises(StaleAttempt):
        world.take(since(TALK, older, retry=10) | {"token": "the older"})
    assert world.calls.tokens[CALL_ID].value == "the newer"
    world.take(since(TALK, newer, retry=1) | {"token": "its repeat"})
    assert world.calls.tokens[CALL_ID].value == "its repeat"
    with pytest.raises(StaleAttempt):
        world.take(since(TALK, newer) | {"token": "the first attempt, late"})


@given(
    st.datetimes(min_value=datetime(2026, 1, 1), max_value=datetime(2100, 1, 1)),
    st.integers(1, 10**9),
    st.integers(0, 999),
    st.integers(0, 999),
)
def test_ranks_are_in_the_order_of_the_states_and_then_of_their_attempts(moment, later_ms, retry, other_retry):
    moment = moment.replace(tzinfo=NOW.tzinfo, microsecond=moment.microsecond // 1000 * 1000)
    rank = rank_of(moment, retry)
    assert rank_of(moment + timedelta(milliseconds=later_ms), other_retry) > rank
    assert (rank_of(moment, other_retry) > rank) == (other_retry > retry)


# ---- the errors that the state machine goes on by


def refusing(call: Call, *refusals: Exception) -> Flow:
    world = Flow(call)
    world.network.refusals += refusals
    return world


def cannot_be_reached(call: Call) -> Flow:
    world = Flow(call)
    world.calls.out_of_reach = True
    return world


RAISED: list[tuple[dict[str, Any], Flow, type[DuologueError]]] = [
    *((event, Flow(OVER), CallIsOver) for event in WAITS),
    *((event, Flow(STOPPING), CallStopping) for event in WAITS if event is not GIVE_UP),
    *((event, cannot_be_reached(ACCEPTED), OutsideUnavailable) for event in [*WAITS, SETTLE]),
    (RING_CALLER, Flow(CALLER_UP), AlreadyAnswered),
    (RING_CALLER, refusing(ACCEPTED, NothingWasDialled("ThrottledClientException")), NothingWasDialled),
    (RING_CALLER, refusing(ACCEPTED, DialRefused("AccessDeniedException")), DialRefused),
    (RING_CALLEE, Flow(TALKING), AlreadyAnswered),
    (RING_CALLEE, Flow(RINGING), CallerSilent),
    (RING_CALLEE, Flow(CALLER_UP, known=False), NoSuchNetworkCall),
    (RING_CALLEE, refusing(CALLER_UP, NothingWasDialled("ThrottledClientException")), NothingWasDialled),
    (TALK, Flow(CALLEE_RINGS), CalleeSilent),
    (LAST_MINUTE, Flow(replace(TALKING, announces_end=False)), LongestReached),
    (GIVE_UP, Flow(TALKING), AlreadyAnswered),
    (caught("OutsideUnavailable"), Flow(ACCEPTED), NothingIsUp),
    (SETTLE, Flow(TALKING), LegStillUp),
]


@pytest.mark.parametrize(
    ("event", "world", "error"), RAISED, ids=[f"{event['do']}-{error.__name__}" for event, _, error in RAISED]
)
def test_why_there_is_nothing_to_wait_for_is_told_by_an_error_without_a_number(event, world, error):
    """An execution's history shows what is raised, to everybody who may look at executions."""
    with pytest.raises(error) as raised:
        world.take(event)
    assert type(raised.value) is error
    assert A_NUMBER not in "".join(traceback.format_exception(raised.value))


@pytest.mark.parametrize("event", [*WAITS, SETTLE], ids=_verb)
def test_what_a_state_goes_on_by_is_raised_for_it(event):
    """Each error of ours that leads to a state of its own, or is waited for."""
    state = BY_VERB[event["do"]]
    clauses = [*state["Catch"], *(retry for retry in state["Retry"] if retry["MaxAttempts"])]
    named = {name for clause in clauses for name in clause["ErrorEquals"] if not name.startswith("States.")}
    assert named
    assert named <= {error.__name__ for each, _, error in RAISED if each["do"] == event["do"]}


# ---- the last step


DIALLED = replace(ACCEPTED, network_call=NETWORK_CALL, taken_up_at=at(1))


def test_a_call_that_was_never_dialled_is_finalized_with_its_one_record():
    world = Flow()
    world.take(SETTLE)
    ended = CallEnded(at(60), EndReason.NEVER_STARTED)
    assert world.calls.facts_of(CALL_ID) == [CallAccepted(NOW), ended, CdrWritten(at(60))]
    assert world.calls.in_use("app-1") == 0


@pytest.mark.parametrize(
    ("call", "without_events"),
    [
        (replace(DIALLED, network_call=None), 1),
        (replace(DIALLED, network_call=None, ending=EndReason.NO_ROOM), 0),
        (replace(DIALLED, network_call=None, ending=EndReason.DIAL_REFUSED), 0),
        (DIALLED, 0),
    ],
)
def test_a_dial_without_any_event_is_counted_once(call, without_events, capsys):
    world = Flow(call, known=False)
    world.take(SETTLE)
    world.take(SETTLE)
    counted = [json.loads(line)["CallsWithoutEvents"] for line in capsys.readouterr().out.splitlines()]
    assert counted == [[without_events], [0]]


# ---- what nobody named


def unexpected(capsys: pytest.CaptureFixture[str]) -> list[tuple[float, str]]:
    counted = map(json.loads, capsys.readouterr().out.splitlines())
    return [(sum(line["Unexpected"]), line["Function"]) for line in counted if "Unexpected" in line]


def handled(world: Flow, event: dict[str, Any], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(flow_function, "dependencies", lambda: world.dependencies)
    flow_function.handler(event, None)


@pytest.mark.parametrize(
    ("event", "error"),
    [
        (RING_CALLER | {"do": "ring"}, ValueError),
        (RING_CALLER | {"do": None}, ValueError),
        ({}, KeyError),
        ({"do": "settle"}, KeyError),
        ({"do": "talk", "callId": CALL_ID}, KeyError),
        (since(RING_CALLER, "yesterday"), ValueError),
    ],
)
def test_what_is_no_verb_is_raised_and_counted(event, error, monkeypatch, capsys):
    """It is the state machine's to go on from; the alarm is on our own count, as other errors are usual here."""
    world = Flow()
    with pytest.raises(error):
        handled(world, event, monkeypatch)
    assert unexpected(capsys) == [(1, "flow")]
    assert world.network.dialled == []


def test_what_breaks_is_raised_and_counted(monkeypatch, capsys):
    monkeypatch.delenv("MEMORIES_KEY", raising=False)
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    with pytest.raises(SettingMissing, match="MEMORIES_KEY"):
        flow_function.handler(SETTLE, None)
    assert unexpected(capsys) == [(1, "flow")]


@pytest.mark.parametrize(("event", "call"), [(RING_CALLEE, RINGING), (SETTLE, TALKING), (TALK, OVER)])
def test_what_is_usual_is_raised_and_not_counted(event, call, monkeypatch, capsys):
    with pytest.raises(DuologueError):
        handled(Flow(call), event, monkeypatch)
    assert unexpected(capsys) == []


# ---- no number leaves by a log or an error


@pytest.mark.parametrize(
    ("code", "status", "error"),
    [
        ("BadRequestException", 400, DialRefused),
        ("ThrottledClientException", 429, NothingWasDialled),
        ("ServiceFailureException", 500, None),
    ],
)
def test_the_networks_own_words_are_neither_raised_nor_logged(code, status, error, caplog):
    """They may say a number; its code may not."""
    caplog.set_level("DEBUG", logger="duologue")
    client = boto3.client("chime-sdk-voice", region_name="us-east-1", aws_access_key_id="x", aws_secret_access_key="x")
    words = "The number +12025550111 (12025550111) may not be dialled."
    with Stubber(client) as chime:
        chime.add_client_error("create_sip_media_application_call", code, words, status)
        world = Flow(network=ChimeNetwork(client, "application-1"))
        if error is None:  # it may have left
            world.take(RING_CALLER)
            told = ""
        else:
            with pytest.raises(error) as raised:
                world.take(RING_CALLER)
            assert str(raised.value) == code
            told = "".join(traceback.format_exception(raised.value))
    logged = "\n".join(str(vars(record)) for record in caplog.records)
    assert code in told + logged
    assert A_NUMBER not in told + logged


def test_it_starts_without_what_is_slow():
    """A person waits on the line while the callee's dial is asked for (R17)."""
    variables = {
        "CARRIER": "chime",
        "CALLS_TABLE": "calls",
        "ACCOUNTS_TABLE": "accounts",
        "SIP_MEDIA_APPLICATION_ID": "application-1",
        "MEMORIES_KEY": "key-1",
        "AWS_DEFAULT_REGION": "us-east-1",
    }
    loaded = loaded_by("import functions.flow.handler as it; it.dependencies()", variables)
    assert "botocore" in loaded
    assert loaded & {"pydantic", "pydantic_core", "aws_xray_sdk", "cryptography"} == set()
