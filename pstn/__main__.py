"""The command `duologue-pstn`.

Each subcommand is a module with `main(arguments) -> int`, imported when it is asked for. Its exit code: 0 done, 1
failed with the reason on standard error, 2 wrong arguments (argparse's).
"""

import sys
from collections.abc import Sequence
from importlib import import_module

COMMANDS: dict[str, tuple[str, str]] = {
    "edge render": ("pstn.edge.command", "Write the configuration of Kamailio and rtpengine from trunks.yaml"),
    "serve": ("pstn.node.command", "Serve calls over SIP trunks as one node"),
    "host": ("pstn.host.command", "What a machine in an auto-scaling group does besides: secrets, readiness, drain"),
    "trunk check": (
        "pstn.trunks.check.command",
        "What of the trunks of a file works, step by step, and what to change",
    ),
}
"""The words of each subcommand: its module, and what it does."""


def main(arguments: Sequence[str] | None = None) -> int:
    given = list(sys.argv[1:] if arguments is None else arguments)
    for words, (module, _) in COMMANDS.items():
        count = len(words.split())
        if given[:count] == words.split():
            status: int = import_module(module).main(given[count:])
            return status
    is_help = given in (["-h"], ["--help"])
    print(usage(), file=sys.stdout if is_help else sys.stderr)
    return 0 if is_help else 2


def usage() -> str:
    width = max(map(len, COMMANDS), default=0)
    lines = [f"  {words:{width}}  {what}" for words, (_, what) in COMMANDS.items()]
    return "\n".join(["usage: duologue-pstn COMMAND [-h] ...", "", *lines])


if __name__ == "__main__":
    sys.exit(main())
