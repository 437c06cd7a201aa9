"""A link to a recording: to the app's own form of it, once it is there, and to nobody else's."""

from dataclasses import replace
from datetime import timedelta

import pytest

from duologue.call_control.facts import CallAccepted
from duologue.domain.accounts import App
from duologue.domain.errors import RecordingNotReady, UnknownRecording
from duologue.domain.recording import Recording, published_key
from duologue.usecases.link_recording import Keeping, link_recording
from tests.fakes.calls import FakeCalls
from tests.fakes.clock import FakeClock
from tests.fakes.recordings import FakeLinks, FakeRecordings
from tests.samples import NOW, at, callback

APP = App("app-1", "sp-1", "secret", recording=True)
CALL = callback()
STEREO, MONO = "calls/app-1/x/stereo.wav", published_key("app-1", CALL.id)


class Desk:
    def __init__(self, *sounds: str) -> None:
        self.calls, self.recordings, self.links, self.clock = FakeCalls(), FakeRecordings(), FakeLinks(), FakeClock()
        self.recordings.sounds |= set(sounds)
        self.calls.accept(CALL, CallAccepted(NOW), slots=9, close_by=at(60))
        self.calls.change(CALL.id, recording=Recording(STEREO, NOW))

    def ask(self, app: App = APP, call_id: str = CALL.id) -> list[str]:
        """The places that links lead to, after one more was asked for."""
        link_recording(
            call_id,
            app,
            calls=self.calls,
            recordings=self.recordings,
            links=self.links,
            clock=self.clock,
            random_bytes=lambda count: bytes([len(self.links.links)] * count),
            keeping=Keeping(sound=timedelta(days=7), link=timedelta(days=1)),
        )
        return [link.key for link in self.links.links.values()]


def test_the_published_sound_unless_the_app_wants_the_parties_apart():
    assert Desk(STEREO, MONO).ask() == [MONO]
    assert Desk(STEREO, MONO).ask(replace(APP, stereo_recordings=True)) == [STEREO]


def test_a_sound_that_has_not_come_or_is_not_published_yet():
    with pytest.raises(RecordingNotReady):
        Desk(STEREO).ask()
    with pytest.raises(RecordingNotReady):
        Desk(MONO).ask(replace(APP, stereo_recordings=True))


def test_each_request_gets_a_link_of_its_own():
    desk = Desk(MONO)
    desk.ask()
    assert desk.ask() == [MONO, MONO]


def test_what_is_not_the_apps_or_was_never_recorded():
    desk = Desk(STEREO, MONO)
    for app, call_id in ((replace(APP, key="app-2"), CALL.id), (APP, "9_9_9_20261123090000")):
        with pytest.raises(UnknownRecording):
            desk.ask(app, call_id)
    desk.calls.change(CALL.id, recording=None)
    with pytest.raises(UnknownRecording):
        desk.ask()


def test_a_sound_that_was_deleted_with_age():
    desk = Desk(STEREO, MONO)
    desk.clock.advance(timedelta(days=7).total_seconds())
    with pytest.raises(UnknownRecording):
        desk.ask()
