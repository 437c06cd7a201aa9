"""The time line: what is shown of a event, in which lane, and that it stays within the screen."""

import io
from datetime import UTC, datetime, timedelta

import pytest

from lab.cli.multi_call_view import MultiCallView
from lab.cli.timeline import Screen, Timeline
from lab.sp.receiver import Notification
from pstn.feed import NetworkEvent

START = datetime(2026, 11, 23, 9, tzinfo=UTC)
JACK, SOPHIA = "+12025550111", "+12025550122"
LEGS = [
    {"CallId": "a", "ParticipantTag": "LEG-A", "To": JACK, "From": "+12025550100"},
    {"CallId": "b", "ParticipantTag": "LEG-B", "To": SOPHIA, "From": "+12025550101"},
]


def event(sequence, kind, data=None, legs=1):
    details = {"TransactionId": "t", "Participants": LEGS[:legs]}
    body = {"Sequence": sequence, "InvocationEventType": kind, "CallDetails": details}
    return body | ({"ActionData": data} if data else {})


def at(seconds, kind, number=None, **detail):
    return NetworkEvent(START + timedelta(seconds=seconds), kind, "t", number, detail)


def answer(seconds, sequence, *actions):
    payload = {"SchemaVersion": "1.0", "Actions": list(actions)}
    return at(seconds, "answer", sequence=sequence, payload=payload, attempt=1)


BRIDGE = {"Type": "CallAndBridge", "Parameters": {"CallerIdNumber": "+12025550101", "Endpoints": [{"Uri": SOPHIA}]}}
HANG_UP = {"Type": "Hangup", "Parameters": {"CallId": "a"}}
UPDATE = {"Type": "CallUpdateRequest", "Parameters": {"Arguments": {"command": "dial_callee"}}}
STORY = (
    at(0, "placed", shown="+12025550100", to=JACK, arguments={"callId": "1_2"}),
    at(0.1, "rang", JACK, shown="+12025550100", call_id="a"),
    at(2, "picked_up", JACK, call_id="a"),
    at(2.1, "event", event=event(4, "CALL_UPDATE_REQUESTED", UPDATE), attempt=1),
    answer(2.2, 4, BRIDGE),
    at(2.3, "heard", JACK, what="prompts/waiting.wav", call_id="a"),
    at(2.4, "rang", SOPHIA, shown="+12025550101", call_id="b"),
    at(4, "joined", SOPHIA, other=JACK, call_id="b"),
    at(9, "ended", SOPHIA, by="self", sip_code=0, call_id="b"),
    at(
        9.1,
        "event",
        event=event(7, "HANGUP", {"Parameters": {"ParticipantTag": "LEG-B", "CallId": "b"}}, legs=2),
        attempt=1,
    ),
    answer(9.2, 7, HANG_UP),
    at(9.2, "ended", JACK, by="network", sip_code=0, call_id="a"),
)
STATUS = {"timestamp": "2026-11-23 09:00:02", "sessionId": "1_2@ce1.example.com", "called": SOPHIA}
ANSWER = Notification(
    START + timedelta(seconds=4), "http://127.0.0.1/status", {"eventType": "answer", "statusInfo": STATUS}, True
)
FEE = Notification(
    START + timedelta(seconds=9),
    "http://127.0.0.1/fee",
    {"eventType": "fee", "feeLst": [{"sessionId": "1_2@ce1.example.com", "ulFailReason": 0}]},
    False,
)


def shown(width=120, colour=False):
    out = io.StringIO()
    timeline = Timeline(Screen(out, colour, width), START, JACK, {JACK: "Jack", SOPHIA: "Sophia"})
    timeline.heading("Jack's phone", "Sophia's phone")
    for event in STORY:
        timeline.network_event(event)
    timeline.notification(ANSWER)
    timeline.notification(FEE)
    return out.getvalue()


def rows(text):
    return [[cell.strip().replace("\N{NO-BREAK SPACE}", " ") for cell in row.split("│")] for row in text.splitlines()]


def test_each_event_is_in_its_lane():
    said = {(cells[0], lane, text) for cells in rows(shown()) for lane, text in enumerate(cells[1:]) if text}
    assert ("2.00", 0, "answers") in said
    assert ("2.30", 0, "hears “waiting”") in said
    assert ("4.00", 1, "talks with Jack") in said
    assert ("9.00", 1, "hangs up") in said
    assert ("9.20", 2, "HANGUP Sophia → hang up Jack") in said
    assert ("9.20", 0, "the line goes dead") in said
    assert ("4.00", 3, "← answer, Sophia") in said
    assert ("9.00", 3, "← CDR, NOT SIGNED") in said


def test_a_phone_is_shown_with_the_number_that_it_sees():
    text = " ".join(cell for cells in rows(shown()) for cell in cells[1:3])
    assert "+1 202 555 0100" in text
    assert "+1 202 555 0101" in text
    assert "0111" not in text
    assert "0122" not in text


@pytest.mark.parametrize("width", [80, 100, 120])
def test_a_row_stays_within_the_screen(width):
    assert max(map(len, shown(width).splitlines())) <= width


def test_colour_is_for_terminals_only(monkeypatch):
    assert "\033" not in shown()
    assert "\033" in shown(colour=True)

    class Terminal(io.StringIO):
        def isatty(self):
            return True

    monkeypatch.delenv("NO_COLOR", raising=False)
    monkeypatch.setenv("TERM", "xterm")
    assert Screen.of(Terminal()).colour
    assert not Screen.of(io.StringIO()).colour
    monkeypatch.setenv("NO_COLOR", "1")
    assert not Screen.of(Terminal()).colour


def test_the_view_distinguishes_calls_and_assigns_a_notification_by_its_session():
    out = io.StringIO()
    view = MultiCallView(Screen(out, width=120))
    other = NetworkEvent(
        START, "placed", "u", None, {"shown": "+12025550100", "to": "+12025550133", "arguments": {"callId": "9"}}
    )
    for event in (STORY[0], other, *STORY[1:]):
        view.network_event(event)
    view.notification(ANSWER)
    labels = {cells[0].split()[0] for cells in rows(out.getvalue()) if cells[0].startswith("#")}
    assert labels == {"#1", "#2"}
    answered = [cells for cells in rows(out.getvalue()) if cells[-1].startswith("← answer")]
    assert [cells[0].split()[0] for cells in answered] == ["#1"]
    assert "the callee" in " ".join(cells[-1] for cells in rows(out.getvalue()))


def test_no_word_of_a_refusal_is_broken():
    out = io.StringIO()
    timeline = Timeline(Screen(out, width=80), START, JACK, {})
    timeline.network_event(refused("1_2", error="ResourceLimitExceededException"))
    fee = {"networkError": "ResourceLimitExceededException"}
    timeline.notification(Notification(START, "http://127.0.0.1/fee", {"eventType": "fee", "feeLst": [fee]}, True))
    for lane in (3, 4):
        said = " ".join(" ".join(cells[lane] for cells in rows(out.getvalue()) if len(cells) > lane).split())
        assert said.endswith("resource limit exceeded")


def test_a_prompt_is_shown_with_the_party_that_hears_it():
    out = io.StringIO()
    timeline = Timeline(Screen(out, width=120), START, JACK, {JACK: "Jack", SOPHIA: "Sophia"})
    play = {
        "Type": "PlayAudio",
        "Parameters": {"ParticipantTag": "LEG-B", "AudioSource": {"Key": "prompts/notice.wav"}},
    }
    timeline.network_event(at(1, "event", event=event(5, "RINGING", legs=2), attempt=1))
    timeline.network_event(answer(1.1, 5, play))
    assert "play “notice” to Sophia" in " ".join(" ".join(cells[3] for cells in rows(out.getvalue())).split())


def refused(call, kind="create", error="ForbiddenException", transaction=None):
    detail = {"operation": kind, "code": error.removesuffix("Exception"), "error": error}
    if kind == "create":
        detail |= {"to": JACK, "arguments": {"callId": call}}
    return NetworkEvent(START, "refused", transaction, None, detail)


def test_the_view_shows_a_dial_that_the_network_refused_and_its_code():
    """The network has no transaction of it: its call is known by the id that came with the request."""
    out = io.StringIO()
    view = MultiCallView(Screen(out, width=120))
    view.network_event(refused("1_2"))
    view.network_event(refused("2_2", error="BadRequestException"))
    view.network_event(refused("", kind="update", error="NotFoundException", transaction="of nobody"))
    cdr = {"sessionId": "1_2@ce1.example.com", "networkError": "ForbiddenException"}
    view.notification(Notification(START, "http://127.0.0.1/fee", {"eventType": "fee", "feeLst": [cdr]}, True))
    lanes = [cells for cells in rows(out.getvalue()) if len(cells) == 5]
    platform, sp = (" ".join(" ".join(cells[lane] for cells in lanes).split()) for lane in (3, 4))
    for error in ("forbidden", "bad request"):
        assert f"the network refuses to dial the caller: {error}" in platform
    assert "not found" not in platform
    assert "← CDR: the network refused to dial, forbidden" in sp
    labels = [cells[0].split()[0] for cells in lanes if cells[0].startswith("#")]
    assert labels == ["#1", "#1", "#2", "#2", "#1"], "each has a heading; the CDR is on the line of its call"


@pytest.mark.parametrize("caller_id", [SOPHIA, "anonymous"])
def test_the_view_shows_a_call_from_outside_in_one_time_line(caller_id):
    """Its call id is the platform's answer; the first column is the phone that dialled, the second the one rung."""
    out = io.StringIO()
    view = MultiCallView(Screen(out, width=120))
    leg = {"CallId": "a", "ParticipantTag": "LEG-A", "To": "+12025550101", "From": caller_id, "Direction": "Inbound"}
    sent = {"Sequence": 1, "InvocationEventType": "NEW_INBOUND_CALL", "CallDetails": {"Participants": [leg]}}
    payload = {"SchemaVersion": "1.0", "TransactionAttributes": {"callId": "1_2"}, "Actions": [HANG_UP]}
    view.network_event(at(0, "called_in", SOPHIA, shown=caller_id, to="+12025550101"))
    view.network_event(at(0, "event", event=sent, attempt=1))
    view.network_event(at(0.1, "answer", sequence=1, payload=payload, attempt=1))
    view.network_event(at(0.2, "rang", JACK, shown="+12025550101", call_id="b"))
    view.network_event(at(0.3, "ended", JACK, by="network", sip_code=487, incoming=True, call_id="b"))
    view.network_event(at(0.4, "ended", SOPHIA, by="network", sip_code=480, incoming=False, call_id="a"))
    status = STATUS | {"caller": caller_id, "called": "+12025550101"}
    told = {"eventType": "callin", "statusInfo": status}
    view.notification(Notification(START, "http://127.0.0.1/status", told, True))
    lanes = [cells for cells in rows(out.getvalue()) if len(cells) == 5]
    assert {cells[0].split()[0] for cells in lanes if cells[0].startswith("#")} == {"#1"}
    dialler, rung, platform, sp = (" ".join(" ".join(cells[lane] for cells in lanes).split()) for lane in (1, 2, 3, 4))
    assert dialler.startswith("+1 202 555 0122, who dials in")
    assert "calls +1 202 555 0101" in dialler
    assert ("instead of its number" in dialler) is (caller_id == "anonymous")
    assert dialler.endswith("is not connected (480 Temporarily Unavailable)"), "it never rang"
    assert rung == "the phone that is rung rings, showing +1 202 555 0101 stops ringing"
    who = "anonymous" if caller_id == "anonymous" else "the caller"
    assert f"NEW_INBOUND_CALL {who} → hang up {who}" in platform
    assert f"← callin, {who} dials +1 202 555 0101" in sp
