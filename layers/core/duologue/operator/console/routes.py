"""Every address of the console."""

from duologue.operator.console import accounts, audit, call, calls, codes, memories, overview, undelivered
from duologue.operator.console.pages import Handler

ROUTES: list[tuple[str, str, Handler]] = [
    ("GET", "/", overview.overview),
    ("GET", "/live", overview.live),
    ("GET", "/calls", calls.calls),
    ("GET", "/calls/{call}", call.call),
    ("GET", "/calls/{call}/live", call.live),
    ("GET", "/calls/{call}/recording", call.recording),
    ("POST", "/calls/{call}/number", call.number),
    ("POST", "/calls/{call}/stop", call.stop),
    ("POST", "/calls/{call}/send-again", call.send_again),
    ("POST", "/calls/{call}/cancel", call.cancel),
    ("GET", "/undelivered", undelivered.undelivered),
    ("POST", "/undelivered/send-again", undelivered.send_all_again),
    ("GET", "/accounts", accounts.accounts),
    ("GET", "/memories", memories.memories),
    ("GET", "/audit", audit.audit),
    ("GET", "/codes", codes.codes),
]
