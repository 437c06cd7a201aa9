"""`python -m lab <command>`; each command is a module of this package with `add_arguments` and `run`."""

from __future__ import annotations

import argparse
import importlib
import importlib.util
import sys

COMMANDS = ("up", "demo", "story", "site")


def main(arguments: list[str]) -> int:
    """The process's exit code."""
    parser = argparse.ArgumentParser(prog="python -m lab", description="The cloud and the telephone network, here")
    commands = parser.add_subparsers(required=True, metavar="command")
    for name in COMMANDS:
        if importlib.util.find_spec(f"lab.{name}") is None:
            continue
        module = importlib.import_module(f"lab.{name}")
        first_line = (module.__doc__ or "").partition("\n")[0]
        command = commands.add_parser(name, help=first_line, description=first_line)
        module.add_arguments(command)
        command.set_defaults(run=module.run)
    chosen = parser.parse_args(arguments)
    code: int = chosen.run(chosen)
    return code


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
