"""`duologue-pstn trunk check --call`, over SIP and RTP: a telephone company on loopback with one scripted phone."""

import json
from collections.abc import Iterator

import pytest
import yaml

from lab.nodes.company import Company, company_line
from lab.phones.scripted import ScriptedSipPhones
from pstn.lines.behaviours import answers, busy
from pstn.lines.phone_state import Phone
from pstn.lines.sip.child import free_port
from pstn.lines.sip.settings import SipSettings
from pstn.service import PstnService
from pstn.trunks.check.command import main

NUMBER, DISPLAY_NUMBER = "+12025550111", "+12025550100"


@pytest.fixture(scope="module")
def service() -> Iterator[PstnService]:
    service = PstnService(lambda *_: None, make_line=company_line(SipSettings(listen=True), ScriptedSipPhones))
    yield service
    service.close()
    assert service.broken == []


@pytest.fixture(scope="module")
def company(service) -> Iterator[Company]:
    company = Company(service.exchange.line)
    yield company
    company.close()


@pytest.mark.parametrize(
    ("phone", "outcomes", "found"),
    [
        (answers(0.2, presses="5", press_when="answer"), ["ok", "ok"], "both ways: a key was pressed"),
        (busy(), ["failed", "skipped"], "the telephone was not reached (486)"),
    ],
    ids=["answers", "busy"],
)
def test_a_call_proves_sound_both_ways(service, company, tmp_path, capsys, phone, outcomes, found):
    service.exchange.phones[NUMBER] = Phone(phone)
    trunk = {"name": "main", "hosts": [company.address], "display_numbers": [DISPLAY_NUMBER]}
    file = {"interface": "127.0.0.1", "sip_port": free_port(), "rtp_ports": "31000-31099", "trunks": [trunk]}
    path = tmp_path / "trunks.yaml"
    path.write_text(yaml.safe_dump(file))
    works = outcomes == ["ok", "ok"]
    assert main([str(path), "--call", NUMBER, "--yes", "--json"]) == (0 if works else 1)
    steps = json.loads(capsys.readouterr().out)["steps"]
    assert [step["outcome"] for step in steps if step["name"] in ("call", "sound")] == outcomes
    assert any(found in step["found"] for step in steps)
    assert [call.saw for call in service.exchange.phones[NUMBER].calls] == [DISPLAY_NUMBER]
