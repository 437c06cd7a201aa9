"""What the tests over the stand-in telephone company need."""

from pathlib import Path

import pytest

from lab.telco.requirements import missing

FOLDER = Path(__file__).parent


def pytest_collection_modifyitems(items):
    """Skip what this machine cannot run, and say why."""
    reason = missing()
    for item in items:
        if reason and FOLDER in item.path.parents:
            item.add_marker(pytest.mark.skip(reason=reason))
