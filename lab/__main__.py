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
from lab.nodes.lab_process import ProcessError
from pstn.lines.sip.child import ChildError

COMMANDS = ("up", "demo", "story", "stories", "site", "cruel", "telco")
DID_NOT_START = (CloudError, DeployError, LayerError, ProcessError)


def main(arguments: list[str]) -> int:
    """Returns the exit code; 1, with a message, if the laboratory did not start."""
    parser = argparse.ArgumentParser(prog="python -m lab", description="A local AWS and telephone network")
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
        print(f"The SIP telephones did not start; use --virtual to run without them. {error}", file=sys.stderr)
        return 1
    except DID_NOT_START as error:
        print(f"The laboratory did not start: {error}", file=sys.stderr)
        return 1
    return code


def _leave(code: int) -> None:
    """Exit without Python's finalization, whose last garbage collection was once seen to hang.

    That was on a very busy machine, while daemon threads of MiniStack were running. Commands close what they open.
    """
    for stream in (sys.stdout, sys.stderr):
        with contextlib.suppress(OSError):  # its reader is gone
            stream.flush()
    os._exit(code)


if __name__ == "__main__":
    _leave(main(sys.argv[1:]))
