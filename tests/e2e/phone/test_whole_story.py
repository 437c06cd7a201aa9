"""The document's story, lived: the site in one page, Jack's telephone in another, the platform between."""

import audioop
import re
from collections.abc import Iterator
from contextlib import ExitStack, closing

import pytest

from lab.cli.site import open_site
from lab.lab import DISPLAY_NUMBERS, Lab
from lab.phones.browser.phone import BrowserPhone
from lab.phones.voices import voice
from lab.sip.registrar_on_udp import RegistrarOnUdp
from lab.sp.service_provider import open_sp
from lab.website.scenarios import SOPHIA, to_try
from pstn.lines.behaviours import answers
from pstn.lines.phone_state import Phone
from pstn.lines.sip.line import SipLine
from pstn.lines.sip.settings import SipSettings
from tests.e2e.phone.conftest import SAID, SPOKEN, said, see
from tests.e2e.sip import audio_analysis
from tests.e2e.waiting import until

PLAYS = """audio => new Promise((done, failed) => {
  const play = async () => {
    await audio.play();
    while (audio.currentTime < 0.3) await new Promise(soon => setTimeout(soon, 50));
    audio.pause();
    done([audio.duration, audio.currentTime]);
  };
  audio.onerror = () => failed(new Error(audio.error.message));
  if (audio.readyState >= 1) play(); else audio.onloadedmetadata = play;
})"""
JACK = "+12025550111"
PATIENCE_MS = 90_000


@pytest.fixture(scope="module")
def town(browser) -> Iterator[tuple[Lab, str]]:
    """A laboratory with sound, an SP's site, and the browser phone that it links to; the site's address."""
    with Lab(auth=True, line="sip", sip=SipSettings(listen=True)) as lab, ExitStack() as opened:
        sp = open_sp(lab.api_url, lab.environment, name="institute", numbers=DISPLAY_NUMBERS, settings=("--recording",))
        opened.callback(sp.close)
        line = lab.pstn.exchange.line
        assert isinstance(line, SipLine)
        registrar = opened.enter_context(closing(RegistrarOnUdp(line.numbers, line.address, 0, exchange=line)))
        phone = opened.enter_context(closing(BrowserPhone(line.numbers, registrar.address)))
        site = opened.enter_context(closing(open_site(lab.api_url, sp.account, sp.numbers, to_try=to_try(phone.page))))
        yield lab, site.url


def test_jack_asks_answers_talks_and_hears_what_was_recorded(browser, town, keep):
    lab, site_url = town
    sophia = lab.pstn.exchange.phones[SOPHIA.number] = Phone(answers(1.0, talks=9.0))
    context = browser.new_context(viewport={"width": 1100, "height": 900})
    context.set_default_timeout(PATIENCE_MS)
    context.add_init_script(SAID)
    site = context.new_page()
    site.goto(site_url)
    with context.expect_page() as opened:
        site.get_by_role("link", name="answer it yourself").click()
    telephone = opened.value
    telephone.get_by_role("button", name="Switch on").click()
    see(telephone, "it rings here")

    site.get_by_label("Your phone number").fill(JACK)
    site.get_by_role("checkbox").check()
    site.get_by_role("button", name="Call me back").click()
    site.wait_for_url("**/calls/*")
    see(telephone, "is calling")
    shown = telephone.locator("#shown").inner_text().replace("\N{NO-BREAK SPACE}", "")
    assert shown == DISPLAY_NUMBERS[0], "not Sophia's number"
    telephone.get_by_role("button", name="Answer").click()
    said(telephone, "Connected")
    said(site, "You are connected with Sophia")
    keep(telephone, "story-talking")
    see(site, "You talked with Sophia")
    see(telephone, "They hung up after")
    telephone.get_by_role("button", name="Call", exact=True).click()
    see(telephone, "Nobody can be reached at this number now")

    assert SOPHIA.number not in site.content()
    duration, played = site.locator("audio").evaluate(PLAYS)
    assert played >= 0.3
    exact = site.locator(".steps [data-label=Lag]", has_text=re.compile(r"^\d+\.\d\d s$"))
    exact.nth(5).wait_for()  # once the call was looked up
    lags = [float(text.removesuffix(" s")) for text in site.locator(".steps [data-label=Lag]").all_inner_texts()[:-1]]
    assert len(lags) == 6
    assert 3 < duration < 9, "it began after both notices"
    recording = context.request.get(f"{site.url}/recording").body()
    sound = audio_analysis.samples(audioop.alaw2lin(recording[recording.index(b"data") + 8 :], 2))
    heard = [set(each) for each in audio_analysis.windows(sound)]
    both = {SPOKEN, int(voice(SOPHIA.number))}
    assert sum(both <= each for each in heard) > len(heard) / 3, "Jack's microphone and Sophia's phone"
    [call] = sophia.calls
    assert call.saw == DISPLAY_NUMBERS[1], "not Jack's number"
    assert audio_analysis.loudest(audio_analysis.samples(lab.pstn.exchange.line.heard_by(call)))[SPOKEN] > 20
    keep(site, "story-over")
    context.close()


def test_the_called_party_presses_call_and_the_other_page_rings(browser, town, keep):
    """Two pages, a callback, hang up; the number that Sophia's phone showed is in her page already."""
    _, site_url = town
    context = browser.new_context(viewport={"width": 1100, "height": 900})
    context.set_default_timeout(PATIENCE_MS)
    site = context.new_page()
    site.goto(site_url)
    with context.expect_page() as opened:
        site.get_by_role("link", name="answer it yourself").click()
    jack, sophia = opened.value, context.new_page()
    sophia.goto(jack.url.replace(JACK[1:], SOPHIA.number[1:]))
    for telephone in (jack, sophia):
        telephone.get_by_role("button", name="Switch on").click()
        see(telephone, "it rings here")

    site.get_by_label("Your phone number").fill(JACK)
    site.get_by_role("button", name="Call me back").click()
    site.wait_for_url("**/calls/*")
    for telephone in (jack, sophia):
        see(telephone, "is calling")
        telephone.get_by_role("button", name="Answer").click()
        see(telephone, "Connected")
    see(site, "You are connected with Sophia")
    sophia.get_by_role("button", name="Hang up").click()
    see(jack, "They hung up after")
    see(site, "Sophia can ring you back")

    sophia.get_by_role("button", name="Call", exact=True).click()
    see(jack, "is calling")
    assert jack.locator("#shown").inner_text().replace("\N{NO-BREAK SPACE}", "") == DISPLAY_NUMBERS[1]
    keep(jack, "return-call-rings")
    jack.get_by_role("button", name="Answer").click()
    for telephone in (jack, sophia):
        see(telephone, "Connected")
    back = site.get_by_role("status").filter(has_text="Sophia called back")
    until(lambda: site.reload() and back.is_visible())  # the page of a complete call is not updated any more
    site.get_by_role("link", name="Sophia called back").click()
    see(site, "You are connected with Sophia, who called back")
    keep(site, "return-call-talking")
    jack.get_by_role("button", name="Hang up").click()
    see(sophia, "They hung up after")
    see(site, "You talked with Sophia")
    assert SOPHIA.number not in site.content()
    context.close()
