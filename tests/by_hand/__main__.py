"""python -m tests.by_hand events
python -m tests.by_hand invoke FUNCTION SAMPLE [--in-process] [option of sam local …]
python -m tests.by_hand start-api [--port 3000] [--in-process] [option of sam local …]
"""

import argparse
import json
import signal
import sys
import tempfile
import time
from pathlib import Path

from tests.by_hand.api import api
from tests.by_hand.containers import NoContainers, containers
from tests.by_hand.functions import LocalFunctions
from tests.by_hand.needs import SAMPLES, listing, wrong_name
from tests.by_hand.running import NotRunning, RunningLab, prepared, running
from tests.e2e.build.output import FUNCTIONS


def main() -> int:
    parser = argparse.ArgumentParser(prog="make", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    commands.add_parser("events", help="list the samples, and the state that each needs")
    invoke = commands.add_parser("invoke", help="run one sample")
    invoke.add_argument("function", help="a folder of functions/")
    invoke.add_argument("sample", help="a name that `make events` lists")
    start_api = commands.add_parser("start-api", help="serve the API until Ctrl-C")
    start_api.add_argument("--port", type=int, default=3000, help="(3000; 0: any free one)")
    for command in (invoke, start_api):
        command.add_argument("--state-dir", type=Path, default=Path(".lab"), help="that of make up (.lab)")
        command.add_argument("--in-process", action="store_true", help="no containers, even where an engine answers")
    asked, options = parser.parse_known_args()
    if asked.command == "events":
        print(listing())
        return 0
    wrong = wrong_name(asked.function, asked.sample) if asked.command == "invoke" else ""
    if wrong:
        print(f"make invoke: {wrong}", file=sys.stderr)
        return 2
    try:
        lab = running(asked.state_dir)
        return _invoke(lab, asked, options) if asked.command == "invoke" else _start_api(lab, asked, options)
    except NotRunning as error:
        print(f"make {asked.command}: {error}", file=sys.stderr)
        return 1


def _invoke(lab: RunningLab, asked: argparse.Namespace, options: list[str]) -> int:
    """Print the function's reply. 1: it raised."""
    sample = next(each for each in SAMPLES if (each.parent.name, each.stem) == (asked.function, asked.sample))
    try:
        if asked.in_process:
            raise NoContainers("as asked")
        with containers(lab, options) as sam, tempfile.NamedTemporaryFile("w", suffix=".json") as file:
            json.dump(prepared(lab, sample, sam.host), file)
            file.flush()
            _say("in a container, by sam local invoke")
            return sam.sam("invoke", FUNCTIONS[asked.function].logical_id, "--event", file.name)
    except NoContainers as reason:
        _say(f"in a process of this machine: {reason}")
    functions = LocalFunctions(lab)
    try:
        reply = functions.invoke(asked.function, prepared(lab, sample))
    finally:
        functions.close()
    print(json.dumps(reply, indent=2, ensure_ascii=False))
    return int(isinstance(reply, dict) and "errorType" in reply)


def _start_api(lab: RunningLab, asked: argparse.Namespace, options: list[str]) -> int:
    # For sam too: a background process of a shell begins with it ignored.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        if asked.in_process:
            raise NoContainers("as asked")
        with containers(lab, options) as sam:
            _say("in containers, by sam local start-api")
            return sam.sam("start-api", "--port", str(asked.port))
    except NoContainers as reason:
        _say(f"in processes of this machine: {reason}")
    functions = LocalFunctions(lab)
    try:
        with api(functions, asked.port) as url:
            print(f"API: {url}\nStop with Ctrl-C.", flush=True)
            while True:
                time.sleep(3600)
    except KeyboardInterrupt:
        return 0
    except OSError as error:
        print(f"make start-api: port {asked.port}: {error.strerror}", file=sys.stderr)
        return 1
    finally:
        functions.close()


def _say(how: str) -> None:
    print(f"Running {how}.", file=sys.stderr, flush=True)


if __name__ == "__main__":
    sys.exit(main())
