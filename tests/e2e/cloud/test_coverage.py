"""lab/aws/COVERAGE.md lists the switches of the cloud."""

from pathlib import Path

from lab.aws import switches

TEXT = (Path(switches.__file__).parent / "COVERAGE.md").read_text()


def test_the_table_of_switches_is_the_codes():
    assert TEXT.rstrip().endswith(switches.table())
