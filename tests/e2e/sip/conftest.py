"""One telephone network over SIP for the tests of this folder, one whole platform, and what they need."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from lab.cases.catalogue import LAB, PARAMETERS
from lab.cases.play import NetworkWatch
from lab.cases.player import CasePlayer
from lab.lab import Lab
from lab.sp.service_provider import ServiceProvider, open_sp
from pstn.lines.sip.settings import SipSettings, missing
from tests.e2e.sip.sip_exchange import SipExchange
from tests.e2e.warm_up import warm_up

FOLDER = Path(__file__).parent
NUMBERS = tuple(f"+1202555010{number}" for number in range(6))


def pytest_collection_modifyitems(items):
    """Skip what this machine cannot run, and say why."""
    no_sipp = None if shutil.which("sipp") else "sipp is not installed (Debian: sip-tester)"
    for item in items:
        if item.path.parent != FOLDER:
            continue
        reason = missing() or (no_sipp if item.path.name.startswith("test_sipp") else None)
        if reason:
            item.add_marker(pytest.mark.skip(reason=reason))
    items.sort(key=_turn)


def _turn(item):
    """Cases of a minute go on beside other tests: begun first, looked at late, before what wants quiet."""
    if item.path.name == "test_cases.py" and not item.name.startswith("test_a_return_call"):
        case = item.callspec.params.get("case") if hasattr(item, "callspec") else None
        return 2 if case and (case.exclusive or case.minutes) else 0
    return {"test_cases.py": 3, "test_platform.py": 4}.get(item.path.name, 1)


@pytest.fixture(scope="package")
def sip_exchange(tmp_path_factory) -> Iterator[SipExchange]:
    sip_exchange = SipExchange(tmp_path_factory.mktemp("sip_exchange"), silence_s=2)
    yield sip_exchange
    sip_exchange.close()


@pytest.fixture(scope="package")
def lab(tmp_path_factory) -> Iterator[Lab]:
    folder = tmp_path_factory.mktemp("lab")
    sip = SipSettings(listen=True)
    with Lab(
        auth=True, parameters=PARAMETERS, switches=LAB, line="sip", sip=sip, state_dir=folder, numbers=NUMBERS
    ) as lab:
        yield lab


@pytest.fixture(scope="package")
def new_sp(lab):
    """Opens an SP of this name, with two display numbers of its own and logged in."""
    opened = []
    pairs = zip(NUMBERS[::2], NUMBERS[1::2], strict=True)

    def open_one(name: str, *settings: str) -> ServiceProvider:
        opened.append(open_sp(lab.api_url, lab.environment, name=name, numbers=next(pairs), settings=settings))
        return opened[-1]

    yield open_one
    for sp in opened:
        sp.close()


@pytest.fixture(scope="package")
def case_player(lab, new_sp) -> Iterator[CasePlayer]:
    """Warmed up with as many callbacks as are played at once, so that times mean something."""
    case_player = CasePlayer(lab, NetworkWatch(lab.pstn), new_sp("acme", "--recording"))
    warm_up(case_player, 10)
    yield case_player
    case_player.wait()
    case_player.close()


@pytest.fixture
def quiet(case_player) -> CasePlayer:
    """Nothing is going on but what the test does."""
    case_player.wait()
    return case_player
