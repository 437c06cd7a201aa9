"""Whole calls on the SIP line in which the page is one of the two telephones, judged by ear."""

import pytest

from lab.phones.voices import voice
from lab.pstn.lines.virtual import answers
from tests.lab_pstn.scripted import SHOWN_A, A, B, action, bridge, hang_up, hang_up_the_rest, play
from tests.lab_sip import ear
from tests.lab_sip.office import SipStory
from tests.phone.browser.conftest import LOUDEST, SPOKEN, see

CALLBACK = {"CALL_ANSWERED": [bridge()], "HANGUP": hang_up_the_rest}
SHOWN = "+1\N{NO-BREAK SPACE}202\N{NO-BREAK SPACE}555\N{NO-BREAK SPACE}0100"
JOINED = "ACTION_SUCCESSFUL:CallAndBridge"


@pytest.fixture(autouse=True)
def quiet(office):
    yield
    office.latest.end() if hasattr(office, "latest") else None


def answer(page) -> None:
    page.get_by_role("button", name="Answer").click()
    see(page, "Connected")


def test_jack_answers_in_the_page_and_talks_with_sophia(office, switched_on, keep):
    """The page rings, shows the display number, and sound goes both ways until she hangs up."""

    def record(event):
        leg = event["CallDetails"]["Participants"][0]["CallId"]
        return [action("StartCallRecording", CallId=leg, Track="BOTH", Destination={"Type": "S3", "Location": "tapes"})]

    page = switched_on(A)
    keep(page, "1-on")
    story = SipStory(office, {**CALLBACK, JOINED: record}, b=answers(after=0.2, talks=6.0)).place()
    see(page, "is calling")
    assert page.locator("#shown").inner_text() == SHOWN
    assert SHOWN in page.title()
    keep(page, "2-rings")
    answer(page)
    page.wait_for_function(f"() => Math.abs(({LOUDEST})() - {voice(B)}) < 10")
    page.wait_for_function("document.getElementById('mouth').value > 0.5 && document.getElementById('ear').value > 0.5")
    keep(page, "3-talks")
    story.run()
    see(page, "They hung up after 0:0")
    keep(page, "4-over")
    assert ear.audible(ear.samples(story.ear(story.b))) == [(SPOKEN,)]
    assert office.wait(lambda: any(story.transaction in key for _, key in list(office.recordings.objects)), 10)
    (tape,) = [body for (_, key), (body, _) in office.recordings.objects.items() if story.transaction in key]
    assert [ear.audible(each) for each in ear.channels(tape)] == [[(SPOKEN,)], [(voice(B),)]]
