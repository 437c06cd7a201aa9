"""SIPp as the telephone outside: its own count of successful calls is the verdict, beside what the Lambda was told."""

import json
from typing import Any

import pytest

from lab.telco import sipp
from lab.telco.sipp import (
    ACKED,
    HANGS_UP,
    INVITED,
    KEPT,
    OK,
    RINGS,
    Sipp,
    answered_phone,
    invites_again,
    pause,
    presses,
    recv,
    reply,
)
from pstn.lines import AudioFile
from pstn.lines.phone_state import Phone
from pstn.lines.virtual import answers
from tests.e2e.sip import audio_analysis
from tests.e2e.sip.sip_exchange import SipStory
from tests.pstn.scripted import SHOWN_A, ask_two_digits, bridge, hang_up, hang_up_the_rest, inbound, play

OUTSIDE = "+12025550140"
"""Busy by the plan: that it is not shows that the file of numbers wins."""
INSIDE, VOICE_INSIDE = "+12025550130", 900
HUNG_UP = [recv("BYE"), OK]
CALLBACK = {"CALL_ANSWERED": [bridge(to=INSIDE)], "HANGUP": hang_up_the_rest}
TO_OUTSIDE = {
    "CALL_ANSWERED": [bridge(to=OUTSIDE)],
    "ACTION_FAILED": [hang_up()],
    "HANGUP": hang_up_the_rest,
}


@pytest.fixture
def phone(sip_exchange, tmp_path):
    """Puts a SIPp scenario behind the number OUTSIDE."""
    opened = []

    def open_one(steps: list[str], **more: Any) -> Sipp:
        one = Sipp(tmp_path, steps, **more)
        opened.append(one.__enter__())
        sip_exchange.numbers.write_text(json.dumps({OUTSIDE: f"sip:phone@127.0.0.1:{one.port}"}))
        return one

    yield open_one
    for one in opened:
        one.__exit__()
    sip_exchange.numbers.write_text("{}")


@pytest.fixture
def call(sip_exchange):
    """Places a call to a number and waits until it is over."""
    opened = []

    def place(script: dict[str, Any], to: str, inside: Any = None, **switches: Any) -> SipStory:
        story = SipStory(sip_exchange, script, **switches)
        opened.append(story)
        story.a = sip_exchange.exchange.phones[OUTSIDE] = Phone()
        story.b = sip_exchange.exchange.phones[INSIDE] = Phone(inside or answers(after=0.2))
        story.transaction = sip_exchange.exchange.create_call(story.application, from_number=SHOWN_A, to_number=to)
        return story.run()

    yield place
    for story in opened:
        story.end()


def successful(one: Sipp) -> None:
    run = one.result()
    assert (run.successful, run.failed) == (1, 0), run.errors


@pytest.mark.parametrize("payload", [0, 8], ids=["mu-law", "a-law"])
def test_it_answers_and_sounds_and_the_other_hears_it(phone, call, tmp_path, payload):
    file = sipp.tone_file(tmp_path, 600, payload)
    one = phone(answered_phone(*HUNG_UP, payload=payload, sound=file))
    story = call(CALLBACK, OUTSIDE, answers(after=0.2, talks=2.5))
    successful(one)
    assert story.told[-2:] == ["HANGUP:LEG-B", "HANGUP:LEG-A"]
    assert audio_analysis.Heard.of(audio_analysis.samples(story.received(story.b))).order() == [600]


@pytest.mark.parametrize(
    ("code", "reason"), [(486, "Busy Here"), (603, "Decline"), (480, "Temporarily Unavailable"), (404, "Not Found")]
)
@pytest.mark.parametrize("leg", ["A", "B"])
def test_it_refuses(phone, call, code, reason, leg):
    one = phone([INVITED, reply(code, reason), ACKED])
    if leg == "A":
        story = call(CALLBACK, OUTSIDE)
        found = story.data("HANGUP:LEG-A")["Parameters"]["SipResponseCode"]
    else:
        story = call(TO_OUTSIDE, INSIDE, bridge_failure_detail=True)
        found = story.data("ACTION_FAILED:CallAndBridge")["SipResponseCode"]
    successful(one)
    assert found == code


CANCELLED = [INVITED, RINGS, recv("CANCEL"), OK, reply(487, "Request Terminated"), ACKED]


def test_it_never_answers_as_leg_a(phone, call):
    """CANCEL is seen when the network's patience ends; 487 is acknowledged."""
    one = phone(CANCELLED)
    story = call(CALLBACK, OUTSIDE, network_ring_limit=2.5)
    successful(one)
    assert story.told == ["NEW_OUTBOUND_CALL", "RINGING", "HANGUP:LEG-A"]
    assert story.data("HANGUP:LEG-A")["Parameters"]["SipResponseCode"] == 480


def test_it_never_answers_as_leg_b(phone, call):
    one = phone(CANCELLED)
    story = call({**TO_OUTSIDE, "CALL_ANSWERED": [bridge(to=OUTSIDE, seconds=2)]}, INSIDE)
    successful(one)
    assert "ACTION_FAILED:CallAndBridge" in story.told


def test_cancel_crosses_its_answer(phone, call):
    """It answers although CANCEL came: the answer is acknowledged and hung up at once, and nobody is told of it."""
    one = phone([INVITED, RINGS, recv("CANCEL"), OK, reply(200, "OK", 0), ACKED, recv("BYE"), OK])
    story = call(CALLBACK, OUTSIDE, network_ring_limit=2.5)
    successful(one)
    assert story.told == ["NEW_OUTBOUND_CALL", "RINGING", "HANGUP:LEG-A"]


def test_early_media_is_no_ringing(phone, call):
    """183 with SDP, then the answer."""
    one = phone(answered_phone(*HUNG_UP, before=reply(183, "Session Progress", 0)))
    story = call(CALLBACK, OUTSIDE, answers(after=0.2, talks=0.3))
    successful(one)
    assert story.told[:2] == ["NEW_OUTBOUND_CALL", "CALL_ANSWERED"]


def test_it_answers_without_ringing(phone, call):
    one = phone(answered_phone(*HUNG_UP, before=""))
    story = call(CALLBACK, OUTSIDE, answers(after=0.2, talks=0.3))
    successful(one)
    assert story.told[:2] == ["NEW_OUTBOUND_CALL", "CALL_ANSWERED"]


def test_it_hangs_up(phone, call, sip_exchange):
    one = phone([*KEPT, pause(800), HANGS_UP])
    story = call(CALLBACK, OUTSIDE)
    successful(one)
    assert story.told[-2:] == ["HANGUP:LEG-A", "HANGUP:LEG-B"]
    assert story.data("HANGUP:LEG-A")["Parameters"]["SipResponseCode"] == 0


HELD = {
    "inactive": sipp.sdp(0, version=2) + "a=inactive\n",
    "sendonly": sipp.sdp(0, version=2) + "a=sendonly\n",
    "the old way": sipp.sdp(0, version=2, host="0.0.0.0"),
    "a codec that the network does not have": sipp.sdp(18, version=2),
}


@pytest.mark.parametrize("hold", [None, *HELD])
def test_it_may_be_silent_for_longer_than_a_scripted_phone(phone, call, hold):
    """It sends no RTP at all, with or without a re-INVITE that says so, and hangs up by itself."""
    silent = pause(3000)
    holds = [invites_again(1, HELD[hold]), silent, invites_again(2, sipp.sdp(0, version=3))] if hold else [silent]
    one = phone([*KEPT, pause(300), *holds, pause(300), HANGS_UP])
    story = call(CALLBACK, OUTSIDE)
    successful(one)
    assert story.told[-2:] == ["HANGUP:LEG-A", "HANGUP:LEG-B"]
    assert story.a.calls[0].ended_by == "self"


@pytest.mark.parametrize(
    "answer",
    [None, sipp.sdp(9), sipp.sdp(0, port="0")],
    ids=["no description", "a codec that was not offered", "no port"],
)
@pytest.mark.parametrize("leg", ["A", "B"])
def test_an_answer_without_usable_audio_is_a_refusal(phone, call, leg, answer):
    """Acknowledged and hung up (RFC 3261 §13.2.2.4); told as 488."""
    one = phone([INVITED, RINGS, reply(200, "OK", answer), ACKED, *HUNG_UP])
    if leg == "A":
        story = call(CALLBACK, OUTSIDE)
        found = story.data("HANGUP:LEG-A")["Parameters"]["SipResponseCode"]
    else:
        story = call(TO_OUTSIDE, INSIDE, bridge_failure_detail=True)
        found = story.data("ACTION_FAILED:CallAndBridge")["SipResponseCode"]
    successful(one)
    assert found == 488
    assert "CALL_ANSWERED" not in story.told or leg == "B"


def test_it_saw_the_display_number(phone, call):
    """Only a From with the number shown lets the scenario go on."""
    strict = (
        '<recv request="INVITE"><action>'
        '<ereg regexp="[0-9]+" search_in="hdr" header="CSeq:" assign_to="cseq"/>'
        rf'<ereg regexp="sip:\{SHOWN_A}@" search_in="hdr" header="From:" check_it="true" assign_to="shown"/>'
        '</action></recv><Reference variables="shown"/>'
    )
    one = phone([strict, reply(486, "Busy Here"), ACKED])
    call(CALLBACK, OUTSIDE)
    successful(one)


ANSWERED_CALL = [
    sipp.send(
        f"""INVITE sip:{SHOWN_A}@[remote_ip]:[remote_port] SIP/2.0
Via: SIP/2.0/[transport] [local_ip]:[local_port];branch=[branch]
From: <sip:phone@[local_ip]:[local_port]>;tag=[pid]-[call_number]
To: <sip:{SHOWN_A}@[remote_ip]:[remote_port]>
Call-ID: [call_id]
CSeq: 1 INVITE
Contact: <sip:phone@[local_ip]:[local_port]>
Max-Forwards: 70
Content-Type: application/sdp
Content-Length: [len]

{sipp.sdp(0)}""",
        retransmit=True,
    ),
    '<recv response="100" optional="true"/>',
    '<recv response="180" optional="true"/>',
    '<recv response="200" rrs="true"/>',
    sipp.send(
        f"""ACK sip:{SHOWN_A}@[remote_ip]:[remote_port] SIP/2.0
Via: SIP/2.0/[transport] [local_ip]:[local_port];branch=[branch]
From: <sip:phone@[local_ip]:[local_port]>;tag=[pid]-[call_number]
To: <sip:{SHOWN_A}@[remote_ip]:[remote_port]>[peer_tag_param]
Call-ID: [call_id]
CSeq: 1 ACK
Max-Forwards: 70
Content-Length: 0

"""
    ),
    # The library renegotiates once, right after it answered.
    recv("INVITE"),
    sipp.send(
        f"""SIP/2.0 200 OK
[last_Via:]
[last_From:]
[last_To:]
[last_Call-ID:]
[last_CSeq:]
Contact: <sip:phone@[local_ip]:[local_port]>
Content-Type: application/sdp
Content-Length: [len]

{sipp.sdp(0)}""",
        retransmit=True,
    ),
    ACKED,
]


def test_it_calls_and_presses_digits(phone, sip_exchange):
    """From outside to a display number: answered, asked, the digits read, hung up."""
    ask = ask_two_digits(r"^1\d#?$")
    story = SipStory(sip_exchange, {"NEW_INBOUND_CALL": [ask], "ACTION_SUCCESSFUL": [hang_up()]})
    with inbound(story):
        pressed = [pause(700), presses("1"), pause(700), presses("5")]
        one = phone([*ANSWERED_CALL, *pressed, recv("BYE"), OK], towards=sip_exchange.line.address)
        successful(one)
    assert story.data("ACTION_SUCCESSFUL:PlayAudioAndGetDigits")["ReceivedDigits"] == "15"
    (leg, *_) = story.events[0]["CallDetails"]["Participants"]
    assert (leg["From"], leg["To"], leg["Direction"]) == (OUTSIDE, SHOWN_A, "Inbound")


def test_it_withholds_its_number(phone, sip_exchange):
    """RFC 3323 §4.1.1.3: the application is told the user part of From, which is no number."""
    story = SipStory(sip_exchange, {"NEW_INBOUND_CALL": [play(), hang_up()]})
    own, nobody = "From: <sip:phone@[local_ip]:[local_port]>", 'From: "Anonymous" <sip:anonymous@anonymous.invalid>'
    steps = [step.replace(own, nobody) for step in [*ANSWERED_CALL, recv("BYE"), OK]]
    with inbound(story):
        successful(phone(steps, towards=sip_exchange.line.address))
    assert story.events[0]["CallDetails"]["Participants"][0]["From"] == "anonymous"


ACK_OF_REFUSAL = f"""ACK sip:{SHOWN_A}@[remote_ip]:[remote_port] SIP/2.0
[last_Via:]
From: <sip:phone@[local_ip]:[local_port]>;tag=[pid]-[call_number]
To: <sip:{SHOWN_A}@[remote_ip]:[remote_port]>[peer_tag_param]
Call-ID: [call_id]
CSeq: 1 ACK
Max-Forwards: 70
Content-Length: 0

"""


def test_a_call_that_no_rule_wants_is_refused(phone, sip_exchange):
    refused = [*ANSWERED_CALL[:3], '<recv response="486"/>', sipp.send(ACK_OF_REFUSAL)]
    successful(phone(refused, towards=sip_exchange.line.address))


def test_the_prompt_is_heard_to_its_end_before_the_hangup(phone, call):
    """BYE does not come before the prompt's two seconds are over: for some of them the scenario takes no message."""
    one = phone(answered_phone(pause(300), *HUNG_UP))
    story = call({"CALL_ANSWERED": [play(), hang_up()]}, OUTSIDE, audio=lambda bucket, key: AudioFile(2.0))
    successful(one)
    assert story.heard_a == ["hello.wav"]
