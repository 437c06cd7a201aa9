"""The line over SIP trunks: real telephones. No scripts, and no log of what a phone heard.

Rule 1: both legs of a call are in one station, whose media thread joins them.
Rule 2: a leg goes from host to host and from trunk to trunk as `pstn.trunks.failover` says, and ends with the code of
the last one; if that one could not be reached and another one had refused our credentials, with the refusal.
Rule 3: a leg that finds no room, at a trunk or in a station, ends with 503 at once. Nothing waits.
"""

import sys
import tempfile
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from io import BytesIO
from pathlib import Path
from typing import Any, BinaryIO

from pstn.clocks import Clock
from pstn.lines import AudioFile, Line, LineListener, MakeLine
from pstn.lines.phone_state import Phones
from pstn.lines.sip.audio import wav_file
from pstn.lines.sip.child import ChildError
from pstn.lines.sip.directory import user_of
from pstn.lines.sip.prompt_files import PromptFiles
from pstn.lines.sip.settings import missing
from pstn.lines.sip.station import Station
from pstn.lines.trunk.incoming import caller_of, number_in
from pstn.lines.trunk.limits import Limits
from pstn.lines.trunk.settings import EDGE, TrunkSettings
from pstn.lines.trunk.station_rows import account, station_options
from pstn.messages import Silence
from pstn.trunks import headers
from pstn.trunks.failover import REFUSED_US, TRY_NEXT, Then, then
from pstn.trunks.trunk_file import PORTS, Host, Trunk

NO_ROOM, NOT_FOUND, UNAVAILABLE, NOT_IMPLEMENTED = 503, 404, 480, 501
NEEDS_LINUX = "SIP trunks need Linux: elsewhere the SIP library's sockets cannot be kept from strangers"


@dataclass
class TrunkLeg:
    """One leg. `number`: the far end's, for notes. `ways`: the hosts still to be asked."""

    call_id: str
    station: Station
    number: str
    display_number: str
    first: bool
    """Of its call: it counts in the station's room."""
    ways: deque[tuple[Trunk, Host]] = field(default_factory=deque)
    sip_headers: Mapping[str, str] = field(default_factory=dict)
    trunk: str | None = None
    called_in: bool = False
    """The trunk called us."""
    rang: bool = False
    up: bool = False
    ended: bool = False
    refused_us: int = 0
    """The status with which a trunk refused our credentials or our address."""
    plays: set[str] = field(default_factory=set)


def trunk_line(settings: TrunkSettings) -> MakeLine:
    """The factory for `Exchange(make_line=…)`."""

    def make(clock: Clock, listener: LineListener, phones: Phones, post_dial_delay: Callable[[], float]) -> Line:
        del phones, post_dial_delay  # a real telephone has neither a script nor a delay of ours
        return TrunkLine(clock, listener, settings)

    return make


class TrunkLine:
    """Implements `pstn.lines.Line`. What a person does at a phone is not its business, so those methods do nothing.

    Notes to the listener, each with the number of the far end: called, rang, picked_up, ended as on the other lines;
    `trunk_failed` (trunk, sip_code) when a leg may go to the next host; `trunk_refused_us` (trunk, sip_code), an alarm;
    `no_room` (trunk or None); `registration` (trunk, sip_code; 0: our station does not reach it). The first and the
    last have `why` the trunk was not reached, in words, or an empty one: the code is the trunk's.
    """

    def __init__(self, clock: Clock, listener: LineListener, settings: TrunkSettings) -> None:
        """Raises: ChildError; ValueError: there is no such interface."""
        if reason := missing() or ("" if sys.platform == "linux" else NEEDS_LINUX):
            raise ChildError(reason)
        self.clock, self.listener, self.settings = clock, listener, settings
        self._turn = -1
        self._folder = tempfile.TemporaryDirectory(prefix="trunk-line-")
        self.work = Path(self._folder.name)
        self._prompts = PromptFiles(self.work, self._soon)
        self.legs: dict[str, TrunkLeg] = {}
        self._trunks = {trunk.name: trunk for trunk in settings.trunks}
        self._limits = Limits(settings.trunks)
        self.registrations: dict[str, int] = {}
        """Trunk → the SIP status of its latest registration."""
        address = settings.address
        self.stations = [
            Station(
                station_options(settings, address, index),
                self.work_of(index),
                self._prompts,
                self._soon,
                self._happened,
                self._lost,
                name=f"station-{index}",
            )
            for index in range(settings.stations)
        ]
        for station in self.stations:
            station.begin()
        try:
            for station in self.stations:
                station.wait()
        except BaseException:
            self.close()
            raise

    @property
    def room(self) -> int:
        """Callbacks that can still begin."""
        return sum(map(self._room, self.stations))

    @property
    def numbers(self) -> list[str]:
        """Of the far ends that ring or are up."""
        return [leg.number for leg in self.legs.values() if not leg.ended]

    def calls(self, trunk: str) -> int:
        """Legs on this trunk now."""
        return self._limits.calls(trunk)

    def work_of(self, index: int) -> Path:
        """A station's folder, with its recordings and its log."""
        folder = self.work / f"station-{index}"
        folder.mkdir(exist_ok=True)
        return folder

    # -- what the exchange asks for (lines.Line)
    def dial(
        self, call_id: str, caller_id: str, to: str, sip_headers: Mapping[str, str], beside: str | None = None
    ) -> None:
        first = self.legs.get(beside or "")
        station = first.station if first else max(self.stations, key=self._room)
        full = first is None and not self._room(station)
        leg = TrunkLeg(call_id, station, to, caller_id, first is None)
        leg.sip_headers = sip_headers
        leg.ways.extend((trunk, host) for trunk in self.settings.ways(caller_id) for host in self._hosts(trunk))
        self.legs[call_id] = leg
        self._note(leg, "called", shown=caller_id)
        if full:
            leg.ways.clear()
            self._note(leg, "no_room", trunk=None)
        self.listener.later(0, lambda: self._next(leg, NO_ROOM))

    def picked_up(self, call_id: str) -> None:
        if leg := self._live(call_id):
            leg.up = True
            self._note(leg, "picked_up")
            leg.station.answer(call_id)

    def hang_up(self, call_id: str, sip_code: int) -> None:
        if leg := self._live(call_id):
            self._end(leg, "network", sip_code, tell=False)
            leg.station.hang_up(call_id, sip_code or UNAVAILABLE)

    def play(self, call_id: str, play_id: str, name: str, audio: AudioFile, times: int | None) -> None:
        if leg := self._live(call_id):
            leg.plays.add(play_id)
            leg.station.play(call_id, play_id, audio, times, lambda: play_id in leg.plays)

    def stop(self, call_id: str, play_id: str) -> None:
        if leg := self._live(call_id):
            leg.plays.discard(play_id)
            leg.station.stop(call_id, play_id)

    def send_digit(self, call_id: str, digit: str, seconds: float) -> None:
        if (leg := self._live(call_id)) and leg.up:
            leg.station.press(call_id, digit)

    def join(self, call_id: str, other_id: str) -> None:
        one, two = self._live(call_id), self._live(other_id)
        if one and two:
            one.station.join(call_id, other_id)
            for leg, other in ((one, two), (two, one)):
                self._note(leg, "joined", other=other.number)

    def mute(self, call_id: str, muted: bool) -> None:
        if leg := self._live(call_id):
            leg.station.mute(call_id, muted)

    def record(self, call_id: str, recording_id: str, track: str, silence: Silence | None) -> None:
        if leg := self._live(call_id):
            leg.station.record(call_id, recording_id, track, silence)

    def pause_recording(self, call_id: str, recording_id: str, paused: bool) -> None:
        if leg := self.legs.get(call_id):
            leg.station.pause_recording(call_id, recording_id, paused)

    def finish_recording(self, call_id: str, recording_id: str) -> None:
        if leg := self.legs.get(call_id):
            leg.station.finish_recording(call_id, recording_id)

    def recorded(self, recording_id: str) -> BinaryIO:
        """One of no length if nothing was recorded: what is stored was heard."""
        found = (station.recordings.take(recording_id) for station in self.stations)
        return next((file for file in found if file is not None), None) or BytesIO(wav_file(b""))

    def forget(self, call_id: str) -> None:
        if leg := self.legs.pop(call_id, None):
            leg.station.forget(call_id)

    def close(self) -> None:
        self._prompts.close()
        for station in self.stations:
            station.close()
        self._folder.cleanup()

    # -- what only scripted phones do
    def leave(self, call_id: str) -> None: ...
    def other_rings(self, call_id: str) -> None: ...
    def arrived(self, call_id: str, number: str, to: str, caller_id: str) -> None:
        """No telephone here can be made to call."""
        self.listener.later(0, lambda: self.listener.ended(call_id, UNAVAILABLE))

    def call_phone(self, number: str, to: str, caller_id: str) -> int | None:
        return NOT_IMPLEMENTED

    def press(self, number: str, digits: str) -> bool:
        return False

    def hang_up_by_hand(self, number: str) -> bool:
        """Hang up the call with this number, as if its person had: how a laptop ends its calls before it stops."""
        leg = next((leg for leg in self.legs.values() if leg.number == number and not leg.ended), None)
        if leg is None:
            return False
        self._end(leg, "self", 0)
        leg.station.hang_up(leg.call_id)
        return True

    # -- a leg from host to host
    def _hosts(self, trunk: Trunk) -> tuple[Host, ...]:
        """In the order of the file; edges in turn."""
        if trunk.name != EDGE:
            return trunk.hosts
        self._turn = (self._turn + 1) % len(trunk.hosts)
        return trunk.hosts[self._turn :] + trunk.hosts[: self._turn]

    def _next(self, leg: TrunkLeg, code: int) -> None:
        """Ask the next host; with none left, the leg ends with the code."""
        if leg.ended:
            return
        while leg.ways:
            trunk, host = leg.ways.popleft()
            if leg.trunk != trunk.name:
                self._limits.release(leg.call_id)
            if not self._limits.take(trunk.name, leg.call_id, self.clock.now()):
                self._note(leg, "no_room", trunk=trunk.name)
                while leg.ways and leg.ways[0][0] is trunk:
                    leg.ways.popleft()
                continue
            leg.trunk = trunk.name
            leg.station.dial(leg.call_id, **self._invite(leg, trunk, host))
            return
        self._end(leg, "network", leg.refused_us if leg.refused_us and code in TRY_NEXT else code)

    def _invite(self, leg: TrunkLeg, trunk: Trunk, host: Host) -> dict[str, Any]:
        """The arguments of `endpoint.SipEndpoint.do_dial`."""
        called = user_of(trunk.numbers.to_trunk(leg.number))
        return {
            "caller_id": user_of(headers.from_user(trunk, leg.display_number)),
            "uri": f"sip:{called}@{host.host}{'' if host.port == PORTS[trunk.transport] else f':{host.port}'}",
            "headers": {**leg.sip_headers, **headers.identity_headers(trunk, leg.display_number)},
            "account": account(trunk),
            "target": {"trunk": trunk.name, "host": host.host, "port": host.port},
            "silence_s": self.settings.silence_s,
        }

    def _ended_by_trunk(self, leg: TrunkLeg, event: dict[str, Any]) -> None:
        code = event["code"]
        if leg.up or not code:
            self._end(leg, event["by"], code)
            return
        if event.get("refused_us"):  # the edge tells it of a trunk behind it
            code = event["refused_us"]
        told = then(code, rang=leg.rang)
        if told is Then.NEXT_AND_ALARM or code in REFUSED_US:
            leg.refused_us = code
            self._note(leg, "trunk_refused_us", trunk=event.get("trunk") or leg.trunk, sip_code=code)
        if told is Then.END or event.get("trunk"):  # the edge has asked every trunk itself
            leg.trunk = event.get("trunk") or leg.trunk
            self._end(leg, "network" if leg.refused_us else event["by"], code)
            return
        if told is Then.NEXT:
            self._note(leg, "trunk_failed", trunk=leg.trunk, sip_code=code, why=event.get("why", ""))
        if leg.refused_us == code:  # of the account, so its other hosts would say the same
            while leg.ways and leg.ways[0][0].name == leg.trunk:
                leg.ways.popleft()
        self._next(leg, code)

    # -- events of the stations
    def _soon(self, run: Callable[[], None]) -> None:
        self.listener.later(0, run)

    def _happened(self, station: Station, event: dict[str, Any]) -> None:
        match event["event"]:
            case "ready":
                self._register(station)
            case "registered":
                trunk, code, why = event["trunk"], event["code"], event.get("why", "")
                self.registrations[trunk] = code
                self.listener.note("registration", trunk, trunk=trunk, sip_code=code, why=why)
            case "incoming":
                self._arrives(station, event)
            case _:
                if leg := self._live(event["leg"]):
                    self._on_a_leg(leg, event)

    def _on_a_leg(self, leg: TrunkLeg, event: dict[str, Any]) -> None:
        match event["event"]:
            case "ringing" | "progress" if not leg.rang:
                leg.rang = True
                self._note(leg, "rang", shown=leg.display_number)
                self.listener.rang(leg.call_id)
            case "answered" if not leg.up:
                leg.up = True
                self._note(leg, "picked_up")
                self.listener.answered(leg.call_id)
            case "pressed" if leg.up:
                self._note(leg, "pressed", digit=event["digit"])
                self.listener.pressed(leg.call_id, event["digit"])
            case "played" if event["play"] in leg.plays:
                leg.plays.discard(event["play"])
                self.listener.playback_finished(leg.call_id, event["play"])
            case "fell_silent":
                self.listener.fell_silent(leg.call_id, event["recording"])
            case "ended":
                self._ended_by_trunk(leg, event)
            case "trouble":
                self._note(leg, "trouble", text=event["text"])
            case _:
                pass

    def _arrives(self, station: Station, event: dict[str, Any]) -> None:
        """A call from a trunk: to one of its display numbers, or refused."""
        leg_id = event["leg"]
        numbers = [(self._trunks[name], uri) for name in event["trunks"].split() for uri in event["called"].split()]
        ours = [(trunk, called) for trunk, uri in numbers if (called := number_in(trunk, uri)) in trunk.display_numbers]
        if not ours:
            station.refuse(leg_id, NOT_FOUND)
            return
        trunk, called = ours[0]
        caller = caller_of(trunk, event)
        if not self._room(station) or not self._limits.take(trunk.name, leg_id, None):
            self.listener.note("no_room", caller, trunk=trunk.name)
            station.refuse(leg_id, NO_ROOM)
            return
        call_id = self.listener.arrives(caller, called, {})
        self._limits.release(leg_id)
        if call_id is None:
            # A number that has an application is refused for want of room: the edge then asks another node.
            station.refuse(leg_id, NO_ROOM if self.listener.takes_calls(called) else UNAVAILABLE)
            return
        self._limits.take(trunk.name, call_id, None)
        station.arrived(call_id, leg_id)
        station.watch(call_id, self.settings.silence_s)
        self.legs[call_id] = TrunkLeg(call_id, station, caller, called, True, trunk=trunk.name, called_in=True)

    def _lost(self, call_id: str) -> None:
        """The station died."""
        if leg := self._live(call_id):
            self._end(leg, "network", NO_ROOM)

    # -- within
    def _end(self, leg: TrunkLeg, by: str, sip_code: int, *, tell: bool = True) -> None:
        leg.ended = True
        leg.plays.clear()
        leg.station.over(leg.call_id)
        self._limits.release(leg.call_id)
        self._note(leg, "ended", by=by, sip_code=sip_code, trunk=leg.trunk, incoming=not leg.called_in)
        if tell:
            self.listener.ended(leg.call_id, sip_code)

    def _live(self, call_id: str) -> TrunkLeg | None:
        leg = self.legs.get(call_id)
        return leg if leg and not leg.ended else None

    def _room(self, station: Station) -> int:
        first = sum(leg.first and not leg.ended and leg.station is station for leg in self.legs.values())
        return max(0, self.settings.room_per_station - first)

    def _register(self, station: Station) -> None:
        """At the trunks that want it: from the first station, to which their calls then come."""
        if station is not self.stations[0]:
            return
        for trunk in self._trunks.values():
            if trunk.registration and trunk.digest:
                host = trunk.registrar
                station.child.send(
                    do="register",
                    leg=f"register-{trunk.name}",
                    user=trunk.digest.user,
                    account=account(trunk),
                    target={"trunk": trunk.name, "host": host.host, "port": host.port},
                    expires=trunk.registration.expires,
                )

    def _note(self, leg: TrunkLeg, kind: str, **detail: Any) -> None:
        self.listener.note(kind, leg.number, call_id=leg.call_id, **detail)
