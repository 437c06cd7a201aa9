"""One telephone network over SIP for the tests of this folder; and what they need of the machine."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from lab.pstn.lines.sip import line as sip
from tests.lab_sip.office import Office

if (reason := sip.missing()) is not None:
    pytest.skip(reason, allow_module_level=True)

FOLDER = Path(__file__).parent


def pytest_collection_modifyitems(items):
    absent = None if shutil.which("sipp") else "sipp is not installed (Debian: sip-tester)"
    for item in items:
        if absent and item.path.parent == FOLDER and item.path.name == "test_sipp.py":
            item.add_marker(pytest.mark.skip(reason=absent))


@pytest.fixture(scope="session")
def office(tmp_path_factory) -> Iterator[Office]:
    office = Office(tmp_path_factory.mktemp("office"), silence_s=2)
    yield office
    office.close()
