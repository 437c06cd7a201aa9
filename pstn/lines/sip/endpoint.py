"""A SIP endpoint in a child process: commands in, telephone calls over SIP, events out.

A command is {"do": …, "leg": …}, an event {"event": …, "leg": …}. The methods `do_…` are the commands; `_tell` sends
the
events: ready, incoming, ringing, progress, answered, pressed, played, recorded, ended, stats, trouble. `commands` has
the order in which commands run.

Observed behaviour of the library (baresip-python 0.5.2a3):
  * without `net_interface` it does not reach loopback;
  * it opens TLS on the next port unless `sip_transports` says otherwise;
  * it allows two calls unless `max_concurrent_calls` is None; with some 120 in one process, further ones get 486;
  * a user agent cannot be freed, so there is one per caller ID, which is kept;
  * it sends 180 for an incoming call by itself, and can refuse one with 486 only;
  * right after answering it sends one re-INVITE, which replaces the streams (AudioRestarted for a short time);
  * when a call ends, its SIP and RTP thread is blocked for all calls (`hang_up_queue`); with `rtp_rxmode thread` audio
    is received all the same, but no digits after the first call;
  * the far end may respond before `dial` returns, and a `Call` gets later events only: so events are taken from the
    runtime, and those of a call that is not registered yet are kept for it.
"""

import asyncio
import logging
import os
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from baresip import BaresipError, Call, Config, Event, Runtime, StackEvent
from baresip.errors import RegistrationError, split_status

from pstn.lines.sip import os_limits
from pstn.lines.sip.agents import Agents
from pstn.lines.sip.channel import STATS_EVERY_S
from pstn.lines.sip.commands import CommandQueue
from pstn.lines.sip.hang_up_queue import HangUpQueue
from pstn.lines.sip.media import Media, Recorder
from pstn.lines.sip.socket_binding import bind_to_own_interface, hear, rtp_outside_loopback
from pstn.lines.trunk.gateway import Gateway, incoming_user

LOOPBACK = "127.0.0.1"
LEG_HEADER = "X-Leg"
"""Identifies a leg between this software's own endpoints."""
TIMED_OUT, NOT_ACCEPTABLE, UNAVAILABLE = 408, 488, 503
AUDIO_S, LOOK_S = 1.0, 0.05
"""How long an answer without usable audio may take to get some, and how often it is looked at."""
COMMAND_TIMEOUT_S = 30.0
"""Long, because on a busy machine the library is slow, not dead; the network has limits of its own."""
PROGRESS = (
    Event.CALL_RINGING,
    Event.CALL_PROGRESS,
    Event.CALL_ESTABLISHED,
    Event.CALL_HOLD,
    Event.CALL_RESUME,
    Event.CALL_CLOSED,
)
log = logging.getLogger("sip-endpoint")


@dataclass(frozen=True)
class Options:
    """`codecs`: in order of preference. `silence_s`: seconds without RTP after which a call ends; 0: never, unless a
    command says so for one call (`watch`)."""

    sip_port: int
    codecs: tuple[str, ...] = ("pcmu", "pcma")
    silence_s: int = 10
    rtp_ports: str = "20000-29999"
    outside: Mapping[str, Any] | None = None
    """The trunks (`trunk.gateway.Gateway`); None: nothing leaves loopback."""
    reserve_ms: tuple[int, int] = 80, 40
    """How much audio is kept waiting against delays, received and to be sent: each adds to the delay of a voice."""


@dataclass
class ActiveCall:
    """One call. `sign`: set at the far end's first response; `sending`: serialises digits."""

    call: Call
    answered: bool = False
    refusal: int = 0
    """The SIP status of a call whose answer is none; 0: that of the far end."""
    lost: bool = False
    """The far end is silent for too long."""
    silence_s: float = 0.0
    """What `watch` said; while the far end holds the call, its silence does not count."""
    sign: asyncio.Event = field(default_factory=asyncio.Event)
    sending: asyncio.Lock = field(default_factory=asyncio.Lock)


class SipEndpoint:
    """Runs on one asyncio loop. `tell` is called from several threads."""

    def __init__(self, options: Options, tell: Callable[[dict[str, Any]], None]) -> None:
        self.options = options
        self.media = Media(self._of_media, *options.reserve_ms)
        self._tell = tell
        self._runtime = Runtime(command_timeout=COMMAND_TIMEOUT_S)
        self._active: dict[str, ActiveCall] = {}
        self._names: dict[int, str] = {}
        self._early: dict[int, list[StackEvent]] = {}
        self._dialling = 0
        self._commands = CommandQueue(self._carry_out)
        self._hang_ups = HangUpQueue()
        self._audio_files: dict[str, bytes] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self._count = 0
        self._loop: asyncio.AbstractEventLoop
        self._gateway = Gateway(options.sip_port, hear, **options.outside) if options.outside else None
        self._agents = Agents(self._runtime, options.sip_port, tuple(options.codecs), self._arrived)

    async def start(self) -> None:
        """Raises: BaresipError: for example, the port is in use."""
        os_limits.prepare()
        if self._gateway:
            rtp_outside_loopback(self._gateway.outside.address, self.options.rtp_ports)
            await self._gateway.start()
        bind_to_own_interface()
        await self._runtime.start(
            Config(
                net_interface=LOOPBACK,
                max_concurrent_calls=None,
                expose_headers=(LEG_HEADER, "From", "To"),
                extra_config_text=(
                    f"sip_listen {LOOPBACK}:{self.options.sip_port}\n"
                    f"sip_transports {'udp' if self._gateway else 'udp,tcp'}\n"
                    f"rtp_ports {self.options.rtp_ports}\n"
                    "audio_jitter_buffer_type off\n"  # buffering is left to `media`
                ),
            )
        )
        logging.getLogger("baresip.native").addFilter(lambda record: "start_player failed" not in record.getMessage())
        self._runtime.on_dead = lambda: os._exit(70)  # it cannot recover: the parent starts another process
        self._runtime.subscribe(self._take)
        self._loop = asyncio.get_running_loop()
        self.media.start()
        await self._agents.on_loopback("anybody", "catchall=yes")
        if self._gateway:
            for trunk in self._gateway.trunks.values():
                rows = {"codecs": trunk.codecs, "srtp": trunk.srtp}
                await self._agents.at_trunk(incoming_user(trunk.name), rows, self._gateway.proxy)
        self._spawn(self._report())

    async def close(self) -> None:
        for active in list(self._active.values()):
            with suppress(BaresipError):
                await active.call.hangup()
        self.media.close()
        await self._runtime.close()
        if self._gateway:
            await self._gateway.close()

    async def handle(self, command: dict[str, Any]) -> None:
        """Queue one command and return."""
        leg = command["leg"]
        if command["do"] == "expect":
            if leg not in self._active:  # else the call was faster than this command
                self._commands.expect(leg)
            return
        if command["do"] == "forget":
            self._commands.forget(leg)
        self._commands.give(command)

    async def _carry_out(self, command: dict[str, Any]) -> None:
        """A command that fails is reported as trouble, or as the end of the leg."""
        name = command.pop("do")
        try:
            await getattr(self, f"do_{name}")(**command)
        except (BaresipError, OSError, ValueError) as error:
            self._tell({"event": "trouble", "leg": command["leg"], "text": f"{name}: {error}"})
            if name in ("dial", "answer"):
                self._tell({"event": "ended", "leg": command["leg"], "code": UNAVAILABLE, "by": "network"})

    # -- commands
    async def do_forget(self, leg: str, grace: float = 0.0, code: int = 0) -> None:
        """End what is left of a call. `code`: of the refusal of one that came in over a trunk."""
        if self._gateway and code:
            self._gateway.refuse_as(leg, code)
        if active := self._active.get(leg):
            self._spawn(self._hang_ups.end(active.call, active.sign, grace))

    async def do_dial(
        self,
        leg: str,
        caller_id: str,
        uri: str,
        headers: dict[str, str],
        account: Mapping[str, Any] | None = None,
        target: Mapping[str, Any] | None = None,
        silence_s: float = 0.0,
    ) -> None:
        """`account`, `target`: of a trunk (`trunk.station_rows.account`, `Gateway.expect`); None: on loopback."""
        if target is None or account is None or self._gateway is None:
            agent = await self._agents.on_loopback(caller_id)
        else:
            agent = await self._agents.at_trunk(caller_id, account, self._gateway.proxy)
            self._gateway.expect(leg, **target)
            headers = {**headers, LEG_HEADER: leg}
        self._dialling += 1
        try:
            self._hold(leg, await agent.dial(uri, headers or None))
            if target:  # the gateway has answered 100, so the call can be cancelled at once
                self._active[leg].sign.set()
                await self.do_watch(leg, silence_s)
        finally:
            self._dialling -= 1
            if not self._dialling:
                self._early.clear()

    async def do_answer(self, leg: str) -> None:
        if leg in self._active:
            await self._active[leg].call.answer()

    async def do_hangup(self, leg: str) -> None:
        await self.do_forget(leg)

    async def do_press(self, leg: str, digits: str) -> None:
        if leg in self._active:
            self._spawn(self._press(self._active[leg], digits))

    async def do_register(
        self, leg: str, user: str, account: Mapping[str, Any], target: Mapping[str, Any], expires: int
    ) -> None:
        """Register at a trunk, and again before each registration expires."""
        gateway = self._gateway
        assert gateway
        trunk = target["trunk"]
        gateway.register_at(**target)
        agent = await self._agents.at_trunk(user, account, f"{trunk}@{gateway.proxy}", expires)

        def happened(event: StackEvent) -> None:
            if event.event in (Event.REGISTER_OK, Event.REGISTER_FAIL):
                code = 200 if event.event is Event.REGISTER_OK else _code(event.text or "")
                why = gateway.unreached(trunk) if code >= 300 else ""
                self._tell({"event": "registered", "leg": leg, "trunk": trunk, "code": code, "why": why})

        agent.on(happened)
        with suppress(RegistrationError):  # told by the event; the library tries again
            await agent.register()

    async def do_watch(self, leg: str, silence_s: float) -> None:
        if active := self._active.get(leg):
            active.silence_s = silence_s
        self.media.watch(leg, silence_s)

    async def do_play(self, leg: str, play: str, sound: str, times: int | None) -> None:
        """`sound`: a file of samples, read once."""
        if sound not in self._audio_files:
            self._audio_files[sound] = await asyncio.to_thread(Path(sound).read_bytes)
        self.media.play(leg, play, self._audio_files[sound], times)

    async def do_stop(self, leg: str, play: str) -> None:
        self.media.stop(leg, play)

    async def do_join(self, leg: str, other: str) -> None:
        self.media.join(leg, other)

    async def do_mute(self, leg: str, muted: bool) -> None:
        self.media.mute(leg, muted)

    async def do_record(
        self, leg: str, recording: str, path: str, track: str, silence: tuple[float, int] | None = None
    ) -> None:
        """`silence`: seconds and threshold (pstn.messages.Silence)."""
        self.media.record(leg, recording, Recorder(Path(path), track, *(silence or ())))

    async def do_pause(self, leg: str, recording: str, paused: bool) -> None:
        self.media.pause(leg, recording, paused)

    async def do_finish(self, leg: str, recording: str) -> None:
        self.media.finish(leg, recording)

    # -- events of the library
    def _arrived(self, call: Call) -> None:
        self._count += 1
        leg = call.headers.get(LEG_HEADER) or f"in-{os.getpid()}-{self._count}"
        if leg in self._active:
            self._active[f"refused-{self._count}"] = ActiveCall(call)
            self._names[call.handle] = f"refused-{self._count}"
            self._spawn(_refuse(call))
            return
        self._hold(leg, call)
        self._active[leg].sign.set()
        headers = {"from": call.headers.get("From") or call.peer or "", "to": call.headers.get("To", "")}
        told = self._gateway.arrived(leg) if self._gateway else {}
        self._tell({"event": "incoming", "leg": leg, **headers, **told})
        self._commands.arrived(leg)

    def _hold(self, leg: str, call: Call) -> None:
        self._active[leg] = ActiveCall(call)
        self._names[call.handle] = leg
        self.media.add(leg, call.audio, lambda: call.audio.info().tx_buffered)
        self.media.watch(leg, self.options.silence_s)
        call.on_dtmf(lambda digit: self._tell({"event": "pressed", "leg": leg, "digit": digit.digit}))
        for event in self._early.pop(call.handle, []):
            self._happened(leg, event)

    def _take(self, event: StackEvent) -> None:
        if event.event not in PROGRESS:
            return
        if event.call in self._names:
            self._happened(self._names[event.call], event)
        elif self._dialling:
            self._early.setdefault(event.call, []).append(event)

    def _happened(self, leg: str, event: StackEvent) -> None:
        active = self._active[leg]
        active.sign.set()
        match event.event:
            case Event.CALL_RINGING:
                self._tell({"event": "ringing", "leg": leg})
            case Event.CALL_PROGRESS:
                self._tell({"event": "progress", "leg": leg})
            case Event.CALL_ESTABLISHED if _has_audio(active.call):
                active.answered = True
                self._tell({"event": "answered", "leg": leg})
            case Event.CALL_ESTABLISHED:
                self._spawn(self._await_audio(leg, active))
            case Event.CALL_CLOSED:
                del self._active[leg], self._names[event.call]
                self.media.remove(leg)
                code = 0 if active.answered else active.refusal or _code(event.text or "")
                told = self._gateway.final(leg) if self._gateway else {}
                by = "network" if active.lost else "self"
                self._tell({"event": "ended", "leg": leg, "code": code, "by": by, **told})
            case Event.CALL_HOLD:
                self.media.watch(leg, 0)
            case Event.CALL_RESUME:
                self.media.watch(leg, active.silence_s)
            case _:
                pass

    async def _await_audio(self, leg: str, active: ActiveCall) -> None:
        """The answer has no SDP, no codec of ours, or no port: it counts if another description follows soon, else the
        call is acknowledged and ended (RFC 3261 §13.2.2.4)."""
        active.refusal = NOT_ACCEPTABLE
        for _ in range(round(AUDIO_S / LOOK_S)):
            await asyncio.sleep(LOOK_S)
            if self._active.get(leg) is not active:
                return
            if _has_audio(active.call):
                active.answered = True
                self._tell({"event": "answered", "leg": leg})
                return
        await self._hang_ups.end(active.call, active.sign, 0)

    # -- events of the media thread
    def _of_media(self, event: dict[str, Any]) -> None:
        if event["event"] == "silent":
            self._loop.call_soon_threadsafe(self._lost, event["leg"])
        else:
            self._tell(event)

    def _lost(self, leg: str) -> None:
        if active := self._active.get(leg):
            active.lost = True
            self._spawn(self._hang_ups.end(active.call, active.sign, 0))

    # -- within
    async def _press(self, active: ActiveCall, digits: str) -> None:
        async with active.sending:
            try:
                await active.call.send_dtmf(digits)
            except BaresipError as error:  # hung up meanwhile
                log.info("digits: %s", error)

    async def _report(self) -> None:
        while True:
            stats = self.media.stats
            self._tell(
                {
                    "event": "stats",
                    "cpu": time.process_time(),
                    "ticks": stats.ticks,
                    "late": stats.late,
                    "missed": stats.missed,
                    "worst": round(stats.worst, 4),
                    "calls": len(self._active),
                }
            )
            await asyncio.sleep(STATS_EVERY_S)

    def _spawn(self, work: Any) -> None:
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)


async def _refuse(call: Call) -> None:
    try:
        await call.reject()
    except BaresipError as error:  # it gave up by itself
        log.info("refusing: %s", error)


def _has_audio(call: Call) -> bool:
    """In either direction."""
    try:
        call.audio.info()
    except BaresipError:
        return False
    return True


def _code(text: str) -> int:
    """SIP code of a call that was never answered. Only a leading code is SIP's; the rest is the library's own text."""
    status, reason = split_status(text)
    if status is not None:
        return status
    return TIMED_OUT if "timed out" in reason.lower() else UNAVAILABLE
