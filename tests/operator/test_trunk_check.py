"""`duologue trunk check` runs `duologue-pstn`, and ends as that does."""

import sys

import pytest

from duologue.operator.__main__ import main


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
        main(["trunk", "check", "trunks.yaml", "--trunk", "main", "--json"])
    assert ended.value.code == status
    assert capfd.readouterr().out == "trunk check trunks.yaml --trunk main --json\n"


def test_it_says_what_is_not_installed(path, capsys):
    assert main(["trunk", "check", "trunks.yaml"]) == 1
    assert "duologue-pstn is not installed" in capsys.readouterr().err
