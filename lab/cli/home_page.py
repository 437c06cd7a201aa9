"""The home page of a running lab: what `make up` started, as data for `lab.home`."""

from __future__ import annotations

from pathlib import Path

from lab.aws.switches import CloudSwitches
from lab.cli.console import Console
from lab.home.server import Home, LabState, Running, changed_switches
from lab.lab import ROOT, Lab
from lab.phones.browser.phone import BrowserPhone
from lab.sip.registrar_on_udp import RegistrarOnUdp
from lab.sp.service_provider import ServiceProvider
from lab.website.server import Site
from pstn.lines.sip.line import SipLine
from pstn.switches import Switches

PORT = 8088


def open_home(
    lab: Lab,
    sp: ServiceProvider,
    site: Site,
    console: Console,
    registrar: RegistrarOnUdp | None,
    phone: BrowserPhone | None,
    env: Path,
    *,
    port: int,
    keeps: bool,
) -> Home:
    """Serve until `close`. The site's pages link to it from now on.

    Raises: OSError: the port is in use.
    """

    def state() -> LabState:
        return LabState(
            site=site.url,
            phone=phone.url if phone else "",
            console=console.url,
            api=lab.api_url,
            aws=lab.aws_url,
            running=(
                Running("This page", home.url, "what runs, and what to try", page=True),
                *([Running("Console", console.url, "what the operator sees", page=True)] if console.url else []),
                *running,
            ),
            switches=(
                *changed_switches(lab.pstn.exchange.switches, Switches()),
                *changed_switches(lab.cloud.switches, CloudSwitches()),
            ),
            notes=_notes(lab, phone),
            stops=_STOPS_AND_KEEPS if keeps else _STOPS,
            shown=sp.numbers[1],
            env_file=_shown(env),
        )

    running = tuple(_running(lab, sp, site, registrar, phone))
    home = Home(state, port=port)
    site.links = (("The lab", home.url), *((("A phone", phone.url),) if phone else ()), ("API", f"{home.url}/api"))
    return home


_STOPS = (
    "Press Ctrl-C in the terminal where make up runs. Its accounts, calls and recordings are then gone;"
    " make up ARGS=--keep keeps them for the next time."
)
_STOPS_AND_KEEPS = (
    "Press Ctrl-C in the terminal where make up runs. It ends the calls that are up and keeps accounts, calls and"
    " recordings; the next make up ARGS=--keep begins with them."
)


def _running(
    lab: Lab, sp: ServiceProvider, site: Site, registrar: RegistrarOnUdp | None, phone: BrowserPhone | None
) -> list[Running]:
    found = [Running("SP’s site", site.url, "four businesses that use the platform", page=True)]
    if phone:
        found.append(Running("Phone", phone.url, "a telephone in a page", page=True))
    found += [
        Running("API", lab.api_url, "where an SP places callbacks"),
        Running("AWS", lab.aws_url, "the local AWS, and the lab’s own controls under /_lab"),
        Running("SP’s server", sp.receiver.url, "receives the notifications for calls placed by hand"),
    ]
    line = lab.pstn.exchange.line
    if isinstance(line, SipLine):
        found.append(Running("Telephone network", line.address, "SIP"))
    if registrar:
        found.append(Running("Registrar", registrar.address, "where softphones register, SIP over UDP"))
    return found


def _notes(lab: Lab, phone: BrowserPhone | None) -> tuple[str, ...]:
    said = []
    if lab.cloud.auth:
        said.append("Functions act as their roles, and signatures and policies are checked (--auth).")
    if phone is None:
        said.append("The telephones are scripts without sound, so there is no phone in a page (--virtual).")
    return tuple(said)


def _shown(file: Path) -> str:
    """As it is typed in the folder of the clone."""
    return str(file.relative_to(ROOT)) if file.is_relative_to(ROOT) else str(file)
