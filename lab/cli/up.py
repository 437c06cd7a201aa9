"""Start the local AWS and telephone network, and keep them running until interrupted."""

from __future__ import annotations

import argparse
import json
import os
import re
import sys
from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager, ExitStack, closing, contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from lab.aws.kept import KeptFolder
from lab.aws.switches import CRUEL, CloudSwitches, changed
from lab.cli import line_choice, over_trunk, signals
from lab.cli.arguments import cloud_switch, folder, in_use, is_free, parameter, port
from lab.cli.console import PORT as CONSOLE_PORT
from lab.cli.console import Console
from lab.cli.curl_commands import commands
from lab.cli.env_file import env_file, variables, written
from lab.cli.home_page import PORT as HOME_PORT
from lab.cli.home_page import open_home
from lab.cli.multi_call_view import MultiCallView
from lab.cli.site import PORT, open_site
from lab.cli.timeline import Screen
from lab.home.server import Home
from lab.lab import DISPLAY_NUMBERS, ROOT, TELEPHONES, Lab
from lab.phones.browser.phone import BrowserPhone
from lab.sip.registrar_on_udp import PORT as REGISTRAR_PORT
from lab.sip.registrar_on_udp import RegistrarOnUdp
from lab.sp.client import Account
from lab.sp.service_provider import ServiceProvider, open_sp
from lab.website.scenarios import SOPHIA, to_try
from lab.website.server import Site
from pstn.lines.behaviours import answers, planned
from pstn.lines.phone_state import Phone
from pstn.lines.sip.line import SipLine
from pstn.lines.sip.settings import SipSettings

PHONE_PORT = 8091
_PORTS = ("--api-port", "--aws-port", "--home-port", "--site-port", "--console-port")
_SIP_PORTS = ("--sip-port", "--registrar-port", "--phone-port")
CALLER, CALLEE = "+12025550111", "+12025550133"
"""Those of the printed commands and of the file for a second terminal."""
_TEST_NUMBERS = ("+12025550111", "+12025550122")
"""The only numbers that the sandbox dials."""
_FOR_ANOTHER_SP = ("+12025550102", "+12025550103")
"""Display numbers that no app has: one belongs to a single SP."""
_SOPHIA_ANSWERS_S, _SOPHIA_TALKS_S = 3.0, 20.0
KEPT = "kept"
"""Folder in the state directory with what `--keep` keeps."""
LAB_FILE = "lab.json"
"""File in the state directory while a lab is running: its URLs and its stack's outputs."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The command line of `up`."""
    parser.add_argument("--api-port", type=port, default=8080, help="port of the API (8080; 0: any free one)")
    parser.add_argument("--aws-port", type=port, default=4566, help="port of the AWS services (4566; 0: any free one)")
    parser.add_argument(
        "--home-port", type=port, default=HOME_PORT, help=f"port of the lab's home page ({HOME_PORT}; 0: any free one)"
    )
    parser.add_argument("--site-port", type=port, default=PORT, help=f"port of the SP's site ({PORT}; 0: any free one)")
    parser.add_argument(
        "--console-port",
        type=port,
        default=CONSOLE_PORT,
        help=f"port of the operator's console ({CONSOLE_PORT}; 0: any free one)",
    )
    parser.add_argument("--auth", action="store_true", help="check signatures and policies; functions use their roles")
    line_choice.add_argument(parser)
    line_choice.add_carrier(parser)
    over_trunk.add_arguments(parser)
    parser.add_argument("--sip-port", type=port, default=5060, help="port of the network's SIP (5060; 0: any free one)")
    parser.add_argument(
        "--registrar-port",
        type=port,
        default=REGISTRAR_PORT,
        help=f"where softphones register ({REGISTRAR_PORT}; 0: any free one)",
    )
    parser.add_argument(
        "--phone-port",
        type=port,
        default=PHONE_PORT,
        help=f"port of the browser phone ({PHONE_PORT}; 0: any free one)",
    )
    parser.add_argument(
        "--keep", action="store_true", help="begin with the accounts, calls and recordings of the last run with --keep"
    )
    parser.add_argument("--state-dir", type=folder, default=ROOT / ".lab", help="working files (.lab)")
    parser.add_argument(
        "--parameter",
        type=parameter,
        action="append",
        default=[],
        metavar="NAME=VALUE",
        help="a parameter of template.yaml",
    )
    parser.add_argument(
        "--cruel", action="store_true", help="let requests, invocations and messages fail as often as a bad day on AWS"
    )
    parser.add_argument(
        "--cloud-switch",
        type=cloud_switch,
        action="append",
        default=[],
        metavar="NAME=VALUE",
        help="how the cloud behaves; python -m lab.aws.switches lists the switches",
    )


def run(arguments: argparse.Namespace) -> int:
    """Serve until SIGTERM or SIGINT."""
    line, why_virtual = line_choice.chosen(arguments)
    try:
        carrier = line_choice.carrier(arguments)
    except ValueError as error:
        print(error, file=sys.stderr)
        return 2
    trunks = over_trunk.settings(arguments) if arguments.trunk else None
    if arguments.trunk and trunks is None:
        return 1
    options = [*_PORTS, *_SIP_PORTS] if line == "sip" and not trunks else _PORTS
    if taken := in_use(arguments, options):
        print(taken, file=sys.stderr)
        return 1
    stop = signals.stop_event()
    kept = KeptFolder(arguments.state_dir / KEPT) if arguments.keep else None
    about = kept.state.about if kept else {}
    lab = Lab(
        auth=arguments.auth,
        numbers=trunks.file.display_numbers if trunks else (*DISPLAY_NUMBERS, *_FOR_ANOTHER_SP),
        parameters=dict(arguments.parameter),
        cloud_switches=changed(CloudSwitches(), (CRUEL if arguments.cruel else {}) | dict(arguments.cloud_switch)),
        api_port=arguments.api_port or _again(about, "api_port"),
        aws_port=arguments.aws_port or _again(about, "aws_port"),
        state_dir=arguments.state_dir,
        keep=kept,
        line=line,
        sip=SipSettings(numbers=arguments.state_dir / TELEPHONES, sip_port=arguments.sip_port),
        trunks=trunks,
        carrier=carrier.carrier,
        edge=carrier.edge,
    )
    with lab, announced(lab, arguments.state_dir):
        print(f"API   {lab.api_url}\nAWS   {lab.aws_url}", flush=True)
        if trunks:
            over_trunk.serve(lab, trunks.file, arguments, stop)
            return 0
        with ExitStack() as opened:
            console = opened.enter_context(closing(Console(lab.environment, port=arguments.console_port)))
            sp = opened.enter_context(closing(_open_sp(lab, about)))
            about.update(api_port=urlsplit(lab.api_url).port, aws_port=lab.cloud.port)
            lab.keep_from_now()
            lab.pstn.exchange.phones[SOPHIA.number] = Phone(answers(_SOPHIA_ANSWERS_S, talks=_SOPHIA_TALKS_S))
            screen = Screen.of(sys.stdout)
            registrar = opened.enter_context(_registrar(lab, arguments.registrar_port, screen))
            phone = _open_phone(lab, registrar, arguments.phone_port)
            if phone:
                opened.enter_context(closing(phone))
            answer_at = phone.page if phone else None
            site = open_site(lab.api_url, sp.account, sp.numbers, port=arguments.site_port, to_try=to_try(answer_at))
            opened.enter_context(closing(site))
            for note in (why_virtual, kept and kept.note):
                if note:
                    screen.line(note)
            values = variables(lab, sp, CALLER, CALLEE)
            env = opened.enter_context(env_file(arguments.state_dir, values))
            home = open_home(
                lab, sp, site, console, registrar, phone, env, port=arguments.home_port, keeps=kept is not None
            )
            opened.enter_context(closing(home))
            screen.line(_guide(lab, env, sp, home, site, console, registrar, phone))
            view = MultiCallView(screen)
            lab.pstn.subscribe(view.network_event)
            lab.observe_api(view.api_answer)
            sp.receiver.observers.append(view.notification)
            site.backend.observers.append(view.notification)
            signals.wait(stop)
            if kept:
                screen.line("Ending the calls, and saving what is kept …")
                lab.hang_up_all()
    return 0


def _again(about: Mapping[str, Any], name: str) -> int:
    """The port of the kept lab, if it is free; else 0."""
    kept = int(about.get(name, 0))
    return kept if kept and is_free(kept) else 0


def _open_sp(lab: Lab, about: dict[str, Any]) -> ServiceProvider:
    """The SP in `about`, or a new one, which is noted there.

    Its app allows recording, which the site offers, has a sandbox, and gets all notifications at its receiver.
    """
    settings = ["--recording", *(word for number in _TEST_NUMBERS for word in ("--test-number", number))]
    account = Account(**about["account"]) if "account" in about else None
    sp = open_sp(
        lab.api_url,
        lab.environment,
        name="acme",
        numbers=_numbers(lab),
        settings=settings,
        log_in=False,
        account=account,
        receiver_port=_again(about, "receiver_port"),
    )
    about.update(account=asdict(sp.account), receiver_port=sp.receiver.port)
    if sp.client.log_in().code == "0":  # unless the operator has suspended the SP before the restart
        sp.client.set_notification_urls(sp.receiver.status_url, sp.receiver.fee_url)
    return sp


def _open_phone(lab: Lab, registrar: RegistrarOnUdp | None, port: int) -> BrowserPhone | None:
    """The browser phone is a SIP phone, so there is none where telephones are scripts only."""
    line = lab.pstn.exchange.line
    if registrar is None or not isinstance(line, SipLine):
        return None
    return BrowserPhone(line.numbers, registrar.address, port=port)


@contextmanager
def _registrar(lab: Lab, port: int, screen: Screen) -> Iterator[RegistrarOnUdp | None]:
    """Where softphones register; None where telephones are scripts only."""
    line = lab.pstn.exchange.line
    if not isinstance(line, SipLine):
        yield None
        return
    with closing(RegistrarOnUdp(line.numbers, line.address, port, screen.line, line)) as registrar:
        yield registrar


def _guide(
    lab: Lab,
    env: Path,
    sp: ServiceProvider,
    home: Home,
    site: Site,
    console: Console,
    registrar: RegistrarOnUdp | None,
    phone: BrowserPhone | None,
) -> str:
    """The text that says what one can do now."""
    answer = f"PHONE {phone.url} is a telephone: switch it on, and answer {CALLER} yourself\n" if phone else ""
    carrier = f"{lab.nodes.words()}\n" if lab.nodes else ""
    watch = f"CONSOLE {console.url} shows the operator calls, notifications and the audit\n" if console.url else ""
    return f"""HOME  {home.url} is the lab's home page: begin here
SITE  {site.url} is an SP's site: open it and request a callback
{answer}{watch}SP    {sp.receiver.url} receives the notifications for the requests below

For a second terminal in this directory: read the SP's account; call {CALLER}, then {CALLEE}; look the call up; stop it.

{commands(env, CALLER, CALLEE, sp.numbers)}
{carrier}The telephones are scripted by number, +1 202 555 01xx:

{_number_plan()}
{_sip_guide(lab, registrar)}
What this phone showed and heard, how it calls back, another script for it, and how the network behaves:

curl -s {lab.aws_url}/_lab/phones/{CALLEE} | python3 -m json.tool
curl -s {lab.aws_url}/_lab/phones/{CALLEE}/call -d '{{"to": "{sp.numbers[1]}"}}'
curl -s {lab.aws_url}/_lab/phones/{CALLEE} -X PUT -d '{{"kind": "busy"}}'
curl -s {lab.aws_url}/_lab/switches | python3 -m json.tool

Calls are shown here as they happen. Stop with Ctrl-C.
"""


def _sip_guide(lab: Lab, registrar: RegistrarOnUdp | None) -> str:
    """How to use an ordinary softphone on this machine; empty where telephones are scripts only."""
    line = lab.pstn.exchange.line
    if not isinstance(line, SipLine) or registrar is None:
        return ""
    direct = "" if lab.nodes else f", or sip:{_numbers(lab)[0]}@{line.address}"  # nodes take calls of the trunk only
    return f"""
They use SIP and RTP. A softphone on this machine can take over a number, from the next call on, with this account:

  user: the number, such as +12025550111     domain: {registrar.address}, over UDP     password: any
  to call a display number, such as {_numbers(lab)[0]}: dial it{direct}
  without an account, add a line to {line.numbers.file}: {{"+12025550111": "sip:me@127.0.0.1:5070"}}
"""


def _number_plan() -> str:
    """The table in the docstring of `planned`, and the one number that this lab scripts otherwise."""
    rows = re.findall(r"\| (\d\d-\d\d) \| (.+) \|", planned.__doc__ or "")
    sophia = f"but answers after {_SOPHIA_ANSWERS_S:.0f} s, hangs up {_SOPHIA_TALKS_S:.0f} s after being joined"
    rows.append((f"{SOPHIA.number[-2:]}   ", f"{sophia} ({SOPHIA.name} of the site)"))
    rows.sort()
    return "\n".join(f"  {numbers}  {script}" for numbers, script in rows)


def _numbers(lab: Lab) -> list[str]:
    """Two display numbers; the same one twice if the platform has only one."""
    owned = lab.outputs["DisplayNumbers"].split(",")
    return [*owned, owned[0]][:2]


def announced(lab: Lab, state_dir: Path) -> AbstractContextManager[Path]:
    """Write the file from which other processes learn where the lab is; remove it at the end."""
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
    return written(state_dir / LAB_FILE, json.dumps(about, indent=1) + "\n")
