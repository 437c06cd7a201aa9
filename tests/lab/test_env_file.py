"""The file that a second terminal reads: in bash and in zsh, by its owner only, and not after its lab has ended."""

import os
import shutil
import stat
import subprocess
import sys

import pytest

from lab.cli.env_file import env_file, written

VALUES = {"API": "http://127.0.0.1:8080", "SP_PASSWORD": 'it\'s $HOME `id` \\ "q"', "EMPTY": ""}
SHELLS = [["bash", "-c"], ["zsh", "-f", "-c"]]


def told_by(shell: list[str], script: str) -> subprocess.CompletedProcess[str]:
    if not shutil.which(shell[0]):
        pytest.skip(f"there is no {shell[0]} on PATH")
    return subprocess.run([*shell, script], capture_output=True, text=True, check=True)


@pytest.mark.parametrize("shell", SHELLS, ids=["bash", "zsh"])
def test_a_shell_reads_every_value_as_it_is(tmp_path, shell):
    with env_file(tmp_path, VALUES) as file:
        read = "; ".join(f"printf '%s\\n' \"${name}\"" for name in VALUES)
        as_it_says = file.read_text().splitlines()[0].rpartition(": ")[2]
        said = told_by(shell, f'cd {tmp_path}; {as_it_says}; {read}; echo \'{{"sessionId": "1@a"}}\' | field sessionId')
    assert said.stdout.splitlines() == [*VALUES.values(), "1@a"]
    assert said.stderr == ""


def test_only_its_owner_reads_it_and_it_is_removed_at_the_end(tmp_path):
    (tmp_path / "env").write_text("left by a lab that was killed")
    (tmp_path / "env").chmod(0o644)
    with env_file(tmp_path, VALUES) as file:
        assert stat.S_IMODE(file.stat().st_mode) == 0o600
        assert list(tmp_path.iterdir()) == [file]
    assert list(tmp_path.iterdir()) == []


def test_that_of_a_second_lab_stays_when_the_first_ends(tmp_path):
    with written(tmp_path / "env", "the first"):
        (tmp_path / "env").write_text("the second")
    assert (tmp_path / "env").read_text() == "the second"


@pytest.mark.parametrize("shell", SHELLS, ids=["bash", "zsh"])
def test_the_file_of_a_lab_that_was_killed_says_so(tmp_path, shell):
    script = (
        "import os, pathlib, sys; from lab.cli.env_file import env_file;"
        "held = env_file(pathlib.Path(sys.argv[1]), {'API': 'x'}); held.__enter__(); os._exit(9)"
    )
    command = [sys.executable, "-c", script, str(tmp_path)]
    assert subprocess.run(command, env={**os.environ, "PYTHONPATH": "."}, check=False).returncode == 9
    said = told_by(shell, f". {tmp_path}/env; echo $API")
    assert said.stdout == "x\n"
    assert "has ended" in said.stderr
