"""SIPp as a softphone with an account: it registers, is called, calls, and signs off."""

import json

import pytest

from lab.sip.registrar import LEAST_S
from lab.sip.registrar_on_udp import RegistrarOnUdp
from lab.telco.sipp import OK, Run, Sipp, answered_phone, recv, send
from pstn.lines.phone_state import Phone
from pstn.lines.sip.child import free_port
from pstn.lines.virtual import answers
from tests.e2e.sip.sip_exchange import SipStory
from tests.pstn.scripted import SHOWN_A, bridge, hang_up_the_rest

JACK, INSIDE = "+12025550140", "+12025550130"
"""Jack's is busy by the plan: that it is not shows that he is registered."""


def request(method: str, cseq: int, *more: str, to: str = JACK) -> str:
    head = f"""{method} sip:{to}@[remote_ip]:[remote_port] SIP/2.0
Via: SIP/2.0/[transport] [local_ip]:[local_port];branch=[branch];rport
From: <sip:{JACK}@[remote_ip]:[remote_port]>;tag=[pid]-[call_number]
To: <sip:{to}@[remote_ip]:[remote_port]>
Call-ID: [call_id]
CSeq: {cseq} {method}
Max-Forwards: 70"""
    return send("\n".join([head, *more, "Content-Length: 0", "", ""]), retransmit=method != "ACK")


def contact(seconds: int) -> str:
    return f"Contact: <sip:phone@[local_ip]:[local_port]>;expires={seconds}"


def answer(code: int, header: str = "", regexp: str = "") -> str:
    """With a header that must be so."""
    if not header:
        return f'<recv response="{code}"/>'
    check = f'<ereg regexp="{regexp}" search_in="hdr" header="{header}:" check_it="true" assign_to="seen"/>'
    return f'<recv response="{code}"><action>{check}</action></recv><Reference variables="seen"/>'


REGISTERS = [
    request("REGISTER", 1, contact(LEAST_S - 1)),
    answer(423, "Min-Expires", str(LEAST_S)),
    request("REGISTER", 2, contact(LEAST_S)),
    answer(200, "Contact", f"sip:phone@127.0.0.1:[0-9]+.;expires={LEAST_S}"),
    request("OPTIONS", 3),
    answer(200, "Allow", "REGISTER"),
]
SIGNS_OFF = [request("REGISTER", 4, "Contact: *", "Expires: 0"), answer(200), request("REGISTER", 5), answer(200)]
CALLS_IN_VAIN = [
    request("INVITE", 1, contact(LEAST_S), to=SHOWN_A),
    '<recv response="100" optional="true"/><recv response="180" optional="true"/>',
    answer(486),
    request("ACK", 1, to=SHOWN_A).replace("[branch]", "[branch-3]"),
]


@pytest.fixture
def registrar(sip_exchange):
    before = json.loads(sip_exchange.numbers.read_text())
    opened = RegistrarOnUdp(sip_exchange.line.numbers, sip_exchange.line.address, 0)
    yield opened
    opened.close()
    assert json.loads(sip_exchange.numbers.read_text()) == before


@pytest.fixture
def plays(tmp_path):
    """Runs scenarios at one port, one after the other, each by a SIPp of its own."""
    port, count = free_port(), iter(range(9))

    def play(steps: list[str], towards: str = "") -> Sipp:
        folder = tmp_path / str(next(count))
        folder.mkdir()
        return Sipp(folder, steps, towards, port)

    return play


def successful(run: Run) -> None:
    assert (run.successful, run.failed) == (1, 0), run.errors


def test_it_registers_is_called_and_signs_off(sip_exchange, registrar, plays):
    with plays(REGISTERS, registrar.address) as phone:
        successful(phone.result())
    address = sip_exchange.line.numbers.address(JACK)
    assert address == f"sip:phone@127.0.0.1:{phone.port}"

    story = SipStory(sip_exchange, {"CALL_ANSWERED": [bridge(to=INSIDE)], "HANGUP": hang_up_the_rest})
    story.a = sip_exchange.exchange.phones[JACK] = Phone()
    story.b = sip_exchange.exchange.phones[INSIDE] = Phone(answers(after=0.2, talks=0.5))
    with plays(answered_phone(recv("BYE"), OK)) as phone:
        story.transaction = sip_exchange.exchange.create_call(story.application, from_number=SHOWN_A, to_number=JACK)
        story.run()
        successful(phone.result())
    assert story.told[-2:] == ["HANGUP:LEG-B", "HANGUP:LEG-A"]

    with plays(SIGNS_OFF, registrar.address) as phone:
        successful(phone.result())
    assert sip_exchange.line.numbers.address(JACK) is None


def test_its_call_that_no_rule_wants_is_refused_by_the_network(registrar, plays):
    """The refusal comes back through the registrar."""
    with plays(CALLS_IN_VAIN, registrar.address) as phone:
        successful(phone.result())
