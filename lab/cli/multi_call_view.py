"""The time lines of all calls of a laboratory on one screen, each row labelled with its call."""

import json
import threading
from datetime import datetime

from lab.cli.timeline import Screen, Timeline
from lab.sp.receiver import Notification
from pstn.feed import NetworkEvent


class MultiCallView:
    """Pass it every network event, and every notification to the SP."""

    def __init__(self, screen: Screen) -> None:
        self._screen = screen
        self._known = threading.Lock()
        self._writing = threading.Lock()
        self._by_network_call: dict[str, Timeline] = {}
        self._by_call_id: dict[str, Timeline] = {}
        self._count = 0

    def network_event(self, event: NetworkEvent) -> None:
        with self._known:
            timeline = self._by_network_call.get(event.transaction or "") or self._first(event)
        if timeline is not None:
            timeline.network_event(event)

    def _first(self, event: NetworkEvent) -> Timeline | None:
        """The time line for a call's first event. A dial that the network refused has no transaction."""
        call_id = str((event.detail.get("arguments") or {}).get("callId", event.transaction or ""))
        caller = event.number or event.detail.get("to")
        if not call_id or not caller or event.kind not in ("placed", "called_in", "refused"):
            return None
        timeline = self._by_call_id.get(call_id) or self._begin(event.at, str(caller))
        self._by_call_id[call_id] = timeline
        if event.transaction:
            self._by_network_call[event.transaction] = timeline
        return timeline

    def notification(self, notification: Notification) -> None:
        for session in notification.session_ids:
            call_id = session.partition("@")[0]
            with self._known:
                timeline = self._by_call_id.get(call_id)
                if timeline is None:  # the network never accepted this call
                    timeline = self._by_call_id[call_id] = self._begin(notification.at, str(notification.called))
            timeline.notification(notification)
        if notification.kind == "fee":
            with self._writing:
                self._screen.line(self._screen.dim(json.dumps(notification.body["feeLst"][0], indent=2)))

    def _begin(self, at: datetime, caller: str) -> Timeline:
        self._count += 1
        timeline = Timeline(self._screen, at, caller, {}, label=f"#{self._count:<3} ", lock=self._writing)
        timeline.heading()
        return timeline
