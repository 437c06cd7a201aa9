"""`duologue trunk check` runs `duologue-pstn`, and ends as that does."""

import re
import sys

import pytest

from duologue.operator.__main__ import main
from pstn.trunks.check.command import parser


@pytest.fixture
def path(tmp_path, monkeypatch):
    """The only folder in which programs are found."""
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr(sys, "executable", str(tmp_path / "python"))
    return tmp_path


@pytest.mark.parametrize("status", [0, 1])
def test_it_passes_its_arguments_on_and_ends_with_the_same_status(path, status, capfd):
    program = path / "duologue-pstn"
    program.write_text(f'#!/bin/sh\necho "$@"\nexit {status}\n')
    program.chmod(0o755)
    with pytest.raises(SystemExit) as ended:
        main(
            ["trunk", "check", "--yes", "trunks.yaml", "--display-number", "+12025550100", "--trunk", "main", "--json"]
        )
    assert ended.value.code == status
    said = "trunk check trunks.yaml --trunk main --display-number +12025550100 --yes --json\n"
    assert capfd.readouterr().out == said


def test_its_help_has_each_option_of_the_program_and_the_exit_statuses(capsys):
    with pytest.raises(SystemExit):
        main(["trunk", "check", "--help"])
    said = " ".join(capsys.readouterr().out.split())
    theirs = parser().format_help()
    assert set(re.findall(r"--[a-z-]+", theirs)) <= set(re.findall(r"--[a-z-]+", said))
    for text in (said, " ".join(theirs.split())):
        assert "Ends with 0 if all that was asked works, 1 if something does not, 2 if the arguments are wrong." in text


def test_it_says_what_is_not_installed(path, capsys):
    assert main(["trunk", "check", "trunks.yaml"]) == 1
    assert "duologue-pstn is not installed" in capsys.readouterr().err
