"""Serve the SP's site (training institute, rides, courier, homes) as an ordinary client of any deployment."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Sequence
from contextlib import closing

from lab.cli import signals
from lab.cli.arguments import port
from lab.sp.client import Account, SpClient
from lab.sp.session import SpSession
from lab.website.backend import SpBackend
from lab.website.server import Site

PORT = 8090
SECRET, PASSWORD = "DUOLOGUE_APP_SECRET", "DUOLOGUE_PASSWORD"  # the names of variables, not what is in them


def open_site(
    api_url: str,
    account: Account,
    numbers: Sequence[str],
    *,
    port: int = 0,
    public_url: str = "",
    to_try: tuple[tuple[str, str], ...] = (),
) -> Site:
    """Serve until `close`. `numbers`: the display numbers for the caller's phone and for the callee's.

    `public_url`: where the platform reaches this site; by default its own address on loopback.

    Raises:
        OSError: the port is in use.
    """

    def backend(url: str) -> SpBackend:
        own, other = numbers[0], numbers[-1] if len(numbers) < 2 else numbers[1]
        return SpBackend(SpSession(SpClient(api_url, account)), account.app_secret, (own, other), url, to_try)

    return Site(backend, port=port, public_url=public_url)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The command line of `site`; secrets come from the environment."""
    parser.description = f"{parser.description} The password is read from {PASSWORD}, the app's secret from {SECRET}."
    parser.add_argument("--api-url", required=True, help="base URL of the platform's API")
    parser.add_argument("--app-key", required=True, help="the app's key")
    parser.add_argument("--username", required=True, help="the SP's username")
    parser.add_argument("--display-number", required=True, action="append", help="a display number; once or twice")
    parser.add_argument("--public-url", default="", help="where the platform reaches this site (default: loopback)")
    parser.add_argument("--port", type=port, default=PORT, help=f"port of the site ({PORT}; 0: any free one)")


def run(arguments: argparse.Namespace) -> int:
    """Serve until SIGTERM or SIGINT. 2: a secret is missing; 1: the port is in use."""
    missing = [name for name in (SECRET, PASSWORD) if not os.environ.get(name)]
    if missing:
        print(f"Set {' and '.join(missing)} first.", file=sys.stderr)
        return 2
    stop = signals.stop_event()
    account = Account(arguments.app_key, os.environ[SECRET], arguments.username, os.environ[PASSWORD])
    numbers = arguments.display_number
    try:
        site = open_site(arguments.api_url, account, numbers, port=arguments.port, public_url=arguments.public_url)
    except OSError as error:
        print(f"Port {arguments.port} cannot be used: {error.strerror}. --port 0 takes a free one.", file=sys.stderr)
        return 1
    with closing(site):
        print(f"SITE  {site.url}", flush=True)
        signals.wait(stop)
    return 0
