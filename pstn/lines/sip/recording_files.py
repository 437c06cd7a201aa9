"""Recordings as the network's endpoint writes them: files of raw samples, which survive a crash of the endpoint."""

import tempfile
import threading
from pathlib import Path
from typing import BinaryIO

from pstn.recordings import write_wav

CLOSED_S = 5.0
"""How long a finished recording may take to be closed."""


class RecordingFiles:
    """By the id of the recording."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._tracks: dict[str, str] = {}
        self._closed: dict[str, threading.Event] = {}

    def begin(self, recording_id: str, track: str) -> Path:
        """Returns the file to record to."""
        self._tracks[recording_id], self._closed[recording_id] = track, threading.Event()
        return self._file(recording_id)

    def closed(self, recording_id: str) -> None:
        """The file is complete. Others are ignored."""
        if event := self._closed.get(recording_id):
            event.set()

    def all_closed(self) -> None:
        """The endpoint died: every file is as complete as it will be."""
        for recording_id in list(self._closed):
            self.closed(recording_id)

    def read_from(self, recording_id: str, offset: int) -> bytes | None:
        """The raw samples that were written from there on, while it runs or after; None: it is unknown or was taken."""
        if recording_id not in self._closed:
            return None
        try:
            with self._file(recording_id).open("rb") as file:
                file.seek(offset)
                return file.read()
        except FileNotFoundError:  # the station has not begun it, or it was taken meanwhile
            return None

    def take(self, recording_id: str) -> BinaryIO | None:
        """Returns the WAV file, open, and forgets it; waits until it is closed. None: nothing was recorded.

        It goes with the object: a recording of a day has gigabytes, and is never in memory as a whole.
        """
        event = self._closed.get(recording_id)
        if event is None:
            return None
        event.wait(CLOSED_S)
        track, file = self._tracks.pop(recording_id), self._file(recording_id)
        del self._closed[recording_id]
        if not file.exists():
            return None
        sound = tempfile.TemporaryFile(dir=self._folder)  # noqa: SIM115 - the caller closes it
        with file.open("rb") as samples:
            write_wav(samples, 2 if track == "BOTH" else 1, sound)
        file.unlink()
        return sound

    def _file(self, recording_id: str) -> Path:
        return self._folder / f"recording-{recording_id}.pcm"
