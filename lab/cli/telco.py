"""Run a stand-in telephone company, to try a trunk file with (Debian as root; docs/trunk.md)."""

import argparse
import sys
import tempfile
from pathlib import Path

from lab.cases.trunk_calls import ACME, CALLEE, CALLER, SHOWN, main_trunk
from lab.cli import signals
from lab.cli.telco_terminal import HELP, TelcoTerminal
from lab.telco.phones import answers
from lab.telco.requirements import missing
from lab.telco.telco import Telco

_TALKS_S = 20.0


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """It has none."""


def run(_: argparse.Namespace) -> int:
    """Serve until SIGTERM or SIGINT. 1: this machine cannot."""
    if reason := missing():
        print(reason, file=sys.stderr)
        return 1
    stop = signals.stop_event()
    with tempfile.TemporaryDirectory(prefix="telco-") as folder, Telco(Path(folder), [ACME]) as telco:
        file = telco.trunk_file(main_trunk(telco))
        telco.phone(CALLER, answers(after_s=2.0))
        telco.phone(CALLEE, answers(after_s=2.0, talks_s=_TALKS_S))
        print(
            f"""A telephone company, with the telephones {CALLER} and {CALLEE}, and a customer behind NAT. They are on
networks of their own. {file} is the customer's:

{file.read_text()}
1. On the customer's machine, in a second terminal in this directory: check the trunk, then use it.

ip netns exec {telco.customer.name} .venv/bin/duologue trunk check {file}
ip netns exec {telco.customer.name} make up ARGS="--trunk {file} --yes"

2. In a third terminal: a shell on the same machine. Paste what `make up` prints, with {CALLER} and {CALLEE}.

ip netns exec {telco.customer.name} bash

3. Here, once {CALLEE} was called: let it call back. {CALLER} rings, and neither sees the other's number.

dial {SHOWN[1]}

Further commands here:

{HELP}

The company notes each SIP message in {telco.folder}/messages.jsonl. Stop with Ctrl-C, which removes all of it.
""",
            flush=True,
        )
        terminal = TelcoTerminal(sys.stdin, lambda: telco.softphone(CALLEE), lambda line: print(line, flush=True))
        while not stop.is_set() and terminal.is_open:
            terminal.look(signals.CHECK_EVERY_S)
        signals.wait(stop)
    return 0
