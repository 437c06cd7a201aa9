"""Whole calls on the SIP line in which the page is one of the two telephones, checked by the audio received."""

from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from lab.phones.voices import voice
from pstn.lines import AudioFile
from pstn.lines.sip.audio import tone, wav_file
from pstn.lines.virtual import answers
from tests.e2e.phone.conftest import LOUDEST, SPOKEN, see, voices_in
from tests.e2e.sip import audio_analysis
from tests.e2e.sip.sip_exchange import SipStory
from tests.pstn.scripted import (
    SHOWN_A,
    A,
    B,
    action,
    ask_two_digits,
    bridge,
    hang_up,
    hang_up_the_rest,
    inbound,
    play,
)

CALLBACK = {"CALL_ANSWERED": [bridge()], "HANGUP": hang_up_the_rest}
SHOWN = "+1\N{NO-BREAK SPACE}202\N{NO-BREAK SPACE}555\N{NO-BREAK SPACE}0100"
JOINED = "ACTION_SUCCESSFUL:CallAndBridge"
PROMPT = 440
QUIET = f"""() => new Promise(done => {{
  const until = performance.now() + 2500;
  const listen = () => ({LOUDEST})() ? done(false) : performance.now() > until ? done(true) : setTimeout(listen, 50);
  setTimeout(listen, 1100); // what the analyser holds is older than that by then
}})"""
"""Whether nothing is heard for longer than the bell's own pause."""


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


@contextmanager
def calls_in(sip_exchange, script) -> Iterator[SipStory]:
    """Who dials the display number reaches this script."""
    story = SipStory(sip_exchange, script, audio=lambda bucket, key: AudioFile(8.0, wav_file(tone(PROMPT, 8.0))))
    with inbound(story):
        yield story


def test_jack_answers_in_the_page_and_talks_with_sophia(sip_exchange, switched_on, keep):
    """The page rings, shows the display number, and sound goes both ways until she hangs up."""

    def record(event):
        leg = event["CallDetails"]["Participants"][0]["CallId"]
        return [action("StartCallRecording", CallId=leg, Track="BOTH", Destination={"Type": "S3", "Location": "tapes"})]

    page = switched_on(A)
    keep(page, "1-on")
    story = SipStory(sip_exchange, {**CALLBACK, JOINED: record}, b=answers(after=0.2, talks=6.0)).place()
    see(page, "is calling")
    assert page.locator("#shown").inner_text() == SHOWN
    assert SHOWN in page.title()
    assert page.evaluate("document.activeElement.id") == "answer"
    page.wait_for_function(f"() => [660, 880].some(bell => Math.abs(({LOUDEST})() - bell) < 10)")
    keep(page, "2-rings")
    answer(page)
    hears(page, voice(B))
    page.wait_for_function(
        "() => document.getElementById('mouth').value > 0.5 && document.getElementById('ear').value > 0.5"
    )
    page.get_by_role("timer").filter(has_text="0:02").wait_for()
    keep(page, "3-talks")
    story.run()
    see(page, "They hung up after 0:0")
    keep(page, "4-over")
    assert SHOWN not in page.title()
    assert voices_in(audio_analysis.samples(story.received(story.b))) == {SPOKEN}
    assert sip_exchange.wait(
        lambda: any(story.transaction in key for _, key in list(sip_exchange.recordings.objects)), 10
    )
    (tape,) = [body for (_, key), (body, _) in sip_exchange.recordings.objects.items() if story.transaction in key]
    assert [voices_in(each) for each in audio_analysis.channels(tape)] == [{SPOKEN}, {voice(B)}]


@pytest.mark.parametrize("rate", [8000, 44_100, 48_000, 96_000])
def test_whatever_rate_the_sound_card_has(sip_exchange, switched_on, rate):
    """Neither tone is shifted."""
    at_rate = (
        f"window.AudioContext = class extends AudioContext {{ constructor() {{ super({{ sampleRate: {rate} }}); }} }};"
    )
    page = switched_on(A, first=at_rate)
    story = SipStory(sip_exchange, CALLBACK, b=answers(after=0.2, talks=4.0)).place()
    see(page, "is calling")
    answer(page)
    hears(page, voice(B))
    assert page.evaluate("listener.context.sampleRate") == rate
    story.run()
    assert voices_in(audio_analysis.samples(story.received(story.b))) == {SPOKEN}


def test_jack_hangs_up(sip_exchange, switched_on):
    page = switched_on(A)
    story = SipStory(sip_exchange, CALLBACK, b=answers(after=5.0)).place()
    see(page, "is calling")
    answer(page)
    assert page.evaluate(QUIET), "the bell has stopped; nobody else is there yet"
    story.run(lambda: JOINED in story.told)
    page.get_by_role("button", name="Hang up").press("Enter")
    see(page, "You hung up after 0:0")
    story.run()
    assert story.a.calls[0].ended_by == "self"
    assert story.b.calls[0].ended_at is not None


def test_declined_is_busy(sip_exchange, switched_on, keep):
    page = switched_on(A)
    story = SipStory(sip_exchange, CALLBACK).place()
    see(page, "is calling")
    page.get_by_role("button", name="Decline").click()
    see(page, "Declined: the caller gets a busy signal")
    story.run()
    assert story.a.calls[0].sip_code == 486
    assert story.b.calls == []
    keep(page, "declined")


def test_the_caller_gives_up(sip_exchange, switched_on):
    page = switched_on(B)
    story = SipStory(
        sip_exchange, {**CALLBACK, "CALL_ANSWERED": [bridge(seconds=2)], "ACTION_FAILED": [hang_up()]}
    ).place()
    see(page, "is calling")
    story.run()
    see(page, "They hung up before you answered")
    page.get_by_role("button", name="Call", exact=True).wait_for()


def test_the_keypad_in_a_call(sip_exchange, switched_on):
    """By mouse and by keyboard; what is pressed arrives once, in order."""
    page = switched_on(A)
    story = SipStory(sip_exchange, CALLBACK).place()
    see(page, "is calling")
    answer(page)
    story.run(lambda: JOINED in story.told)
    page.get_by_role("button", name="5", exact=True).click()
    page.get_by_role("button", name="hash").click()
    page.keyboard.press("9")
    assert page.locator("#pressed").inner_text() == "5#9"
    story.run(lambda: len(story.a.calls[0].pressed) == 3)
    assert [digit for _, digit in story.a.calls[0].pressed] == ["5", "#", "9"]


def test_a_display_number_is_called_and_its_menu_answered(sip_exchange, switched_on, keep):
    """The application answers, asks for two digits over a tone, and hangs up."""
    ask = ask_two_digits(r"^1\d#?$", between_ms=5000)
    page = switched_on(A)
    with calls_in(sip_exchange, {"NEW_INBOUND_CALL": [ask], "ACTION_SUCCESSFUL": [hang_up()]}) as story:
        for key in "12025550100":
            page.get_by_role("button", name=key, exact=True).click()
        keep(page, "dials")
        page.get_by_role("button", name="Call", exact=True).click()
        see(page, "Connected")
        hears(page, PROMPT)
        keep(page, "menu")
        for key in "15":
            page.keyboard.press(key)
        see(page, "They hung up after 0:0")
    assert story.data("ACTION_SUCCESSFUL:PlayAudioAndGetDigits")["ReceivedDigits"] == "15"
    (leg, *_) = story.events[0]["CallDetails"]["Participants"]
    assert (leg["From"], leg["To"], leg["Direction"]) == (A, SHOWN_A, "Inbound")


def test_after_a_call_one_click_calls_back(sip_exchange, switched_on):
    page = switched_on(A)
    story = SipStory(sip_exchange, CALLBACK).place()
    see(page, "is calling")
    page.get_by_role("button", name="Decline").click()
    story.run()
    with calls_in(sip_exchange, {"NEW_INBOUND_CALL": [play("press.wav")]}) as story:
        page.get_by_role("button", name="Call", exact=True).click()
        see(page, "Connected")
        page.get_by_role("button", name="Hang up").click()
        see(page, "You hung up")
    assert story.told[0] == "NEW_INBOUND_CALL"


def test_a_number_that_nobody_answers_for(sip_exchange, switched_on):
    """No rule wants it; and what is no number is told beside the field."""
    SipStory(sip_exchange)
    page = switched_on(A)
    field = page.get_by_label("Number to call")
    field.fill("+1 202 555 0100")
    field.press("Enter")
    see(page, "The line is busy.")
    field.fill("0")
    field.press("Enter")
    page.get_by_role("alert").filter(has_text="begins with +").wait_for()


def test_two_calls_at_once(sip_exchange, switched_on):
    """Two tabs are two telephones, and both ends of one call."""
    jack, sophia = switched_on(A), switched_on(B)
    story = SipStory(sip_exchange, CALLBACK).place()
    see(jack, "is calling")
    answer(jack)
    see(sophia, "is calling")
    answer(sophia)
    hears(jack, SPOKEN)
    hears(sophia, SPOKEN)
    jack.get_by_role("button", name="Hang up").click()
    see(sophia, "They hung up")
    story.run()


def test_the_page_is_closed_in_mid_call(sip_exchange, switched_on, phone):
    """The call ends, and the scripted phone of that number takes the next one."""
    page = switched_on(A)
    story = SipStory(sip_exchange, CALLBACK).place()
    see(page, "is calling")
    answer(page)
    story.run(lambda: JOINED in story.told)
    page.close()
    story.run()
    assert story.a.calls[0].ended_by == "self"
    assert sip_exchange.line.numbers.address(A) is None
    after = SipStory(sip_exchange, {"CALL_ANSWERED": [hang_up()]}).place().run()
    assert after.a.calls[0].scripted
    assert after.a.calls[0].answered_at


def test_the_telephone_behind_the_page_dies_in_mid_call(sip_exchange, switched_on, phone):
    page = switched_on(A)
    story = SipStory(sip_exchange, CALLBACK).place()
    see(page, "is calling")
    answer(page)
    phone.child.kill()
    see(page, "The telephone server is gone")
    story.run()
    phone.child.wait()
    page.get_by_role("button", name="Switch on").click()
    see(page, "it rings here")
