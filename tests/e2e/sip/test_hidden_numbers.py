"""Everything that the network sends to a telephone over SIP, searched for the other party's number.

Jack and Sophia have independent telephones (SIPp), which write down each message: of a callback, and of the return call
after it.
"""

import json

import pytest

from lab.telco.sipp import HANGS_UP, KEPT, OK, Sipp, answered_phone, pause, recv
from tests.e2e.sip.test_sipp import ANSWERED_CALL, successful
from tests.pstn.scripted import SHOWN_A

JACK, SOPHIA = "+12025550118", "+12025550119"


@pytest.fixture
def phone(lab, tmp_path):
    """Opens the telephone of a number; `steps` is its scenario."""
    opened: list[Sipp] = []
    places: dict[str, str] = {}

    def open_one(number: str, steps: list[str], **more) -> Sipp:
        folder = tmp_path / f"{number}-{len(opened)}"
        folder.mkdir()
        one = Sipp(folder, steps, **more)
        opened.append(one.__enter__())
        places[number] = f"sip:phone@127.0.0.1:{one.port}"
        lab.pstn.exchange.line.numbers.file.write_text(json.dumps(places))
        return one

    yield open_one
    for one in opened:
        one.__exit__()
    lab.pstn.exchange.line.numbers.file.write_text("{}")


def test_no_message_to_a_telephone_has_the_other_number(phone, quiet, lab):
    sp = quiet.sp
    jack = phone(JACK, answered_phone(recv("BYE"), OK))
    sophia = phone(SOPHIA, [*KEPT, pause(800), HANGS_UP])
    session = sp.place(JACK, SOPHIA).body["sessionId"]
    assert sp.receiver.wait_for_fee(session, 30.0)
    for each in (jack, sophia):
        successful(each)
    jack_again = phone(JACK, [*KEPT, pause(800), HANGS_UP])
    dials = [step.replace(SHOWN_A, sp.numbers[1]).replace("sip:phone@", f"sip:{SOPHIA}@") for step in ANSWERED_CALL]
    sophia_dials = phone(SOPHIA, [*dials, recv("BYE"), OK], towards=lab.pstn.exchange.line.address)
    for each in (jack_again, sophia_dials):
        successful(each)
    for one, shown, hidden in (
        (jack, sp.numbers[0], SOPHIA),
        (jack_again, sp.numbers[1], SOPHIA),
        (sophia, sp.numbers[1], JACK),
        (sophia_dials, sp.numbers[1], JACK),
    ):
        assert shown[1:] in one.messages
        assert hidden[1:] not in one.messages
