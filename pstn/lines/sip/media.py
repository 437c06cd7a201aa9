"""The media thread: every 20 ms, for every leg, it receives, mixes, records and sends one frame.

Rule 1: all state here belongs to the media thread; other threads queue work for it with `_do`.
Rule 2: a tick that comes late is made up for at once, so that no far end runs dry; what happened stands in
`MediaStats`.
Rule 3: time is counted in ticks, in recordings too: a leg that sends nothing is recorded as silence.
Rule 4: without legs there are no ticks.
"""

import sys
import threading
import time
from array import array
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, BinaryIO, Protocol

from pstn.lines.sip.audio import FRAME_BYTES, SILENCE, tone

TICK_S = 0.02
MS = 16
"""Bytes in a millisecond of audio."""
MOST, FALL, WORTH = 120 * MS, 2 * MS, 20 * MS
REVIEW_S = 2.0
"""See `Reserve` and `Fill`."""
BACKLOG = 12 * FRAME_BYTES
"""Received audio beyond this is dropped at once, the oldest first."""
LOOK = 5
"""A look at how much is waiting to be sent costs more than the rest of a tick: every so many ticks."""
SENT_TICKS = 2
"""After so many, what was written has been sent: the end of a prompt is reported then."""
NO_AUDIO_LIMIT = 250
"""Ticks after which a prompt runs even if a leg has no audio, so that its end is reported."""
LATE_S = 0.02
RESET_S = 1.0
"""Too late to catch up: the machine was suspended."""
MARK = tone(1000, 0.2)[: 10 * FRAME_BYTES]
"""In a recording, marks where it pauses and where it resumes (pause-call-recording page: a tone, then silence)."""


class Audio(Protocol):
    """A call's audio, as baresip's CallAudio. Both methods raise while there is none."""

    def read(self, max_bytes: int) -> bytes: ...
    def write(self, pcm: bytes) -> int: ...


@dataclass
class MediaStats:
    """`late`: ticks that were more than one tick behind; `worst`: the largest delay (s)."""

    ticks: int = 0
    late: int = 0
    worst: float = 0.0
    missed: int = 0
    """Ticks skipped after a delay of `RESET_S`."""


@dataclass
class Playing:
    """`left` None: until stopped."""

    play_id: str
    pcm: bytes
    left: int | None
    at: int = 0

    def frame(self) -> bytes | None:
        """The next 20 ms, the last one padded with silence; None: it is finished."""
        if self.at >= len(self.pcm):
            if self.left is not None:
                self.left -= 1
                if self.left <= 0:
                    return None
            self.at = 0
        frame = self.pcm[self.at : self.at + FRAME_BYTES]
        self.at += FRAME_BYTES
        return frame if len(frame) == FRAME_BYTES else frame + bytes(FRAME_BYTES - len(frame))


@dataclass
class Recorder:
    """Writes raw samples to a file, so that a recording survives this process. Left: incoming; right: outgoing.

    `silence_s`, `threshold`: when the party counts as silent (pstn.messages.Silence); 0: never.
    """

    path: Path
    track: str
    silence_s: float = 0.0
    threshold: int = 0
    quiet_ticks: int = 0
    file: BinaryIO = field(init=False)
    paused: bool = False
    mark: bytes = b""

    def __post_init__(self) -> None:
        self.file = self.path.open("wb", buffering=0)

    def pause(self, paused: bool) -> None:
        if paused != self.paused:
            self.paused, self.mark = paused, MARK

    def falls_silent(self, incoming: bytes) -> bool:
        """Whether with this frame the silence has become long enough; once in each silence."""
        if not self.silence_s:
            return False
        level = sum(map(abs, array("h", incoming))) / (len(incoming) // 2)
        self.quiet_ticks = self.quiet_ticks + 1 if level < self.threshold else 0
        return self.quiet_ticks == round(self.silence_s / TICK_S)

    def take(self, incoming: bytes, outgoing: bytes) -> None:
        if self.mark or self.paused:
            incoming = outgoing = self.mark[:FRAME_BYTES] or SILENCE
            self.mark = self.mark[FRAME_BYTES:]
        if self.track == "BOTH":
            both = array("h", bytes(2 * FRAME_BYTES))
            both[0::2], both[1::2] = array("h", incoming), array("h", outgoing)
            self.file.write(both.tobytes())
        else:
            self.file.write(incoming if self.track == "INCOMING" else outgoing)


@dataclass
class Reserve:
    """How much audio every leg's buffer keeps waiting, so that what comes late leaves no gap (bytes).

    It is the same for all legs, since most delays are: when any call ends, the library's thread, which receives for all
    of them, is blocked for some 20 ms; or the machine is busy. It grows at once, to `MOST`, and falls by `FALL` per
    `REVIEW_S`.
    """

    least: int
    kept: int = 0

    def __post_init__(self) -> None:
        self.kept = self.least

    def fall(self) -> None:
        self.kept = max(self.kept - FALL, self.least)


@dataclass
class Fill:
    """How full a leg's buffer is. A gap leaves it fuller than before, by the silence that filled the gap: that much was
    lacking. What waits beyond the reserve is only delay; it is dropped at once if it is `WORTH` the click.

    `looks`: in `REVIEW_S`.
    """

    reserve: Reserve
    looks: int
    before: int = 0
    lowest: int = sys.maxsize
    looked: int = 0

    def surplus(self, waiting: int) -> int:
        """`waiting`: now, always at the same point of a tick. Returns how much of it to drop."""
        self.lowest = min(self.lowest, waiting)
        self.looked += 1
        if self.looked < self.looks:
            return 0
        if self.lowest > max(self.before, self.reserve.kept):
            self.reserve.kept = min(self.lowest, MOST)
        drop = self.lowest - self.reserve.kept
        drop = drop if drop >= WORTH else 0
        self.before, self.lowest, self.looked = self.lowest - drop, sys.maxsize, 0
        return drop


@dataclass
class Leg:
    """`unsent`: how much of what was written has not been sent yet (bytes); None: unknown."""

    audio: Audio
    received: Fill
    sent: Fill
    unsent: Callable[[], int] | None = None
    peer: str | None = None
    muted: bool = False
    playing: Playing | None = None
    recorders: dict[str, Recorder] = field(default_factory=dict)
    arrived: bytearray = field(default_factory=bytearray)
    flowing: bool = False
    """Audio arrives without a gap."""
    sending: bool = False
    ticks: int = 0
    skip: int = 0
    """So much is still to be dropped of what is sent."""
    live: bool = False
    """There has been audio: prompts begin then, or after `NO_AUDIO_LIMIT` ticks."""
    waited: int = 0
    silent_ticks: int = 0
    """Since audio was received last."""
    lost_after: int = 0
    """So many silent ticks mean that the far end is lost; 0: none do."""
    incoming: bytes = SILENCE

    def receive(self) -> None:
        """Read what arrived, and take the frame of this tick from it."""
        self.silent_ticks += self.live
        with suppress(Exception):  # no audio yet, or no longer, or renegotiated: the next tick tries again
            if more := self.audio.read(BACKLOG):
                self.arrived += more
                self.silent_ticks = 0
            self.live = True
        if len(self.arrived) > BACKLOG:
            del self.arrived[: len(self.arrived) - FRAME_BYTES - self.received.reserve.kept]
        if not self.flowing and self.arrived:
            self.arrived[:0] = bytes(max(0, FRAME_BYTES + self.received.reserve.kept - len(self.arrived)))
            self.received.before = max(self.received.before, self.received.reserve.kept)
        frame = bytes(self.arrived[:FRAME_BYTES])
        del self.arrived[:FRAME_BYTES]
        self.flowing = len(frame) == FRAME_BYTES
        self.incoming = frame if self.flowing else frame + bytes(FRAME_BYTES - len(frame))
        if self.flowing:
            del self.arrived[: self.received.surplus(len(self.arrived))]

    def send(self, frame: bytes) -> None:
        continued, self.sending = self.sending, False
        self.ticks += 1
        with suppress(Exception):  # as in receive
            if not continued:
                frame = bytes(self.sent.reserve.kept) + frame
                self.sent.before = len(frame)
            elif self.unsent and self.ticks % LOOK == 0:
                self.skip += self.sent.surplus(self.unsent())
            skipped = min(self.skip, len(frame))
            self.audio.write(frame[skipped:])
            self.skip -= skipped
            self.sending = True


class Media:
    """Calls `tell` on the media thread with {"event": "played" | "recorded" | "silent", …}."""

    def __init__(self, tell: Callable[[dict[str, Any]], None], received_ms: int = 80, sent_ms: int = 40) -> None:
        """`received_ms`, `sent_ms`: the least reserve of each direction."""
        self.stats = MediaStats()
        self._tell = tell
        self._legs: dict[str, Leg] = {}
        self._work: deque[Callable[[], None]] = deque()
        self._told_later: deque[tuple[int, dict[str, Any]]] = deque()
        self._received, self._sent = Reserve(received_ms * MS), Reserve(sent_ms * MS)
        self._wanted = threading.Event()
        self._stopping = False
        self._thread = threading.Thread(target=self._run, name="media", daemon=True)

    def start(self) -> None:
        # This thread must run in time even while another one computes.
        sys.setswitchinterval(0.001)
        self._thread.start()

    def close(self) -> None:
        self._stopping = True
        self._wanted.set()
        self._thread.join(timeout=2)

    # -- for other threads
    def add(self, leg: str, audio: Audio, unsent: Callable[[], int] | None = None) -> None:
        def begin() -> None:
            ticks = round(REVIEW_S / TICK_S)
            self._legs[leg] = Leg(audio, Fill(self._received, ticks), Fill(self._sent, ticks // LOOK), unsent)

        self._queue(begin)

    def remove(self, leg: str) -> None:
        self._queue(lambda: self._remove(leg))

    def watch(self, leg: str, silence_s: float) -> None:
        """Tell "silent" once so many seconds pass in which nothing is received; 0: never."""
        self._do(leg, lambda one: setattr(one, "lost_after", round(silence_s / TICK_S)))

    def play(self, leg: str, play_id: str, pcm: bytes, times: int | None) -> None:
        def start(one: Leg) -> None:
            one.playing, one.waited = Playing(play_id, pcm or SILENCE, times), 0

        self._do(leg, start)

    def stop(self, leg: str, play_id: str) -> None:
        def stop(one: Leg) -> None:
            if one.playing and one.playing.play_id == play_id:
                one.playing = None

        self._do(leg, stop)

    def join(self, leg: str, other: str) -> None:
        self._do(leg, lambda one: setattr(one, "peer", other))
        self._do(other, lambda one: setattr(one, "peer", leg))

    def mute(self, leg: str, muted: bool) -> None:
        self._do(leg, lambda one: setattr(one, "muted", muted))

    def record(self, leg: str, recording: str, recorder: Recorder) -> None:
        self._do(leg, lambda one: one.recorders.update({recording: recorder}))

    def pause(self, leg: str, recording: str, paused: bool) -> None:
        self._do(leg, lambda one: one.recorders[recording].pause(paused) if recording in one.recorders else None)

    def finish(self, leg: str, recording: str) -> None:
        self._do(leg, lambda one: self._finish(leg, one, recording))

    def _do(self, leg: str, work: Callable[[Leg], None]) -> None:
        def run() -> None:
            one = self._legs.get(leg)
            if one:
                work(one)

        self._queue(run)

    def _queue(self, run: Callable[[], None]) -> None:
        self._work.append(run)
        self._wanted.set()

    # -- the media thread
    def _run(self) -> None:
        due = time.monotonic()
        while not self._stopping:
            if not (self._legs or self._work or self._told_later):
                self._wanted.wait()
                self._wanted.clear()
                due = time.monotonic()
                continue
            due += TICK_S
            wait = due - time.monotonic()
            if wait > 0:
                time.sleep(wait)
            behind = time.monotonic() - due
            self.stats.worst = max(self.stats.worst, behind)
            if behind > RESET_S:
                self.stats.missed += int(behind / TICK_S)
                due = time.monotonic()
            elif behind > LATE_S:
                self.stats.late += 1
            self.tick()

    def tick(self) -> None:
        self.stats.ticks += 1
        while self._work:
            self._work.popleft()()
        for name, one in self._legs.items():
            one.receive()
            if one.silent_ticks and one.silent_ticks == one.lost_after:
                self._tell({"event": "silent", "leg": name})
        for name, one in self._legs.items():
            outgoing = self._outgoing(name, one)
            one.send(outgoing)
            for recording, recorder in one.recorders.items():
                recorder.take(one.incoming, outgoing)
                if recorder.falls_silent(one.incoming):
                    self._tell({"event": "fell_silent", "leg": name, "recording": recording})
        if self.stats.ticks % round(REVIEW_S / TICK_S) == 0:
            self._received.fall()
            self._sent.fall()
        while self._told_later and self._told_later[0][0] <= self.stats.ticks:
            self._tell(self._told_later.popleft()[1])

    def _outgoing(self, name: str, one: Leg) -> bytes:
        peer = self._legs.get(one.peer) if one.peer else None
        voice = peer.incoming if peer and peer.peer == name and not (one.muted or peer.muted) else SILENCE
        one.waited += 1
        if one.playing is None or not (one.live or one.waited > NO_AUDIO_LIMIT):
            return voice
        prompt = one.playing.frame()
        if prompt is None:
            over = {"event": "played", "leg": name, "play": one.playing.play_id}
            self._told_later.append((self.stats.ticks + SENT_TICKS, over))
            one.playing = None
            return voice
        return mixed(prompt, voice)

    def _remove(self, leg: str) -> None:
        if one := self._legs.pop(leg, None):
            for recording in list(one.recorders):
                self._finish(leg, one, recording)

    def _finish(self, leg: str, one: Leg, recording: str) -> None:
        recorder = one.recorders.pop(recording, None)
        if recorder:
            recorder.file.close()
            self._tell({"event": "recorded", "leg": leg, "recording": recording})


def mixed(one: bytes, other: bytes) -> bytes:
    """The sum of both, clipped to 16 bits."""
    if other == SILENCE:
        return one
    sums = map(int.__add__, array("h", one), array("h", other))
    return array("h", [-32768 if each < -32768 else min(each, 32767) for each in sums]).tobytes()
