"""The time lines of all calls of a laboratory on one screen, each row labelled with its call."""

import json
import threading
from datetime import datetime

from lab.cli import wording
from lab.cli.timeline import Screen, Timeline
from lab.sp.receiver import Notification
from pstn.feed import NetworkEvent

ACCEPTED = "0"
"""The API's result code."""


class MultiCallView:
    """Pass it every network event, every notification to the SP, and every answer of the API."""

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
            self._note_call_id(event, timeline)
            timeline.network_event(event)
        elif text := wording.trunk(event):  # of no call
            with self._writing:
                self._screen.line(wording.printable(text))

    def _note_call_id(self, event: NetworkEvent, timeline: Timeline) -> None:
        """Of a call from outside: the platform's call id is in its first answer."""
        payload = event.detail.get("payload") if event.kind == "answer" else None
        attributes = payload.get("TransactionAttributes") if isinstance(payload, dict) else None
        call_id = attributes.get("callId") if isinstance(attributes, dict) else None
        if call_id:
            with self._known:
                self._by_call_id.setdefault(str(call_id), timeline)

    def _first(self, event: NetworkEvent) -> Timeline | None:
        """The time line for a call's first event. A dial that the network refused has no transaction."""
        call_id = str((event.detail.get("arguments") or {}).get("callId", event.transaction or ""))
        caller = event.number or event.detail.get("to")
        if not call_id or not caller or event.kind not in ("placed", "called_in", "refused"):
            return None
        timeline = self._by_call_id.get(call_id) or self._begin(event.at, str(caller), event.kind == "called_in")
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
                    inbound = notification.kind == "callin"
                    caller = str(notification.caller if inbound else notification.called)
                    timeline = self._by_call_id[call_id] = self._begin(notification.at, caller, inbound)
            timeline.notification(notification)
        if notification.kind == "fee":
            with self._writing:
                self._screen.line(self._screen.dim(json.dumps(notification.body["feeLst"][0], indent=2)))

    def api_answer(self, path: str, status: int, body: bytes) -> None:
        """Of a request to the API: a callback that was refused is in no time line."""
        if not path.endswith("/click2Call/v2.0"):
            return
        try:
            said = json.loads(body)
            code, why = str(said["resultcode"]), str(said["resultdesc"])
        except (ValueError, LookupError, TypeError):
            code, why = str(status), body.decode("utf-8", "replace")[:200]
        if code != ACCEPTED:
            with self._writing:
                self._screen.line(wording.printable(f"a callback was refused ({code}): {why}"))

    def _begin(self, at: datetime, caller: str, inbound: bool) -> Timeline:
        """`inbound`: the caller has dialled a number of the platform."""
        self._count += 1
        timeline = Timeline(self._screen, at, caller, {}, label=f"#{self._count:<3} ", lock=self._writing)
        if inbound:
            timeline.heading(f"{wording.number(caller)}, who dials in", "the phone that is rung")
        else:
            timeline.heading()
        return timeline
