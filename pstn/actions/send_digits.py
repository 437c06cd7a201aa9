"""SendDigits: send DTMF tones to the party of one leg (send-digits page)."""

import re
from collections import deque

from pstn.actions.base import INVALID, ActionError, RunningAction
from pstn.messages import SendDigit

DIGITS = re.compile(r"[0-9*#A-D,]{1,50}")
COMMA_S = 0.5
GAP_S = 0.1
"""Silence after each tone (ours)."""


class SendDigits(RunningAction):
    requires_call_id = True

    def start(self) -> None:
        digits = self.parameters.get("Digits")
        if not isinstance(digits, str) or not DIGITS.fullmatch(digits):
            raise ActionError(INVALID, "Digits parameter value is invalid.")
        self.tone = self.number("ToneDurationInMilliseconds", 250, 50, 24_000) / 1000
        self.leg = self.target_leg()
        self.left = deque(digits)
        self.timer("next")

    def timer(self, what: str) -> None:
        if not self.left:
            self.call.done()
            return
        digit = self.left.popleft()
        if digit == ",":
            self.set_timer("next", COMMA_S)
        else:
            self.call.emit(SendDigit(self.leg.call_id, digit, self.tone))
            self.set_timer("next", self.tone + GAP_S)

    def abort(self) -> None:
        self.cancel_timer("next")
