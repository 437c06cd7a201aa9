"""Whole calls on the SIP line in which the page is one of the two telephones, checked by the audio received."""

from collections.abc import Iterator

import pytest

from lab.phones.voices import voice
from pstn.lines import AudioFile
from pstn.lines.phone_state import Phone
from pstn.lines.sip.audio import tone, wav_file
from pstn.lines.virtual import answers
from tests.e2e.phone.conftest import LOUDEST, SPOKEN, said, see, voices_in
from tests.e2e.sip import audio_analysis
from tests.e2e.sip.sip_exchange import SipStory
from tests.e2e.waiting import until
from tests.pstn.scripted import (
    SHOWN_A,
    A,
    B,
    ask_two_digits,
    bridge,
    hang_up,
    hang_up_the_rest,
    inbound,
)

CALLBACK = {"CALL_ANSWERED": [bridge()], "HANGUP": hang_up_the_rest}
PROMPT = 440


@pytest.fixture(autouse=True)
def over(sip_exchange) -> Iterator[None]:
    yield
    sip_exchange.latest.end()


def answer(page) -> None:
    page.get_by_role("button", name="Answer").click()
    see(page, "Connected")


def hears(page, hertz: float) -> None:
    """Wait until that is the loudest tone that the page gives to the loudspeaker."""
    page.wait_for_function(f"() => Math.abs(({LOUDEST})() - {hertz}) < 10")


def dial(page, number: str) -> None:
    page.get_by_label("Number to call").fill(number)
    page.get_by_label("Number to call").press("Enter")


@pytest.mark.parametrize("rate", [8000, 44_100])
def test_whatever_rate_the_sound_card_has(sip_exchange, switched_on, rate):
    """Neither tone is shifted. The page hangs up."""
    at_rate = (
        f"window.AudioContext = class extends AudioContext {{ constructor() {{ super({{ sampleRate: {rate} }}); }} }};"
    )
    page = switched_on(A, first=at_rate)
    story = SipStory(sip_exchange, CALLBACK, b=answers(after=0.2)).place()
    see(page, "is calling")
    answer(page)
    hears(page, voice(B))
    assert page.evaluate("listener.context.sampleRate") == rate

    def heard() -> set[int]:
        return voices_in(audio_analysis.samples(story.received(story.b)))

    until(heard)  # no event tells that sound has arrived
    page.get_by_role("button", name="Hang up").click()
    see(page, "You hung up after 0:")
    story.run()
    assert (heard(), story.a.calls[0].ended_by) == ({SPOKEN}, "self")


@pytest.mark.parametrize("caller_id", [A, "anonymous"])
def test_a_display_number_is_called_and_its_menu_answered(sip_exchange, switched_on, caller_id):
    """The application answers, asks for two digits over a tone, and hangs up."""
    ask = ask_two_digits(r"^1\d#?$", between_ms=5000)
    page = switched_on(A)
    story = SipStory(
        sip_exchange,
        {"NEW_INBOUND_CALL": [ask], "ACTION_SUCCESSFUL": [hang_up()]},
        audio=lambda bucket, key: AudioFile(60.0, wav_file(tone(PROMPT, 60.0))),  # a digit stops it
    )
    page.get_by_label("Withhold my number").set_checked(caller_id != A)
    with inbound(story):
        dial(page, SHOWN_A)
        see(page, "Connected")
        hears(page, PROMPT)
        for key in "15":
            page.keyboard.press(key)
        see(page, "They hung up after 0:")
    assert story.data("ACTION_SUCCESSFUL:PlayAudioAndGetDigits")["ReceivedDigits"] == "15"
    (leg, *_) = story.events[0]["CallDetails"]["Participants"]
    assert (leg["From"], leg["To"], leg["Direction"]) == (caller_id, SHOWN_A, "Inbound")


def test_two_pages_call_one_another(sip_exchange, switched_on):
    """Sound goes both ways, without the service; and each end is told how it ended."""
    story = SipStory(sip_exchange)
    jack, sophia = switched_on(A), switched_on(B)
    dial(jack, B)
    see(jack, "It rings there")
    see(sophia, "Jack is calling")
    answer(sophia)
    see(jack, "Connected")
    hears(jack, SPOKEN)
    hears(sophia, SPOKEN)
    jack.get_by_role("button", name="Hang up").click()
    see(sophia, "They hung up after 0:")
    sophia.get_by_role("button", name="Call +1 202 555 0111 back").click()
    see(jack, "Sophia is calling")
    jack.get_by_role("button", name="Decline").click()
    see(sophia, "The line is busy, or they declined")
    dial(jack, B)
    see(sophia, "Jack is calling")
    jack.get_by_role("button", name="Hang up").click()
    see(sophia, "They hung up before you answered")
    assert story.events == []


def test_a_page_calls_a_scripted_phone(sip_exchange, switched_on):
    page = switched_on(A)
    number = "+12025550133"
    scripted = SipStory(sip_exchange).exchange.phones[number] = Phone(answers(after=0.5))
    dial(page, number)
    said(page, "It rings there")
    see(page, "Connected")
    hears(page, voice(number))
    assert sip_exchange.line.hang_up_by_hand(number)
    see(page, "They hung up after 0:")
    [call] = scripted.calls
    assert sip_exchange.wait(lambda: call.ended_at is not None)
    assert (call.saw, [other for other, *_ in call.joined], call.ended_by) == (A, [A], "self")
    dial(page, number)
    see(page, "Connected")
    page.get_by_role("button", name="Hang up").click()
    see(page, "You hung up")
    assert sip_exchange.wait(lambda: scripted.calls[-1].ended_by == "network")


def test_a_page_is_called_by_a_scripted_phone(sip_exchange, switched_on):
    page = switched_on(A)
    SipStory(sip_exchange)
    number = "+12025550113"
    line = sip_exchange.line
    assert [line.call_phone(*call, call[0]) for call in ((number, A), (A, B), (number, "+12025550170"))] == [
        None,
        404,
        404,
    ]
    see(page, "is calling")
    assert page.locator("#shown").inner_text().endswith("0113")
    answer(page)
    hears(page, voice(number))
    page.get_by_role("button", name="Hang up").click()
    call = sip_exchange.exchange.phones[number].calls[0]
    assert sip_exchange.wait(lambda: call.ended_by == "network")
