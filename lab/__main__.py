"""`python -m lab <command>`; each command is a module of `lab.cli` with `add_arguments` and `run`."""

from __future__ import annotations

import argparse
import contextlib
import importlib
import os
import sys

from lab.aws.cloud import CloudError
from lab.aws.deploy import DeployError
from lab.aws.layers import LayerError
from pstn.lines.sip.child import ChildError

COMMANDS = ("up", "demo", "story", "site")
DID_NOT_START = (CloudError, DeployError, LayerError)


def main(arguments: list[str]) -> int:
    """The process's exit code; 1, and why, when the laboratory did not start."""
    parser = argparse.ArgumentParser(prog="python -m lab", description="The cloud and the telephone network, here")
    commands = parser.add_subparsers(required=True, metavar="command")
    for name in COMMANDS:
        module = importlib.import_module(f"lab.cli.{name}")
        first_line = (module.__doc__ or "").partition("\n")[0]
        command = commands.add_parser(name, help=first_line, description=first_line)
        module.add_arguments(command)
        command.set_defaults(run=module.run)
    chosen = parser.parse_args(arguments)
    try:
        code: int = chosen.run(chosen)
    except ChildError as error:
        print(f"The SIP telephones did not start; --virtual does without them. {error}", file=sys.stderr)
        return 1
    except DID_NOT_START as error:
        print(f"The laboratory did not start: {error}", file=sys.stderr)
        return 1
    return code


def _leave(code: int) -> None:
    """End the process without Python's own end, in whose last garbage collection it was once seen to stand still.

    That was on a very busy machine, with daemon threads of MiniStack still there. What a command began it has closed.
    """
    for stream in (sys.stdout, sys.stderr):
        with contextlib.suppress(OSError):  # whoever read it has gone
            stream.flush()
    os._exit(code)


if __name__ == "__main__":
    _leave(main(sys.argv[1:]))
