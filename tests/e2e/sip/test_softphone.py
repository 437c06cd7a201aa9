"""The SIP library as a softphone with an account: it registers, is called, calls, and signs off."""

import subprocess
import sys
from collections.abc import Iterator

import pytest

from lab.sip.registrar_on_udp import RegistrarOnUdp
from pstn.lines.phone_state import Phone
from pstn.lines.virtual import answers
from tests.e2e.sip.sip_exchange import SipStory
from tests.pstn.scripted import SHOWN_A, bridge, hang_up, hang_up_the_rest, inbound, play

JACK, INSIDE = "+12025550140", "+12025550130"


class Softphone:
    def __init__(self, user: str, registrar: str) -> None:
        command = [sys.executable, "-m", "tests.e2e.sip.softphone", user, registrar]
        self._process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)

    def says(self, text: str) -> None:
        """Until it does; what the library prints of itself is passed over."""
        assert self._process.stdout
        heard = []
        for line in self._process.stdout:
            heard.append(line)
            if line.startswith(f"phone: {text}"):
                return
        raise AssertionError("it ended after:\n" + "".join(heard))

    def do(self, text: str) -> None:
        assert self._process.stdin
        print(text, file=self._process.stdin, flush=True)

    def close(self) -> None:
        self._process.kill()
        self._process.communicate()


@pytest.fixture
def registrar(sip_exchange) -> Iterator[RegistrarOnUdp]:
    opened = RegistrarOnUdp(sip_exchange.line.numbers, sip_exchange.line.address, 0)
    yield opened
    opened.close()
    assert sip_exchange.line.numbers.address(JACK) is None


@pytest.fixture(params=[JACK, JACK[1:]], ids=["with-plus", "without"])
def softphone(registrar, request) -> Iterator[Softphone]:
    opened = Softphone(request.param, registrar.address)
    yield opened
    opened.close()


def test_it_is_called_and_signs_off(sip_exchange, softphone):
    softphone.says("registered")
    story = SipStory(sip_exchange, {"CALL_ANSWERED": [bridge(to=INSIDE)], "HANGUP": hang_up_the_rest})
    story.a = sip_exchange.exchange.phones[JACK] = Phone()
    story.b = sip_exchange.exchange.phones[INSIDE] = Phone(answers(after=0.2, talks=0.5))
    story.transaction = sip_exchange.exchange.create_call(story.application, from_number=SHOWN_A, to_number=JACK)
    softphone.says(f"called by sip:{SHOWN_A}@")
    softphone.says("hung up")
    story.run()
    assert story.told[-2:] == ["HANGUP:LEG-B", "HANGUP:LEG-A"]
    softphone.do("off")
    softphone.says("signed off")
    assert sip_exchange.line.numbers.address(JACK) is None


def test_it_calls_a_display_number(sip_exchange, registrar, softphone):
    """It knows its registrar only; talk and hang-up go straight between it and the network."""
    softphone.says("registered")
    story = SipStory(sip_exchange, {"NEW_INBOUND_CALL": [play(), hang_up()]})
    with inbound(story):
        softphone.do(f"dial sip:{SHOWN_A[1:]}@{registrar.address}")
        softphone.says("talks")
        softphone.says("hung up")
    (leg, *_) = story.events[0]["CallDetails"]["Participants"]
    assert (leg["From"], leg["To"], leg["Direction"]) == (JACK, SHOWN_A, "Inbound")
