"""One telephone network over SIP for the tests of this folder; and what they need of the machine."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from lab.pstn.lines.sip.settings import missing
from tests.lab_sip.office import Office

FOLDER = Path(__file__).parent


def pytest_collection_modifyitems(items):
    """Skip what this machine cannot run, and say why."""
    no_sipp = None if shutil.which("sipp") else "sipp is not installed (Debian: sip-tester)"
    for item in items:
        if item.path.parent != FOLDER:
            continue
        reason = missing() or (no_sipp if item.path.name.startswith("test_sipp") else None)
        if reason:
            item.add_marker(pytest.mark.skip(reason=reason))


@pytest.fixture(scope="session")
def office(tmp_path_factory) -> Iterator[Office]:
    office = Office(tmp_path_factory.mktemp("office"), silence_s=2)
    yield office
    office.close()
