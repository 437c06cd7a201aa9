"""A telephone network over SIP, the browser phone on it, and a headless Chromium whose microphone hears 900 Hz."""

from collections.abc import Callable, Iterator
from contextlib import closing

import pytest

from lab.phones.browser.phone import BrowserPhone
from lab.sip.registrar_on_udp import RegistrarOnUdp
from pstn.lines.sip.audio import tone, wav_file
from pstn.lines.sip.settings import missing
from tests.e2e.browser import chromium
from tests.e2e.looks import FOLDER
from tests.e2e.sip import audio_analysis
from tests.e2e.sip.sip_exchange import SipExchange

SPOKEN = 900
"""Hertz, of the browser's microphone."""
EAR = """
const connect = AudioNode.prototype.connect;
AudioNode.prototype.connect = function (to, ...more) {
  if (to instanceof AudioDestinationNode) {
    if (window.listener?.context !== this.context) {
      window.listener = new AnalyserNode(this.context, { fftSize: 8192, smoothingTimeConstant: 0 });
    }
    connect.call(this, window.listener);
  }
  return connect.call(this, to, ...more);
};
"""
"""Listens to whatever the page gives to the loudspeaker."""
LOUDEST = """() => {
  const found = new Float32Array(listener.frequencyBinCount);
  listener.getFloatFrequencyData(found);
  const most = Math.max(...found);
  return most < -60 ? 0 : found.indexOf(most) * listener.context.sampleRate / listener.fftSize;
}"""
"""Hertz of the loudest tone there, in steps of the analyser's; 0: silence."""
SAID = """
window.said = [];
new MutationObserver(() => {
  for (const status of document.querySelectorAll("[role=status]")) said.push(status.textContent);
}).observe(document, { childList: true, characterData: true, subtree: true });
"""
"""Keeps every status, however soon the next one follows."""


@pytest.fixture(scope="package")
def browser(tmp_path_factory) -> Iterator:
    """One for all tests; or they skip."""
    if reason := missing():
        pytest.skip(reason)
    spoken = tmp_path_factory.mktemp("microphone") / "spoken.wav"
    spoken.write_bytes(wav_file(tone(SPOKEN, 1.0, level=0.5)))
    yield from chromium(
        "the browser phone",
        "--use-fake-device-for-media-stream",
        "--use-fake-ui-for-media-stream",
        f"--use-file-for-fake-audio-capture={spoken}",
    )


@pytest.fixture(scope="package")
def sip_exchange(browser, tmp_path_factory) -> Iterator[SipExchange]:
    """Not started where there is no browser."""
    sip_exchange = SipExchange(tmp_path_factory.mktemp("sip_exchange"), silence_s=3)
    yield sip_exchange
    sip_exchange.close()


@pytest.fixture(scope="package")
def phone(sip_exchange) -> Iterator[BrowserPhone]:
    line = sip_exchange.line
    with (
        closing(RegistrarOnUdp(line.numbers, line.address, 0, exchange=line)) as registrar,
        closing(BrowserPhone(line.numbers, registrar.address)) as phone,
    ):
        yield phone


@pytest.fixture
def open_page(browser) -> Iterator[Callable]:
    """Opens pages; at the end, nothing has gone wrong in any."""
    wrong: list[str] = []
    contexts = []

    def open_one(url: str, *, width: int = 420, height: int = 900, first: str = "", **more):
        """`first`: a script that runs before the page's own."""
        context = browser.new_context(viewport={"width": width, "height": height}, **more)
        contexts.append(context)
        home = url.partition("/?")[0]

        def outside(request) -> None:
            if not request.url.startswith((home, home.replace("http", "ws"), "data:")):
                wrong.append(request.url)

        page = context.new_page()
        page.set_default_timeout(60_000)
        page.add_init_script(first + EAR + SAID)
        page.on("pageerror", lambda error: wrong.append(str(error)))
        page.on("request", outside)
        page.on("console", lambda said: wrong.append(said.text) if said.type == "error" else None)
        page.goto(url)
        return page

    yield open_one
    for context in contexts:
        context.close()
    assert wrong == []


@pytest.fixture
def switched_on(open_page, phone) -> Callable:
    def open_one(number: str, **more):
        page = open_page(phone.page(number), **more)
        switch_on(page)
        return page

    return open_one


def switch_on(page) -> None:
    page.get_by_role("button", name="Switch on").click()
    see(page, "it rings here")


def voices_in(sound) -> set[int]:
    """The loudest tone of each stretch that is not faint: what a busy machine drops of a tone makes no other of it."""
    found = set()
    for at in range(0, len(sound) - audio_analysis.WINDOW + 1, audio_analysis.WINDOW):
        loudness = audio_analysis.spectrum(sound[at : at + audio_analysis.WINDOW])
        if max(loudness) > audio_analysis.FAINT:
            found.add(round(loudness.index(max(loudness)) * audio_analysis.RATE / audio_analysis.WINDOW / 20) * 20)
    return found


def see(page, words: str) -> None:
    """Wait until the page says so where a screen reader hears it."""
    page.locator("[role=status]", has_text=words).wait_for()


def said(page, words: str) -> None:
    """Wait until the page has said so, be it for a moment; it needs `SAID`."""
    page.wait_for_function("words => said.some((each) => each.includes(words))", arg=words)


@pytest.fixture
def keep() -> Callable:
    """Keeps a picture of the page (tests/e2e/looks.py)."""

    def keep(page, name: str) -> None:
        FOLDER.mkdir(parents=True, exist_ok=True)
        page.screenshot(path=FOLDER / f"phone-{name}.png", full_page=True)

    return keep
