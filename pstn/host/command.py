"""`duologue-pstn host fetch | secrets | watch | logs | nodes | drain`: what runs beside a service on EC2.

Without its setting a command has nothing to do, and ends with 0:

    DUOLOGUE_HOST_TRUNKS        BUCKET/KEY of trunks.yaml
    DUOLOGUE_HOST_SECRETS       names or ARNs, each alone or as FILE=<name or ARN>, comma separated
    DUOLOGUE_HOST_GROUP         the auto-scaling group
    DUOLOGUE_HOST_READY         answers 200 when the service takes work; without it: when the unit is active
    DUOLOGUE_HOST_LOG_GROUP     of CloudWatch Logs
    DUOLOGUE_HOST_EDGE_METRICS  the URL of an edge's metrics, and
    DUOLOGUE_HOST_RTPENGINE     where its rtpengine answers Kamailio, by default 127.0.0.1:22222
    DUOLOGUE_HOST_CERTIFICATE   the file of its certificate, whose end is then watched
    DUOLOGUE_HOST_NODES_TABLE   the table of nodes, and
    DUOLOGUE_HOST_SIP_PORT      their SIP port

`drain` waits for DUOLOGUE_HOST_DRAIN_SECONDS at most, by default a day.
"""

import argparse
import logging
import os
import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import botocore.session
from botocore.exceptions import BotoCoreError, ClientError

from pstn.host import bucket_file, edge_drain, edge_metrics, journal, lifecycle, machine, node_list, secret_files
from pstn.host.instance import Instance
from pstn.trunks.tls_context import days_left

_READY_TIMEOUT_S = 2.0


def main(arguments: Sequence[str]) -> int:
    parser = argparse.ArgumentParser(
        prog="duologue-pstn host", description="What the units beside a service run on EC2"
    )
    commands = parser.add_subparsers(dest="command", required=True)
    secrets = commands.add_parser("secrets", help="write the secrets of AWS Secrets Manager into files")
    secrets.add_argument("--into", type=Path, required=True, metavar="FOLDER")
    fetch = commands.add_parser("fetch", help="fetch trunks.yaml from its bucket")
    fetch.add_argument("--into", type=Path, required=True, metavar="FILE")
    watch = commands.add_parser("watch", help="tell the group that the service is ready; stop it before a termination")
    watch.add_argument("--unit", required=True, help="of systemd, such as duologue-node.service")
    logs = commands.add_parser("logs", help="send the journal to CloudWatch Logs")
    logs.add_argument("--unit", required=True, action="append")
    logs.add_argument("--position", type=Path, required=True, metavar="FILE", help="says how far the journal was sent")
    nodes = commands.add_parser("nodes", help="keep the list of nodes of an edge's Kamailio as the nodes table says")
    nodes.add_argument("--folder", type=Path, required=True, help="that the edge's configuration was rendered into")
    drain = commands.add_parser("drain", help="let an edge take no more calls, and wait until it has none")
    drain.add_argument("--folder", type=Path, required=True, help="that the edge's configuration was rendered into")
    given = parser.parse_args(arguments)
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    try:
        _COMMANDS[given.command](given, os.environ)
    except (secret_files.BadSecret, LookupError, ValueError, OSError, BotoCoreError, ClientError) as error:
        print(f"duologue-pstn host {given.command}: {error}", file=sys.stderr)
        return 1
    return 0


def _secrets(given: argparse.Namespace, environ: Mapping[str, str]) -> None:
    if named := [each for each in environ.get("DUOLOGUE_HOST_SECRETS", "").split(",") if each]:
        secret_files.write(_client("secretsmanager"), named, given.into)


def _fetch(given: argparse.Namespace, environ: Mapping[str, str]) -> None:
    if place := environ.get("DUOLOGUE_HOST_TRUNKS"):
        bucket_file.fetch(_client("s3"), place, given.into)


def _watch(given: argparse.Namespace, environ: Mapping[str, str]) -> None:
    if name := environ.get("DUOLOGUE_HOST_GROUP"):
        instance = Instance()
        group = lifecycle.Group(_client("autoscaling"), name, instance.must("instance-id"))
        lifecycle.watch(
            group, _service(given.unit, environ.get("DUOLOGUE_HOST_READY")), lambda: instance.get(lifecycle.TARGET)
        )


def _logs(given: argparse.Namespace, environ: Mapping[str, str]) -> None:
    if group := environ.get("DUOLOGUE_HOST_LOG_GROUP"):
        measured = machine.Measured(*_sources(group, environ))
        sender = journal.Sender(_client("logs"), group, Instance().must("instance-id"))
        sender.start()
        reader = journal.Journal(given.unit, given.position)
        try:
            journal.forward(reader, sender, measured)
        finally:
            reader.close()


def _sources(log_group: str, environ: Mapping[str, str]) -> Iterator[machine.Source]:
    group = environ.get("DUOLOGUE_HOST_GROUP", "none")
    yield machine.disk(group)
    page, rtpengine = "DUOLOGUE_HOST_EDGE_METRICS", "DUOLOGUE_HOST_RTPENGINE"
    if url := environ.get(page):
        place = environ.get(rtpengine, edge_metrics.RTPENGINE)
        try:
            ask = (edge_metrics.page_at(url), edge_metrics.rtpengine_at(place))
        except ValueError as error:
            raise ValueError(f"{page} or {rtpengine}: {error}") from None
        certificate = environ.get("DUOLOGUE_HOST_CERTIFICATE")

        def left() -> int | None:
            return days_left(Path(certificate), datetime.now(UTC)) if certificate else None

        yield edge_metrics.EdgeMetrics(log_group, group, *ask, left)


def _nodes(given: argparse.Namespace, environ: Mapping[str, str]) -> None:
    if table := environ.get("DUOLOGUE_HOST_NODES_TABLE"):
        folder, port = given.folder, int(environ.get("DUOLOGUE_HOST_SIP_PORT", "5060"))
        ask = _kamailio(folder)

        def reload() -> None:
            ask(["dispatcher.reload"])

        node_list.NodeList(_client("dynamodb"), table, port, folder / "dispatcher.list", reload).follow()


def _drain(given: argparse.Namespace, environ: Mapping[str, str]) -> None:
    edge_drain.drain(_kamailio(given.folder), float(environ.get("DUOLOGUE_HOST_DRAIN_SECONDS", "86400")))


def _kamailio(folder: Path) -> edge_drain.Ask:
    def ask(command: Sequence[str]) -> str:
        asked = ["kamcmd", "-s", f"unix:{folder}/kamailio.sock", *command]
        done = subprocess.run(asked, check=False, capture_output=True, text=True)
        if done.returncode or "error:" in done.stdout + done.stderr:
            raise OSError(f"kamcmd {command[0]}: {done.stdout}{done.stderr}".strip())
        return done.stdout

    return ask


_COMMANDS = {"drain": _drain, "nodes": _nodes, "fetch": _fetch, "secrets": _secrets, "watch": _watch, "logs": _logs}


def _service(unit: str, url: str | None) -> lifecycle.Service:
    def is_ready() -> bool:
        if not url:
            return state() == "active"
        try:
            with urllib.request.urlopen(url, timeout=_READY_TIMEOUT_S) as answer:  # noqa: S310 - the unit file's own URL
                ready: bool = answer.status == 200
                return ready
        except urllib.error.HTTPError:
            return False

    def stop() -> None:
        subprocess.run(["systemctl", "stop", "--no-block", unit], check=True)

    def has_stopped() -> bool:
        return state() in ("inactive", "failed")

    def state() -> str:
        show = ["systemctl", "show", "--property=ActiveState", "--value", unit]
        return subprocess.run(show, check=True, capture_output=True, text=True).stdout.strip()

    return lifecycle.Service(is_ready, stop, has_stopped)


def _client(service: str) -> Any:
    """In the region of AWS_REGION, which the unit's settings say."""
    session = botocore.session.get_session()
    return session.create_client(service, region_name=os.environ.get("AWS_REGION"))
