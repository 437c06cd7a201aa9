"""The screen of `make up` and `make story`: it words any answer of an application, and no call depends on it."""

import io
import json
import urllib.request
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lab.cli import over_trunk, wording
from lab.cli.multi_call_view import MultiCallView
from lab.cli.timeline import Screen, Timeline
from lab.sp.receiver import Notification, Receiver
from pstn.events import EVENT_TYPES
from pstn.feed import NetworkEvent
from pstn.trunks.trunk_file import TrunkFile
from tests.pstn.scripted import SHOWN_A, START, A, Story, Whole, action, bridge, hang_up, play
from tests.pstn.test_engine_properties import ACTIONS, JSON, NAMES
from tests.pstn.test_lambda_answers import OK, UNUSABLE
from tests.pstn.test_validation import ROWS

ANSWERS = [
    *(payload for payload, _ in UNUSABLE),
    *({**OK, "Actions": [entry]} for entry, *_ in ROWS),
    {"SchemaVersion": "1.0"},
    {**OK, "Actions": None},
    {**OK, "Actions": [None]},
    {**OK, "Actions": [{"Type": "Hangup", "Parameters": None}]},
    '{"SchemaVersion": "1.0", "Actions": []}',
    {**OK, "Actions": [action("\x1b[31mHangup\x1b[0m\ud800")]},
]
"""What the engine's own tests answer, and more that an application may return."""
LEGS = [{"CallId": "a", "ParticipantTag": "LEG-A", "To": A, "From": SHOWN_A}]


def told(answer: Any, *, watched: bool) -> tuple[Story, str]:
    """A call whose application answers this once the phone is picked up."""
    out = io.StringIO()
    story = Story({"CALL_ANSWERED": Whole(answer), "INVALID_LAMBDA_RESPONSE": [play("sorry.wav")]})
    if watched:
        story.exchange.observers.append(MultiCallView(Screen(out, width=120)).network_event)
    return story.place({"callId": "1_2"}).run(), out.getvalue()


@pytest.mark.parametrize("answer", ANSWERS, ids=lambda answer: ascii(answer)[:40])
def test_a_call_goes_the_same_way_with_the_screen_on(answer: Any):
    watched, shown = told(answer, watched=True)
    unwatched, _ = told(answer, watched=False)
    assert watched.told == unwatched.told
    assert "CALL_ANSWERED" in shown
    shown.encode()
    assert "\x1b" not in shown


PARAMETERS = st.dictionaries(st.sampled_from(NAMES), JSON, max_size=4)
ENTRIES = st.builds(
    lambda entry, changes: {**entry, "Parameters": {**entry["Parameters"], **changes}},
    st.sampled_from(ACTIONS),
    PARAMETERS,
)


@settings(max_examples=150, deadline=None)
@given(
    kind=st.sampled_from(EVENT_TYPES),
    data=st.dictionaries(st.sampled_from(["Type", "Parameters", "ErrorType"]), JSON),
    answer=JSON | st.fixed_dictionaries({"SchemaVersion": st.just("1.0"), "Actions": JSON | st.lists(ENTRIES)}),
)
def test_any_answer_is_worded_within_the_screen(kind: str, data: dict[str, Any], answer: Any):
    out = io.StringIO()
    timeline = Timeline(Screen(out, width=80), START, A, {})
    sent = {"Sequence": 1, "InvocationEventType": kind, "ActionData": data, "CallDetails": {"Participants": LEGS}}
    timeline.network_event(NetworkEvent(START, "event", "t", None, {"event": sent, "attempt": 1}))
    timeline.network_event(NetworkEvent(START, "answer", "t", None, {"sequence": 1, "payload": answer, "attempt": 1}))
    shown = out.getvalue()
    assert kind in "".join(line.split("│")[3].strip() for line in shown.splitlines())
    assert max(map(len, shown.splitlines())) <= 80


@pytest.mark.parametrize(
    ("actions", "said"),
    [
        ([], "–"),
        ([bridge(), hang_up()], "ring the callee, showing +1 202 555 0101, then hang up the caller"),
        ([play()], "play “hello” to the caller"),
        ([action("CallAndBridge", Endpoints=[])], "ring nobody, showing no number"),
        ([None], "no action: null"),
        ("Hangup", 'Actions is no list: "Hangup"'),
    ],
)
def test_how_actions_are_worded(actions: Any, said: str):
    people = {A: "the caller", "+12025550122": "the callee"}
    event = {"InvocationEventType": "CALL_ANSWERED", "CallDetails": {"Participants": LEGS}}
    worded = wording.exchange(event, {"SchemaVersion": "1.0", "Actions": actions}, people)
    assert worded.replace("\N{NO-BREAK SPACE}", " ") == f"CALL_ANSWERED the caller → {said}"


@pytest.mark.parametrize(
    ("answer", "quoted"), [(None, "null"), ("text", '"text"'), ([], "[]"), ({"statusCode": 200}, '{"statusCode": 200}')]
)
def test_an_answer_of_another_form_is_quoted(answer: Any, quoted: str):
    event = {"InvocationEventType": "CALL_ANSWERED", "CallDetails": {"Participants": LEGS}}
    assert wording.exchange(event, answer, {}).endswith(f": {quoted}")


def test_an_observer_that_raises_touches_no_call_and_is_noted_once():
    seen: list[str] = []

    def raises(event: NetworkEvent) -> None:
        raise ValueError(event.kind)

    story = Story({"CALL_ANSWERED": [hang_up()]})
    story.exchange.observers += [raises, lambda event: seen.append(event.kind)]
    story.place().exchange.run()
    assert story.told == ["NEW_OUTBOUND_CALL", "RINGING", "CALL_ANSWERED", "HANGUP:LEG-A"]
    happened = [kind for kind in seen if kind != "broken"]
    assert "over" in happened
    assert len(seen) == 2 * len(happened)
    assert all(isinstance(error, ValueError) for error in story.exchange.broken)


@pytest.mark.parametrize(
    ("named", "said"),
    [
        (
            'X-AKSK=UsernameToken Username="another",PasswordDigest="x"',
            "answer, Sophia, signed with another app's secret",
        ),
        ('X-AKSK=UsernameToken Username="app-1",PasswordDigest="x"', "answer, Sophia, NOT SIGNED"),
        ("X-Other=none", "answer, Sophia, NOT SIGNED"),
    ],
)
def test_a_notification_is_accepted_and_its_signature_told_whatever_its_observers_do(named, said):
    def raises(notification: Notification) -> None:
        raise ValueError(notification.kind)

    receiver = Receiver("app-1", "secret", observers=[raises])
    body = json.dumps({"eventType": "answer", "statusInfo": {"sessionId": "1_2@x", "called": "+12025550122"}}).encode()
    headers = dict([named.split("=", 1)])
    with urllib.request.urlopen(urllib.request.Request(receiver.status_url, body, headers), timeout=10) as reply:
        assert reply.status == 200
    assert receiver.wait_for("1_2@x", "answer", 10)
    assert wording.notification(receiver.notifications[0], {"+12025550122": "Sophia"}) == said
    receiver.close()


WHY = "sip.example.net:5061: nothing listens there over TLS → the port in hosts, or transport"


@pytest.mark.parametrize(
    ("kind", "detail", "said"),
    [
        ("trunk_failed", {"sip_code": 503, "why": WHY}, f"trunk main fails: {WHY}"),
        ("trunk_failed", {"sip_code": 503, "why": ""}, "trunk main fails: 503 Service Unavailable"),
        ("trunk_refused_us", {"sip_code": 403}, "trunk main refuses our credentials or our address (403 Forbidden)"),
        ("no_room", {}, "no room on trunk main: calls or calls_per_second of trunks.yaml is reached"),
        ("no_room", {"trunk": None}, "no room on this machine: its stations, or rtp_ports of trunks.yaml"),
        ("ended", {"by": "self", "sip_code": 488, "incoming": True}, "is not reached (488 Not Acceptable Here)"),
        ("ended", {"by": "network", "sip_code": 503, "incoming": True}, "is not connected (503 Service Unavailable)"),
        ("ended", {"by": "network", "sip_code": 487, "incoming": True}, "stops ringing"),
        ("registration", {"sip_code": 403, "why": ""}, "trunk main refuses (403 Forbidden) our registration"),
        ("registration", {"sip_code": 503, "why": WHY}, f"trunk main does not get our registration: {WHY}"),
    ],
)  # fmt: skip
@pytest.mark.parametrize("is_of_a_call", [True, False])
def test_what_a_trunk_does_is_on_the_screen_with_its_reason(kind, detail, said, is_of_a_call):
    """Each has the number of a far end; a call from outside that finds no room, and a registration, are of no call."""
    out = io.StringIO()
    view = MultiCallView(Screen(out, width=400))
    transaction = "t" if is_of_a_call else None
    if is_of_a_call:
        view.network_event(NetworkEvent(START, "placed", "t", None, {"to": A, "arguments": {"callId": "1_2"}}))
    view.network_event(NetworkEvent(START, kind, transaction, A, {"trunk": "main", **detail}))
    shown = " ".join(out.getvalue().replace("│", " ").split())
    assert (said in shown) is (is_of_a_call or kind != "ended")


@pytest.mark.parametrize(
    ("path", "body", "said"),
    [
        ("/rest/httpsessions/click2Call/v2.0", b'{"resultcode": "0", "resultdesc": "Success"}', ""),
        (
            "/rest/httpsessions/click2Call/v2.0",
            b'{"resultcode": "1010009", "resultdesc": "calls of the day\\u001b[31m"}',
            "a callback was refused (1010009): calls of the day\N{REPLACEMENT CHARACTER}[31m\n",
        ),
        ("/rest/httpsessions/click2Call/v2.0", b"Bad Gateway", "a callback was refused (400): Bad Gateway\n"),
        ("/rest/httpsessions/callStop/v2.0", b'{"resultcode": "1010002", "resultdesc": "signal"}', ""),
    ],
)
def test_a_callback_that_the_api_refused_is_on_the_screen(path, body, said):
    out = io.StringIO()
    MultiCallView(Screen(out)).api_answer(path, 400, body)
    assert out.getvalue() == said


@pytest.mark.parametrize(
    ("kind", "code", "said"),
    [
        ("ended", 488, "trunk main: the trunk refused our audio (488) → srtp: mandatory"),
        ("ended", 404, "trunk main: the trunk does not know this number (404) → numbers.outbound"),
        ("trunk_refused_us", 403, "trunk main: the trunk does not let us call with this caller (403) → try"),
        ("ended", 403, ""),  # said above
        ("ended", 486, ""),  # a telephone is busy
        ("ended", 503, ""),  # the time line has why
        ("ended", 0, ""),
        ("rang", None, ""),
    ],
)
def test_after_a_refusal_the_rows_to_change_are_named(kind, code, said):
    rows = {"name": "main", "hosts": ["sip.example.net"], "display_numbers": [A]}
    file = TrunkFile.model_validate({"interface": "127.0.0.1", "trunks": [rows]})
    advice = over_trunk.advice(NetworkEvent(START, kind, "t", A, {"trunk": "main", "sip_code": code}), file)
    assert advice.startswith(said)
    assert bool(advice) is bool(said)
