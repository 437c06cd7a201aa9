"""The command `duologue-pstn`: its subcommands are modules with a `main`."""

from importlib import import_module

from pstn.__main__ import COMMANDS, main, usage


def test_each_subcommand_has_its_module_and_a_line_of_the_usage():
    for words, (module, what) in COMMANDS.items():
        assert callable(import_module(module).main)
        assert words in usage() and what in usage()


def test_an_unknown_command_prints_the_usage_and_fails(capsys):
    assert main(["no-such-command"]) == 2
    assert "usage: duologue-pstn" in capsys.readouterr().err
    assert main(["--help"]) == 0
