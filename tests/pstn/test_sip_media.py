"""What one tick of the media thread does: prompts, bridges, mutes and recordings, frame by frame, without SIP."""

from array import array
from pathlib import Path
from typing import Any

import pytest

from pstn.lines.sip.audio import FRAME, FRAME_BYTES, SILENCE
from pstn.lines.sip.media import (
    LOOK,
    MARK,
    MOST,
    MS,
    NO_AUDIO_LIMIT,
    REVIEW_S,
    SENT_TICKS,
    TICK_S,
    Fill,
    Leg,
    Media,
    Playing,
    Recorder,
    Reserve,
    mixed,
)

REVIEW = round(REVIEW_S / TICK_S)


def level(value: int) -> bytes:
    """A frame that is the same everywhere."""
    return array("h", [value] * FRAME).tobytes()


class Handset:
    """Sends the same frame at every tick, and keeps what it gets."""

    def __init__(self, says: bytes | None) -> None:
        self.says = says
        self.got = b""

    def read(self, max_bytes: int) -> bytes:
        if self.says is None:
            raise RuntimeError("no audio")
        return self.says

    def write(self, pcm: bytes) -> int:
        if self.says is None:
            raise RuntimeError("no audio")
        self.got += pcm
        return len(pcm)

    @property
    def heard(self) -> list[int]:
        """The level of each frame after the reserve, changes only."""
        frames = [self.got[at : at + FRAME_BYTES] for at in range(10 * MS, len(self.got), FRAME_BYTES)]
        levels = [array("h", frame)[0] for frame in frames]
        return [each for at, each in enumerate(levels) if at == 0 or levels[at - 1] != each]


class Room:
    """Two legs, a and b, which say 100 and 200."""

    def __init__(self) -> None:
        self.told: list[dict[str, Any]] = []
        self.media = Media(self.told.append, 16, 10)
        self.a, self.b = Handset(level(100)), Handset(level(200))
        self.media.add("a", self.a)
        self.media.add("b", self.b)

    def tick(self, times: int = 1) -> "Room":
        for _ in range(times):
            self.media.tick()
        return self


@pytest.fixture
def room() -> Room:
    return Room()


def test_strangers_hear_nothing(room):
    room.tick(8)
    assert (room.a.heard, room.b.heard) == ([0], [0])


def test_a_bridge_carries_both_ways(room):
    room.media.join("a", "b")
    room.tick(8)
    assert (room.a.heard, room.b.heard) == ([0, 200], [0, 100])


def test_a_bridge_ends_with_either(room):
    room.media.join("a", "b")
    room.tick(6).media.remove("b")
    room.tick(6)
    assert room.a.heard == [0, 200, 0]


@pytest.mark.parametrize("which", ["a", "b"])
def test_one_muted_leg_silences_both_ways(room, which):
    room.media.join("a", "b")
    room.tick(6).media.mute(which, True)
    room.tick(6).media.mute(which, False)
    room.tick(6)
    assert room.a.heard == [0, 200, 0, 200]
    assert room.b.heard == [0, 100, 0, 100]


def test_a_prompt_is_heard_beside_the_peer_by_its_own_leg_only(room):
    room.media.join("a", "b")
    room.tick(6).media.play("a", "p", level(1000) * 2, 1)
    room.tick(8)
    assert room.a.heard == [0, 200, 1200, 200]
    assert room.b.heard == [0, 100]


def test_a_prompt_s_end_is_told_once_when_it_was_sent(room):
    room.tick().media.play("a", "p", level(1000) * 3, 2)
    room.tick(6 + SENT_TICKS)
    assert room.told == []
    room.tick(20)
    assert room.told == [{"event": "played", "leg": "a", "play": "p"}]
    assert room.a.got.count(level(1000)) == 6


def test_the_last_frame_is_filled_up():
    playing = Playing("p", level(7) + level(7)[:100], 1)
    frames = [playing.frame(), playing.frame(), playing.frame()]
    assert frames == [level(7), level(7)[:100] + bytes(FRAME_BYTES - 100), None]


def test_a_looped_prompt_goes_on_until_it_is_stopped(room):
    room.media.play("a", "p", level(1000), None)
    room.tick(50).media.stop("a", "another")
    room.tick().media.stop("a", "p")
    room.tick(8)
    assert room.a.heard == [1000, 0]
    assert room.told == []


def test_a_prompt_waits_until_a_leg_has_sound(room):
    room.a.says = None
    room.media.play("a", "p", level(1000) * 2, 1)
    room.tick(20)
    room.a.says = level(100)
    room.tick(8)
    assert room.a.got.count(level(1000)) == 2


def test_the_end_of_a_prompt_that_nobody_can_hear_is_told_all_the_same(room):
    room.a.says = None
    room.media.play("a", "p", level(1000), 1)
    room.tick(NO_AUDIO_LIMIT + SENT_TICKS + 3)
    assert [each["event"] for each in room.told] == ["played"]


def test_a_leg_that_sends_too_much_stays_current(room):
    """What piles up is thrown away, oldest first."""
    room.media.join("a", "b")
    room.a.says = b"".join(level(each) for each in range(1, 21))
    room.tick(1)
    assert array("h", room.b.got[-FRAME_BYTES:])[0] >= 17


class Arrivals:
    """How many frames arrive at each tick; then one at each."""

    def __init__(self, *counts: int) -> None:
        self.counts = list(counts)

    def read(self, max_bytes: int) -> bytes:
        return level(100) * (self.counts.pop(0) if self.counts else 1)

    def write(self, pcm: bytes) -> int:
        return len(pcm)


@pytest.mark.parametrize(
    ("arrivals", "gap_ms", "waiting_ms"),
    [
        ([1], 0, (16, 16, 16)),
        ([1, 0, 2], 4, (20, 20, 20)),
        ([1, 0, 0, 3], 24, (40, 40, 20)),
        ([1, 0, 2, 1, 1, 0, 2], 4, (20, 20, 20)),
        ([1, *[0] * 30], 600, (16, 16, 16)),
        ([1, *[0] * 30, 31], 584, (16, 16, 16)),
    ],
    ids=["on time", "late", "later", "late twice", "silent for a while", "a backlog"],
)
def test_what_comes_late_leaves_one_gap_and_what_waits_falls_again(arrivals, gap_ms, waiting_ms):
    """What waits is the delay: after the event, four reviews later, and forty."""
    reserve = Reserve(16 * MS)
    leg = Leg(Arrivals(*arrivals), Fill(reserve, REVIEW), Fill(Reserve(0), REVIEW))
    silent, waiting = -16 * 8, []  # the reserve itself, before the first frame
    for ticks in (len(arrivals) + 2, 4 * REVIEW, 40 * REVIEW):
        for tick in range(ticks):
            leg.receive()
            silent += array("h", leg.incoming).count(0)
            if tick % REVIEW == REVIEW - 1:
                reserve.fall()
        waiting.append(len(leg.arrived) / MS)
    assert (silent / 8, tuple(waiting)) == (gap_ms, waiting_ms)


def test_what_was_written_too_early_is_made_up_for():
    """After a long delay of this thread the library has more to send than it needs."""
    unsent = [0]
    handset = Handset(level(100))
    leg = Leg(handset, Fill(Reserve(16 * MS), REVIEW), Fill(Reserve(5 * MS), REVIEW // LOOK), lambda: unsent[0])
    unsent[0] = 300 * MS
    for _ in range(2 * REVIEW):
        before = len(handset.got)
        leg.send(level(100))
        unsent[0] += len(handset.got) - before - FRAME_BYTES
    assert unsent[0] == MOST


def test_silence_is_told_once_by_a_leg_that_is_watched(room):
    for leg in "ab":
        room.media.watch(leg, 3 * TICK_S if leg == "a" else 0)
    room.tick(9)
    room.a.says = room.b.says = b""
    room.tick(9)
    assert room.told == [{"event": "silent", "leg": "a"}]


def test_without_legs_there_are_no_ticks():
    media = Media(lambda event: None)
    media.start()
    media.close()
    assert media.stats.ticks == 0


@pytest.mark.parametrize(("track", "levels"), [("BOTH", (100, 200)), ("INCOMING", (100,)), ("OUTGOING", (200,))])
def test_a_recording(room, tmp_path: Path, track, levels):
    """From the leg on the left, to it on the right; it is told when its file is complete."""
    room.media.join("a", "b")
    room.tick(6).media.record("a", "r", Recorder(tmp_path / "r", track))
    room.tick(4).media.finish("a", "r")
    room.tick()
    assert array("h", (tmp_path / "r").read_bytes()) == array("h", levels * 4 * FRAME)
    assert room.told == [{"event": "recorded", "leg": "a", "recording": "r"}]


def test_two_recordings_of_a_leg_at_once(room, tmp_path: Path):
    """Of the call, and of what the party says: each ends for itself, and the other goes on."""
    room.tick(6).media.record("a", "call", Recorder(tmp_path / "call", "OUTGOING"))
    room.media.record("a", "voice", Recorder(tmp_path / "voice", "INCOMING"))
    room.tick(4).media.finish("a", "voice")
    room.tick(2).media.finish("a", "call")
    room.tick()
    assert array("h", (tmp_path / "voice").read_bytes()) == array("h", (100,) * 4 * FRAME)
    assert len((tmp_path / "call").read_bytes()) == 6 * FRAME_BYTES
    assert [each["recording"] for each in room.told] == ["voice", "call"]


@pytest.mark.parametrize(
    ("says", "threshold", "silent"),
    [([99, -99], 100, True), ([100, -100], 100, False), ([0, 0], 1, True), ([3000, -3000], 1000, False)],
)
def test_a_party_that_is_quieter_than_the_threshold_for_long_enough_is_silent(room, tmp_path, says, threshold, silent):
    sound = array("h", says * (FRAME // 2)).tobytes()
    room.a.says = sound
    room.tick(6).media.record("a", "r", Recorder(tmp_path / "r", "INCOMING", 10 * TICK_S, threshold))
    room.tick(9)
    assert room.told == []
    room.tick(30)
    assert room.told == ([{"event": "fell_silent", "leg": "a", "recording": "r"}] if silent else [])


def test_a_sound_begins_the_silence_anew(room, tmp_path):
    room.a.says = level(1000)
    room.tick(6).media.record("a", "r", Recorder(tmp_path / "r", "INCOMING", 10 * TICK_S, 200))
    for _ in range(5):
        room.a.says = SILENCE
        room.tick(7)
        room.a.says = level(1000)
        room.tick(2)
    assert room.told == []


def test_a_recording_ends_with_its_leg(room, tmp_path: Path):
    room.media.record("a", "r", Recorder(tmp_path / "r", "BOTH"))
    room.tick(4).media.remove("a")
    room.tick()
    assert [each["event"] for each in room.told] == ["recorded"]


def test_a_pause_is_a_mark_and_then_silence_and_twice_is_once(room, tmp_path: Path):
    room.media.join("a", "b")
    room.tick(6).media.record("a", "r", Recorder(tmp_path / "r", "INCOMING"))
    marked = len(MARK) // FRAME_BYTES
    room.tick(2)
    for paused in (True, True):
        room.media.pause("a", "r", paused)
    room.tick(marked + 3).media.pause("a", "r", False)
    room.tick(marked + 2).media.finish("a", "r")
    room.tick()
    wanted = level(100) * 2 + MARK + SILENCE * 3 + MARK + level(100) * 2
    assert (tmp_path / "r").read_bytes() == wanted


def test_commands_for_a_leg_that_is_gone_do_nothing(room):
    room.media.remove("a")
    room.tick()
    room.media.finish("a", "r")
    room.media.remove("a")
    room.media.play("a", "p", level(1), 1)
    room.tick(8)
    assert room.told == []


@pytest.mark.parametrize(("one", "other", "both"), [(1, 2, 3), (30000, 30000, 32767), (-30000, -30000, -32768)])
def test_mixing_cuts_what_is_too_loud(one, other, both):
    assert mixed(level(one), level(other)) == level(both)
