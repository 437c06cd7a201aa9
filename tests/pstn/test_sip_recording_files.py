"""Recordings as files that the network's station leaves, alive or dead."""

import threading
import wave

import pytest

from pstn.lines.sip import recording_files
from pstn.lines.sip.recording_files import RecordingFiles


@pytest.mark.parametrize(("track", "channels"), [("BOTH", 2), ("INCOMING", 1), ("OUTGOING", 1)])
def test_a_closed_recording_is_a_wav_file(tmp_path, track, channels):
    kept = RecordingFiles(tmp_path)
    kept.begin("leg", track).write_bytes(bytes(3200))
    kept.closed("leg")
    sound = kept.take("leg")
    assert sound is not None
    with sound, wave.open(sound, "rb") as file:
        assert (file.getnchannels(), file.getframerate()) == (channels, 8000)
        assert file.getnframes() == 1600 // channels


def test_it_is_taken_once_and_leaves_nothing_behind(tmp_path):
    kept = RecordingFiles(tmp_path)
    kept.begin("leg", "BOTH").write_bytes(bytes(320))
    kept.closed("leg")
    assert kept.take("leg") is not None
    assert kept.take("leg") is None
    assert list(tmp_path.iterdir()) == []


def test_what_was_recorded_so_far_is_read_while_it_runs_and_until_it_is_taken(tmp_path):
    kept = RecordingFiles(tmp_path)
    assert kept.read_from("leg", 0) is None
    file = kept.begin("leg", "BOTH")
    assert kept.read_from("leg", 0) is None
    file.write_bytes(b"0123")
    assert (kept.read_from("leg", 0), kept.read_from("leg", 3), kept.read_from("leg", 4)) == (b"0123", b"3", b"")
    kept.closed("leg")
    assert kept.read_from("leg", 1) == b"123"
    kept.take("leg")
    assert kept.read_from("leg", 0) is None


def test_what_a_dead_station_left_is_taken_at_once(tmp_path):
    kept = RecordingFiles(tmp_path)
    kept.begin("leg", "BOTH").write_bytes(bytes(320))
    kept.begin("other", "BOTH")
    kept.all_closed()
    assert kept.take("leg") is not None
    assert kept.take("other") is None


def test_one_that_is_closed_while_it_is_waited_for(tmp_path):
    """As that of RecordAudio, which is taken at once: the waiting ends then, not after its limit."""
    kept = RecordingFiles(tmp_path)
    ended = []

    class Closed(threading.Event):
        def wait(self, timeout=None):
            kept.closed("leg")
            ended.append(self.is_set())
            return True

    kept.begin("leg", "INCOMING").write_bytes(bytes(320))
    kept._closed["leg"] = Closed()
    assert kept.take("leg") is not None
    assert ended == [True]


def test_one_that_is_never_closed_is_not_waited_for_for_ever(tmp_path, monkeypatch):
    monkeypatch.setattr(recording_files, "CLOSED_S", 0.0)
    kept = RecordingFiles(tmp_path)
    kept.begin("leg", "BOTH").write_bytes(bytes(320))
    assert kept.take("leg") is not None


def test_what_was_not_recorded(tmp_path):
    kept = RecordingFiles(tmp_path)
    kept.closed("leg")
    assert kept.take("leg") is None
