"""`duologue console`: pages for the operator, on the operator's own machine.

What they are made with is not among the package's own requirements, and no function needs it: only the command loads
it, from `server`.
"""

import argparse
from typing import Any

from duologue.domain.errors import OutsideUnavailable
from duologue.operator.platform import Platform, Said

PORT = 8089
_NEEDS = {"starlette", "jinja2", "uvicorn", "markupsafe"}


def add_to(kinds: Any) -> None:
    command = kinds.add_parser("console", help="serve pages on this machine: calls, notifications, accounts, audit")
    command.add_argument(
        "--port", type=_port, default=PORT, metavar="N", help="on 127.0.0.1 (default: %(default)s; 0: any free one)"
    )
    command.set_defaults(command=_console)


def _port(text: str) -> int:
    if not (text.isascii() and text.isdecimal() and int(text) < 65_536):
        raise argparse.ArgumentTypeError(f"{text} is not a port: 0 to 65535")
    return int(text)


def _console(asked: argparse.Namespace, platform: Platform) -> Said:
    """Serve until interrupted."""
    try:
        from duologue.operator.console.server import serve
    except ModuleNotFoundError as error:
        if error.name not in _NEEDS:
            raise
        raise OutsideUnavailable(
            f"the console needs {error.name}, which is not installed: pip install starlette jinja2 uvicorn"
        ) from error
    return serve(platform, asked.port)
