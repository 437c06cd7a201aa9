"""Remove each statement of each function's role in turn, and see a test fail: `make iam-mutations`, by hand.

First the tests of the adapters and functions run whole and say which of them needed what (tests/roles.py). Then, for
each statement, a few of those that needed it run without it. A statement is red if one of them fails; a green one
could go. What only AWS itself uses, and no client asks for, cannot be seen here and is listed as such.

`python -m tests.iam_mutations <result> [<record>…]`: with records, which `IAM_RECORD` made, the first step is left out.
"""

import contextlib
import io
import json
import os
import subprocess
import sys
import tempfile
from collections import defaultdict
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

import pytest

from tests.architecture.permissions import TEMPLATE, actions_of, targets_of
from tests.roles import RECORD, WITHOUT, permissions, statements
from tools.template import ROOT, functions

_TESTS = ("tests/contract", "tests/functions", "-k", "not lab")
"""On moto: what the local cloud answers is the same, and later."""
_FEW = 3
_HEAD = """# Each statement of each function's role, removed

`make iam-mutations` at {commit}, {date}. Of {all} statements {red} are red: a test fails without them. {green} are
green. {aws} are used only by AWS itself, in the function's name.

| Function | Statement | Actions | On | Without it |
| --- | --- | --- | --- | --- |
"""


def main(result: Path, *records: Path) -> int:
    """Write the table. 1: a statement is not needed."""
    tests_of = _tests_of_statements(records)
    asked = {(folder, number) for folder, number, _, _ in permissions()}
    rows, red, green = list[str](), 0, 0
    for function in functions(TEMPLATE):
        for each in statements(function.folder):
            key = function.folder, each.number
            outcome = _without(*key, tests_of[key]) if key in asked else "used by AWS itself"
            red, green = red + outcome.startswith("red"), green + (outcome == "green")
            said = function.statements[each.number - 1]
            actions, targets = ", ".join(sorted(actions_of(said))), ", ".join(sorted(targets_of(said["Resource"])))
            rows.append(f"| {function.folder} | {each.number} | {actions} | {targets} | {outcome} |")
            print(rows[-1], flush=True)
    numbers = {"red": red, "green": green, "aws": len(rows) - red - green, "all": len(rows)}
    head = _HEAD.format(commit=_commit(), date=f"{datetime.now(UTC):%Y-%m-%d}", **numbers)
    result.write_text(head + "\n".join(rows) + "\n", encoding="utf-8")
    print(numbers)
    return int(green > 0)


def _tests_of_statements(records: Sequence[Path]) -> dict[tuple[str, int], list[str]]:
    with tempfile.TemporaryDirectory() as folder:
        if not records:
            records = [Path(folder) / "needed.json"]
            command = [sys.executable, "-m", "pytest", "-q", *_TESTS, "-n", "auto", "--dist", "loadfile"]
            subprocess.run(command, cwd=ROOT, env={**os.environ, RECORD: str(records[0])}, check=True)
        found = defaultdict[tuple[str, int], list[str]](list)
        for record in records:
            for function, number, _, _, tests in json.loads(record.read_text(encoding="utf-8")):
                found[function, number] += tests
    return found


class _Failures:
    """A plugin of pytest."""

    def __init__(self) -> None:
        self.names: list[str] = []

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        if report.failed:
            self.names.append(report.nodeid)


def _without(folder: str, number: int, tests: list[str]) -> str:
    """In this process, which knows the code's reach already."""
    failures = _Failures()
    os.environ[WITHOUT] = f"{folder}:{number}"
    statements.cache_clear()
    try:
        with contextlib.redirect_stdout(io.StringIO()):
            ended = pytest.main(
                ["-q", "-x", "-p", "no:xdist", "--rootdir", str(ROOT), *dict.fromkeys(tests[:_FEW])], [failures]
            )
    finally:
        del os.environ[WITHOUT]
        statements.cache_clear()
    if ended not in (pytest.ExitCode.OK, pytest.ExitCode.TESTS_FAILED):
        sys.exit(f"pytest ended with {ended} for statement {number} of {folder}")
    return f"red: `{failures.names[0].rpartition('/')[2]}`" if failures.names else "green"


def _commit() -> str:
    command = ["git", "rev-parse", "--short", "HEAD"]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout.strip()


if __name__ == "__main__":
    sys.exit(main(*map(Path, sys.argv[1:])))
