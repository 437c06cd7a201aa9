"""Every address of the console."""

from duologue.operator.console import call, calls, codes
from duologue.operator.console.pages import Handler

ROUTES: list[tuple[str, str, Handler]] = [
    ("GET", "/", calls.calls),
    ("GET", "/calls", calls.calls),
    ("GET", "/codes", codes.codes),
    ("GET", "/calls/{call}", call.call),
    ("GET", "/calls/{call}/live", call.live),
    ("GET", "/calls/{call}/recording", call.recording),
    ("POST", "/calls/{call}/number", call.number),
    ("POST", "/calls/{call}/stop", call.stop),
    ("POST", "/calls/{call}/send-again", call.send_again),
    ("POST", "/calls/{call}/cancel", call.cancel),
]
