"""What holds for all tests."""

import logging
import os
import resource
import sys
from collections.abc import Iterator
from functools import cache

import pytest
from botocore.loaders import JSONFileLoader
from hypothesis import HealthCheck, settings

from duologue.domain.access import passwords
from tests.roles import Roles

os.environ.setdefault("CARRIER", "chime")  # as the template sets it for every function

# A machine that is busy with something else is no fault of the code; what things cost is measured in bench/.
settings.register_profile("any machine", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("any machine")

# The descriptions of AWS's services are read once, not for each test that makes clients of its own.
_READ = cache(JSONFileLoader().load_file)
JSONFileLoader.load_file = lambda self, file_path: _READ(file_path)  # type: ignore[method-assign]


@pytest.fixture
def cheap_passwords(monkeypatch) -> None:
    """A new hash of a password costs next to nothing; what it must cost is tested in domain/test_passwords.py."""
    monkeypatch.setattr(passwords, "_N", 2)


@pytest.fixture(autouse=True)
def _root_logger() -> Iterator[None]:
    """A handler of a function sets up the root logger, on the standard error that pytest shows that one test.

    Left in place, it would take what the threads of later tests log, and write it to a stream that is closed by then.
    """
    root = logging.getLogger()
    handlers, level = list(root.handlers), root.level
    yield
    root.handlers[:] = handlers
    root.setLevel(level)


@pytest.fixture(autouse=True)
def _wiring() -> Iterator[None]:
    """What a function wires once for its process is wired anew in each test, from that test's environment."""
    yield
    for name, module in list(sys.modules.items()):
        if name.startswith("duologue.runtime."):
            for value in list(vars(module).values()):
                if forget := getattr(value, "cache_clear", None):
                    forget()


def pytest_configure(config: pytest.Config) -> None:
    roles = Roles(config)
    config.pluginmanager.register(roles, "roles")
    roles.install()


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Print what the run cost, workers and other children that have ended included."""
    spent = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    terminalreporter.write_line(f"CPU: {sum(each.ru_utime + each.ru_stime for each in spent):.0f} s")
