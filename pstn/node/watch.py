"""What happens in the exchange, as log lines and counts."""

import logging
from typing import Any

from pstn.feed import NetworkEvent
from pstn.node.metrics import Metrics

_log = logging.getLogger("pstn.calls")
_LEVELS = {
    **dict.fromkeys(("placed", "called_in", "called", "picked_up", "ended", "over", "recorded"), logging.INFO),
    **dict.fromkeys(("refused", "failure", "log", "trouble", "no_room", "trunk_failed"), logging.WARNING),
    **dict.fromkeys(("broken", "trunk_refused_us"), logging.ERROR),
    "registration": logging.INFO,
}
"""Kinds of events that are logged. The others say what the application was asked and answered, or are for phones."""
_SHOWN = ("code", "error", "host", "place", "reason", "sequence", "shown", "sip_code", "text", "to", "trunk", "why")
"""Of the details of an event."""


class Watch:
    """An observer of the exchange."""

    def __init__(self, metrics: Metrics) -> None:
        self._metrics = metrics

    def __call__(self, event: NetworkEvent) -> None:
        self._count(event.kind, event.detail)
        level = _LEVELS.get(event.kind)
        if level is not None:
            shown = {name: event.detail[name] for name in _SHOWN if name in event.detail}
            _log.log(level, event.kind, extra={"transaction": event.transaction, "number": event.number, **shown})

    def _count(self, kind: str, detail: dict[str, Any]) -> None:
        count, trunk = self._metrics.count, str(detail.get("trunk") or "")
        match kind:
            case "placed":
                count("Dials")
            case "refused" if detail["operation"] == "create":
                count("DialsRefused", detail["code"])
            case "called_in":
                count("CallsIn")
            case "trunk_failed":
                count("LegsRefused", f"{detail['sip_code'] // 100}xx", trunk)
            case "trunk_refused_us":
                count("LegsRefused", "4xx", trunk)
                count("TrunkCredentialsRefused", trunk)
            case "ended" if detail.get("by") == "self" and (detail.get("sip_code") or 0) >= 300:
                count("LegsRefused", f"{detail['sip_code'] // 100}xx", trunk)
            case "broken":
                count("InternalErrors")
            case _:
                pass
