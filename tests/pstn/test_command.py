"""The command `duologue-pstn`: which subcommands it has, and how each is asked for."""

import importlib

import pytest

from pstn.__main__ import COMMANDS, main


@pytest.mark.parametrize("words", COMMANDS)
def test_a_subcommand_says_how_it_is_used(words: str, capsys):
    module, what = COMMANDS[words]
    assert importlib.import_module(module).main
    assert what
    with pytest.raises(SystemExit) as ended:
        main([*words.split(), "--help"])
    assert ended.value.code == 0
    assert capsys.readouterr().out.startswith(f"usage: duologue-pstn {words}")


@pytest.mark.parametrize(("arguments", "status"), [(["--help"], 0), ([], 2), (["answer"], 2), (["host-of"], 2)])
def test_without_a_subcommand_it_lists_them(arguments: list[str], status: int, capsys):
    assert main(arguments) == status
    said = capsys.readouterr()
    assert (said.out if status == 0 else said.err).startswith("usage: duologue-pstn COMMAND")
    assert all(words in said.out + said.err for words in COMMANDS)
