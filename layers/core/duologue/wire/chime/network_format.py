"""The carrier's format for `usecases`: parses SMA events and writes the responses."""

import json
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from duologue.call_control.actions import Action
from duologue.wire.chime.answer import Buckets, write_answer
from duologue.wire.chime.invocation import Invocation, read_invocation


class ChimeFormat:
    """Implements `usecases.ports.network.NetworkFormat`."""

    sends_again = False
    """It sends an event at most twice, then hangs up (R17)."""

    def __init__(self, buckets: Buckets) -> None:
        self._buckets = buckets

    def read(self, payload: Mapping[str, Any], now: datetime) -> Invocation:
        return read_invocation(payload, now)

    def write(self, actions: Sequence[Action], introduces: str | None) -> str:
        return json.dumps(write_answer(actions, self._buckets, introduces=introduces))

    def carry_out(self, said: object, answer: str) -> None:
        """The service takes the actions as the answer to its invocation."""
