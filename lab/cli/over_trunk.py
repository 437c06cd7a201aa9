"""`up --trunk`: real telephones over SIP trunks, and what keeps them from costing more than somebody meant.

No telephone is a script then, so there are neither the site of an SP, whose contacts are, nor telephones in pages.
"""

import argparse
import sys
import threading
from contextlib import ExitStack, closing
from pathlib import Path

import phonenumbers

from lab.cli import signals, wording
from lab.cli.console import Console
from lab.cli.curl_commands import commands
from lab.cli.env_file import env_file, variables
from lab.cli.multi_call_view import MultiCallView
from lab.cli.timeline import Screen
from lab.lab import Lab
from lab.sp.service_provider import open_sp
from pstn.feed import NetworkEvent
from pstn.lines.trunk.settings import TrunkSettings
from pstn.trunks.failover import REFUSED_US, TRY_NEXT
from pstn.trunks.refusals import TELEPHONE, of_call
from pstn.trunks.trunk_file import TrunkFile, TrunkFileError, read

CONCURRENT_CALLS = 4
CEILINGS = {
    "--calls-per-day": "50",
    "--minutes-per-day": "120",
    "--longest-call-minutes": "15",
    "--calls-per-dialled-number-per-day": "20",
}
"""Of the app that is opened. `duologue app set` changes them while the lab runs."""
CALLER, CALLEE = "YOUR-TELEPHONE", "ANOTHER-TELEPHONE"
"""In the printed commands; the API refuses them, so nobody's telephone rings by a command that was only pasted."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--trunk",
        type=Path,
        metavar="FILE",
        help="dial real telephones over the SIP trunks of this file (docs/trunk.md); asks before it starts",
    )
    parser.add_argument("--yes", action="store_true", help="with --trunk: do not ask")


def settings(arguments: argparse.Namespace) -> TrunkSettings | None:
    """Of `--trunk`, once somebody has agreed to real calls; None, with the reason printed: nothing may be dialled."""
    if arguments.virtual or arguments.keep:
        print("--trunk dials real telephones: it goes neither with --virtual nor with --keep.", file=sys.stderr)
        return None
    try:
        chosen = TrunkSettings(read(arguments.trunk))
        if faults := chosen.faults():
            raise ValueError("\n".join(faults))
        print(f"{_warning(chosen.file, chosen.address)}\n", flush=True)
    except (TrunkFileError, ValueError) as error:
        print(error, file=sys.stderr)
        return None
    if arguments.yes:
        return chosen
    if not sys.stdin.isatty():
        print("Nobody can be asked whether to dial real telephones: add --yes.", file=sys.stderr)
        return None
    try:
        agreed = input("Type yes to go on: ").strip() == "yes"
    except EOFError:
        agreed = False
    if not agreed:
        print("Nothing was started.", file=sys.stderr)
    return chosen if agreed else None


def serve(lab: Lab, file: TrunkFile, arguments: argparse.Namespace, stop: threading.Event) -> None:
    """Until `stop` is set. The calls that are up end with it."""
    owned = file.display_numbers
    limits = [word for pair in CEILINGS.items() for word in pair]
    countries = [word for country in _countries(owned) for word in ("--country", country)]
    with ExitStack() as opened:
        console = opened.enter_context(closing(Console(lab.environment, port=arguments.console_port)))
        sp = open_sp(
            lab.api_url,
            lab.environment,
            name="acme",
            numbers=[*owned, owned[0]][:2],
            concurrent_calls=CONCURRENT_CALLS,
            settings=["--recording", *limits, *countries],
        )
        opened.enter_context(closing(sp))
        sp.client.set_notification_urls(sp.receiver.status_url, sp.receiver.fee_url)
        screen = Screen.of(sys.stdout)
        env = opened.enter_context(env_file(arguments.state_dir, variables(lab, sp, CALLER, CALLEE)))
        screen.line(f"""CONSOLE {console.url} shows the operator calls, notifications and the audit
SP    {sp.receiver.url} receives the notifications for the requests below

For a second terminal in this directory: read the SP's account; call your telephone, then another one; look the call up;
stop it. Numbers are E.164, such as +12025550111; write your own in place of {CALLER} and {CALLEE}.

{commands(env, CALLER, CALLEE, sp.numbers)}
Then dial the number that the second telephone displayed from there: the first one rings. How a call ended:

.venv/bin/duologue call show "$SESSION"

Calls are shown here as they happen. Stop with Ctrl-C, which ends them.
""")
        view = MultiCallView(screen)

        def happened(event: NetworkEvent) -> None:
            view.network_event(event)
            if said := advice(event, file):
                screen.line(said)

        lab.pstn.subscribe(happened)
        for event in lab.pstn.network_events.since(0):
            if event.kind == "registration":
                happened(event)
        lab.observe_api(view.api_answer)
        sp.receiver.observers.append(view.notification)
        signals.wait(stop)
        screen.line("Ending the calls …")
        lab.hang_up_all()


def advice(event: NetworkEvent, file: TrunkFile) -> str:
    """What to change in the file after a refusal; empty: nothing, or the words of the time line say it."""
    code = int(event.detail.get("sip_code") or 0)
    trunk = next((each for each in file.trunks if each.name == event.detail.get("trunk")), None)
    is_told = event.kind == "ended" and code >= wording.REFUSED and code not in (*REFUSED_US, *TRY_NEXT, *TELEPHONE)
    return (
        f"trunk {trunk.name}: {of_call(code, trunk)}" if trunk and (is_told or event.kind == "trunk_refused_us") else ""
    )


def _warning(file: TrunkFile, address: str) -> str:
    names = ", ".join(f"{trunk.name} ({', '.join(map(str, trunk.hosts))})" for trunk in file.trunks)
    limits = ", ".join(f"{name.removeprefix('--')} {value}" for name, value in CEILINGS.items())
    countries = ", ".join(_countries(file.display_numbers))
    return f"""Real telephones: every number that is called is dialled over {names}, from {address}. Calls cost money.
They show {", ".join(file.display_numbers)}. Dialled are numbers in {countries}, but no premium-rate ones;
at most {CONCURRENT_CALLS} calls at once, {limits}."""


def _countries(numbers: tuple[str, ...]) -> list[str]:
    """ISO 3166 codes of the display numbers."""
    found = (phonenumbers.region_code_for_number(phonenumbers.parse(each)) for each in numbers)
    return sorted({country for country in found if country}) or ["US"]
