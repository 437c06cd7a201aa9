"""Start the laboratory and keep it running until it is interrupted."""

from __future__ import annotations

import argparse
import json
import os
import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from lab.lab import ROOT, Lab

LAB_FILE = "lab.json"
"""Below the state directory while a lab is running: its URLs and its stack's outputs."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The command line of `up`."""
    parser.add_argument("--api-port", type=int, default=8080, help="port of the API (8080; 0: any free one)")
    parser.add_argument("--aws-port", type=int, default=4566, help="port of the AWS services (4566; 0: any free one)")
    parser.add_argument("--auth", action="store_true", help="check signatures and policies; act as the roles")
    parser.add_argument("--virtual", action="store_true", help="virtual phones (the only kind yet)")
    parser.add_argument("--state-dir", type=Path, default=ROOT / ".lab", help="working files (.lab)")
    parser.add_argument("--parameter", action="append", default=[], metavar="NAME=VALUE", help="of template.yaml")


def run(arguments: argparse.Namespace) -> int:
    """Serve until SIGTERM or SIGINT."""
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    lab = Lab(
        auth=arguments.auth,
        parameters=dict(given.split("=", 1) for given in arguments.parameter),
        api_port=arguments.api_port,
        aws_port=arguments.aws_port,
        state_dir=arguments.state_dir,
    )
    with lab, announced(lab, arguments.state_dir):
        print(f"API   {lab.api_url}\nAWS   {lab.aws_url}\nStop with Ctrl-C.", flush=True)
        stop.wait()
    return 0


@contextmanager
def announced(lab: Lab, state_dir: Path) -> Iterator[Path]:
    """Keep the file that tells other processes where the lab is, for as long as it is there."""
    file = state_dir / LAB_FILE
    file.parent.mkdir(parents=True, exist_ok=True)
    about = {
        "api_url": lab.api_url,
        "aws_url": lab.aws_url,
        "account": lab.cloud.account,
        "region": lab.cloud.region,
        "auth": lab.cloud.auth,
        "pid": os.getpid(),
        "environment": lab.environment,
        "outputs": dict(lab.outputs),
        "resources": dict(lab.resources),
    }
    file.write_text(json.dumps(about, indent=1) + "\n", encoding="utf-8")
    try:
        yield file
    finally:
        file.unlink(missing_ok=True)
