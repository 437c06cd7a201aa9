"""`demo --telco`: one recorded callback over a SIP trunk, between two telephones of the stand-in telephone company."""

import sys
import tempfile
from pathlib import Path

from lab.cases.checks import Check
from lab.cases.trunk_calls import ACME, CALLEE, CALLER, checks, laptop, main_trunk, play_callback
from lab.cli.multi_call_view import MultiCallView
from lab.cli.timeline import Screen
from lab.telco.requirements import missing
from lab.telco.telco import Telco
from pstn.lines.sip import settings


def play(screen: Screen) -> list[Check] | None:
    """None: this machine cannot; the reason was printed."""
    if reason := missing() or settings.missing():
        print(reason, file=sys.stderr)
        return None
    screen.line("Starting a telephone company, and the platform behind NAT, on networks of their own …")
    with tempfile.TemporaryDirectory(prefix="telco-") as folder, Telco(Path(folder), [ACME]) as telco:
        with laptop(telco, main_trunk(telco)) as one:
            screen.line(f"\n{screen.bold('trunks.yaml')}\n{(telco.folder / 'trunks.yaml').read_text()}")
            view = MultiCallView(screen)
            one.lab.pstn.subscribe(view.network_event)
            one.sp.receiver.observers.append(view.notification)
            screen.line(f"The platform calls {CALLER}, then {CALLEE}.\n")
            played = play_callback(telco, one.sp, record=True)
            one.sp.receiver.observers.remove(view.notification)
        return checks(telco, played)
