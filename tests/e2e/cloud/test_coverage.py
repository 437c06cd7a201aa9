"""lab/aws/COVERAGE.md lists the switches of the cloud, and each is played by a test of this folder."""

import re
from dataclasses import fields
from pathlib import Path

from lab.aws import switches

TEXT = (Path(switches.__file__).parent / "COVERAGE.md").read_text()


def test_the_table_of_switches_is_the_codes():
    assert TEXT.rstrip().endswith(switches.table())


def test_each_switch_has_a_test_of_what_it_changes():
    files = [file for file in Path(__file__).parent.glob("test_*.py") if file != Path(__file__)]
    tests = "".join(file.read_text(encoding="utf-8") for file in files)
    names = [each.name for each in fields(switches.CloudSwitches)]
    assert [name for name in names if not re.search(rf'\b{name}["=]', tests)] == [], "set there, or counted"
