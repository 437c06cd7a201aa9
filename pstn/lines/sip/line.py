"""The line over real SIP and RTP, on loopback: scripts control the built-in phones, people the external telephones.

The network's SIP endpoint (`pstn.lines.sip`) and the scripted phones (`StartPhones`) are child processes. Their events
arrive on threads of their own and are handled under the exchange's lock by `listener.later`. If the network's endpoint
dies, each of its legs ends with 503, and another endpoint is started on the same port.
"""

import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any, BinaryIO
from uuid import uuid4

from pstn.clocks import Clock
from pstn.lines import AudioFile, Line, LineListener, MakeLine
from pstn.lines.phone_state import BUSY, PhoneCall, Phones
from pstn.lines.scripts import ScriptedLine
from pstn.lines.sip.child import LOOPBACK, ChildError
from pstn.lines.sip.directory import Directory, user_of
from pstn.lines.sip.prompt_files import PromptFiles
from pstn.lines.sip.scripted_phones import ScriptedPhones, StartPhones
from pstn.lines.sip.settings import SipSettings, missing
from pstn.lines.sip.station import Station
from pstn.messages import Silence

NO_SUCH_NUMBER, TIMED_OUT, NOBODY_CONNECTED, UNAVAILABLE = 404, 408, 480, 503
"""RFC 3261 §21. 480 is for a number of the account whose calls no SIP rule takes."""
RINGS_S = 60.0
"""For how long a telephone that never answers rings for another telephone; the service has a time-out of its own."""
RESERVE_MS = 16, 6
"""Of the network, so that it adds little delay. The lab's telephones keep more."""
LEG_HEADER = "X-Leg"
LED_BACK = "back-"
"""Begins the LEG_HEADER of a call that the service dialled to a number of its account; its leg's id follows."""


def sip_line(settings: SipSettings, start_phones: StartPhones) -> MakeLine:
    """The factory for `Exchange(make_line=…)`."""

    def make(clock: Clock, listener: LineListener, phones: Phones, post_dial_delay: Callable[[], float]) -> Line:
        return SipLine(clock, listener, phones, post_dial_delay, settings, start_phones)

    return make


class SipLine(ScriptedLine):
    def __init__(
        self,
        clock: Clock,
        listener: LineListener,
        phones: Phones,
        post_dial_delay: Callable[[], float],
        settings: SipSettings,
        start_phones: StartPhones,
    ) -> None:
        """Raises: ChildError."""
        super().__init__(clock, listener, phones, post_dial_delay)
        if reason := missing():
            raise ChildError(reason)
        self._folder = tempfile.TemporaryDirectory(prefix="sip-line-")
        self._work = Path(self._folder.name)
        self.numbers = Directory(settings.numbers or self._work / "numbers.json")
        self._silence_s = settings.silence_s
        self._prompt_files = PromptFiles(self._work, self._soon)
        self.network = Station(
            lambda port: {"sip_port": port, "codecs": settings.codecs, "silence_s": 0, "reserve_ms": RESERVE_MS},
            self._work,
            self._prompt_files,
            self._soon,
            self._happened,
            self._lost,
            port=settings.sip_port,
        )

        def at_a_phone(event: dict[str, Any]) -> None:
            self._soon(lambda: self._at_a_phone(event))

        self.scripted_phones: ScriptedPhones = start_phones(self._work, at_a_phone, settings)
        self.network.begin()
        self.scripted_phones.begin()
        try:
            self.network.wait()
            self.scripted_phones.wait()
        except BaseException:
            self.close()
            raise

    @property
    def address(self) -> str:
        """Where the account's numbers can be called: sip:<number>@<address>."""
        return f"{LOOPBACK}:{self.network.port}"

    def route(self, call_id: str, caller: str, called: str) -> str | int:
        """Where a call of one telephone to a number goes: a SIP URI, or the SIP code with which it is refused.

        If a scripted phone is called, it is made ready; the INVITE must carry `call_id` in LEG_HEADER.
        """
        return self.listener.in_turn(lambda: self._route(call_id, caller, called))

    def call_phone(self, number: str, to: str, caller_id: str) -> int | None:
        if self.numbers.address(number):
            return NO_SUCH_NUMBER  # its person dials
        leg = f"local-{uuid4().hex[:16]}"
        call = self._new_call(self.phones[number], f"{leg}-caller", to)
        call.incoming, call.local = False, True
        way = self._route(leg, number, to)
        if isinstance(way, int):
            self._ended(call, "network", way)
            return way
        self.scripted_phones.dial(call.call_id, number, way, {LEG_HEADER: leg}, user_of(caller_id))
        return None

    def refusal(self, leg: str) -> int | None:
        """The code with which the service refused an inbound call, known by LEG_HEADER; the SIP library sends 486.

        "Normal termination", 0, becomes 480, since a call that was never answered needs a failure.
        """
        call = self.calls.get(self.network.call_id(leg))
        if call is None or call.answered_at or call.ended_by != "network":
            return None
        return call.sip_code or NOBODY_CONNECTED

    def _route(self, call_id: str, caller: str, called: str) -> str | int:
        takes_calls = self.listener.takes_calls(called)
        if takes_calls is not None:
            return f"sip:{called}@{self.address}" if takes_calls else NOBODY_CONNECTED
        if address := self.numbers.address(called):
            return address
        if self.phones[called].behaviour.kind == "invalid":
            return NO_SUCH_NUMBER
        call = self._called(call_id, caller, called)
        call.local = True
        if call.refusal is None and call.phone.behaviour.kind == "never_answers":
            self._later(call, RINGS_S, lambda: self._refuse(call, TIMED_OUT))
        return self._expect(call)

    def heard_by(self, call: PhoneCall) -> bytes:
        """What a scripted phone received in this call, 16-bit samples at 8 kHz."""
        return self.scripted_phones.heard(call.call_id)

    # -- what the exchange asks for (lines.Line)
    def picked_up(self, call_id: str) -> None:
        super().picked_up(call_id)
        self.network.answer(call_id)

    def hang_up(self, call_id: str, sip_code: int) -> None:
        super().hang_up(call_id, sip_code)
        self.network.hang_up(call_id)

    def stop(self, call_id: str, play_id: str) -> None:
        super().stop(call_id, play_id)
        self.network.stop(call_id, play_id)

    def join(self, call_id: str, other_id: str) -> None:
        super().join(call_id, other_id)
        self.network.join(call_id, other_id)

    def mute(self, call_id: str, muted: bool) -> None:
        super().mute(call_id, muted)
        self.network.mute(call_id, muted)

    def record(self, call_id: str, recording_id: str, track: str, silence: Silence | None) -> None:
        self.network.record(call_id, recording_id, track, silence)

    def pause_recording(self, call_id: str, recording_id: str, paused: bool) -> None:
        self.network.pause_recording(call_id, recording_id, paused)

    def finish_recording(self, call_id: str, recording_id: str) -> None:
        self.network.finish_recording(call_id, recording_id)

    def recorded(self, recording_id: str) -> BinaryIO | None:
        return self.network.recordings.take(recording_id)

    def forget(self, call_id: str) -> None:
        super().forget(call_id)
        self.network.forget(call_id)

    def close(self) -> None:
        self._prompt_files.close()
        self.network.close()
        self.scripted_phones.close()
        self._folder.cleanup()

    # -- events of the children
    def _soon(self, run: Callable[[], None]) -> None:
        self.listener.later(0, run)

    def _happened(self, _: Station, event: dict[str, Any]) -> None:
        if event["event"] == "incoming":
            self._arrives(event)
        elif call := self._live(event["leg"]):
            self._on_a_leg(call, event)

    def _on_a_leg(self, call: PhoneCall, event: dict[str, Any]) -> None:
        match event["event"]:
            case "ringing" if call.rang_at is None and (call.rings or not call.scripted):
                self._rang(call)
            case "answered" if call.incoming:
                self._answered(call)
            case "pressed":
                self._pressed(call, event["digit"])
            case "played":
                self._played(call, event["play"])
            case "fell_silent":
                self.listener.fell_silent(call.call_id, event["recording"])
            case "ended":
                code = self.refusal(f"{LED_BACK}{call.call_id}") if event["code"] == BUSY else None
                self._ended(call, event["by"], code or event["code"], tell=True)
            case "trouble":
                self._note(call, "trouble", text=event["text"])
            case _:
                pass

    def _at_a_phone(self, event: dict[str, Any]) -> None:
        """Takes what a phone `saw` from its own display."""
        call = self.calls.get(event.get("leg", ""))
        if event["event"] == "incoming" and call:
            call.saw = self.numbers.number(event["from"]) or event["from"]
        if call and call.local and call.ended_at is None:
            self._in_a_local_call(call, event)
        elif event["event"] == "pressed" and call:
            self._received(call, event["digit"])
        if event["event"] == "trouble" and call:
            self._note(call, "trouble", text=f"at the phone: {event['text']}")

    def _in_a_local_call(self, call: PhoneCall, event: dict[str, Any]) -> None:
        """The network's endpoint has no part in it, so it is followed by what the phone reports."""
        match event["event"]:
            case "answered":
                self._answered_locally(call)
            case "ended":
                by = "self" if call.leaving else "network"
                self._ended(call, by, 0 if call.answered_at else call.sip_code or event["code"])
            case _:
                pass

    def _answered_locally(self, call: PhoneCall) -> None:
        """Two telephones of this network are connected as soon as one answers."""
        self._answered(call)
        self._joined(call, call.saw)

    def _arrives(self, event: dict[str, Any]) -> None:
        """An inbound call: of a scripted phone that was told to call, or of an external telephone."""
        leg = event["leg"]
        if leg in self.calls:
            self.network.arrived(leg, leg)
            return
        caller, called = self.numbers.caller_id(event["from"]), self.numbers.number(event["to"])
        via = leg.removeprefix(LED_BACK) if leg.startswith(LED_BACK) else None
        call_id = self.listener.arrives(caller, called, {}, via=via) if called else None
        if call_id is None or called is None:
            self.network.refuse(leg)
            return
        self.network.arrived(call_id, leg)
        call = self._new_call(self.phones[caller], call_id, called)
        call.incoming = call.scripted = False

    def _lost(self, call_id: str) -> None:
        if call := self._live(call_id):
            self._ended(call, "network", UNAVAILABLE, tell=True)

    def _ended(self, call: PhoneCall, by: str, sip_code: int, *, tell: bool = False) -> None:
        super()._ended(call, by, sip_code, tell=tell)
        self.network.over(call.call_id)
        if call.scripted:
            self.scripted_phones.forget(call.call_id)

    # -- how phones are controlled (lines.scripts)
    def _place(self, call: PhoneCall) -> None:
        headers = dict(call.sip_headers)
        address = self.numbers.address(call.phone.number)
        if self.listener.takes_calls(call.phone.number):
            address, call.scripted = f"sip:{call.phone.number}@{self.address}", False
            headers[LEG_HEADER] = f"{LED_BACK}{call.call_id}"
        elif address is None:
            address = self._expect(call)
            headers[LEG_HEADER] = call.call_id
        else:
            call.scripted = False
        uri, always_sends = address, call.scripted or self.numbers.is_assigned(call.phone.number)

        def invite() -> None:
            self.network.dial(call.call_id, caller_id=call.saw, uri=uri, headers=headers)
            if always_sends:
                self.network.watch(call.call_id, self._silence_s)

        self._later(call, self.post_dial_delay(), invite)

    def _expect(self, call: PhoneCall) -> str:
        """Make a scripted phone ready for a call, and follow its script; returns its SIP URI."""
        script = call.phone.behaviour
        answers = call.refusal is None and script.kind == "answers"
        address = self.scripted_phones.expect(
            call.call_id, call.phone.number, answers=answers, vanishes=script.vanishes is not None
        )
        self._follow(call)
        return address

    def _call_service(self, call: PhoneCall) -> None:
        self.network.expect(call.call_id)
        self.network.watch(call.call_id, self._silence_s)
        uri = f"sip:{call.saw}@{self.address}"
        shown = user_of(call.phone.number if call.caller_id is None else call.caller_id)
        self.scripted_phones.dial(call.call_id, call.phone.number, uri, {LEG_HEADER: call.call_id}, shown)

    def _ring(self, call: PhoneCall) -> None:
        self.scripted_phones.ring(call.call_id)
        if call.local:
            self._rang(call)

    def _refuse(self, call: PhoneCall, sip_code: int) -> None:
        call.leaving, call.sip_code = True, sip_code
        self.scripted_phones.refuse(call.call_id, sip_code)

    def _answer(self, call: PhoneCall) -> None:
        self.scripted_phones.answer(call.call_id)

    def _leave(self, call: PhoneCall) -> None:
        call.leaving = True
        if call.incoming and not call.up and call.phone.behaviour.kind != "answers":
            self.scripted_phones.refuse(call.call_id, 603)
        else:
            self.scripted_phones.leave(call.call_id)

    def _press(self, call: PhoneCall, digit: str) -> None:
        if call.up and call.vanished_at is None:
            self.scripted_phones.press(call.call_id, digit)

    def _send_tone(self, call: PhoneCall, digit: str) -> None:
        self.network.press(call.call_id, digit)

    def _vanish(self, call: PhoneCall) -> None:
        self.scripted_phones.vanish(call.call_id)
        self._vanished(call)
        if call.local:
            self._ended(call, "self", 0)  # the caller notices the silence

    def _play(self, call: PhoneCall, play_id: str, audio: AudioFile, times: int | None) -> None:
        self.network.play(call.call_id, play_id, audio, times, lambda: play_id in call.plays)
