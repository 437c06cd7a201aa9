"""A link to a recording: to the app's own form of it, once it is there, and to nobody else's."""

from dataclasses import replace
from datetime import timedelta

import pytest

from duologue.domain.access.accounts import App
from duologue.domain.errors import RecordingNotReady, UnknownRecording
from duologue.domain.media.recording import Recording, published_key
from duologue.usecases.media.delete_recording import DeleteRecording
from duologue.usecases.media.find_audio import FindAudio, Retention
from duologue.usecases.media.link_recording import LinkRecording
from duologue.usecases.until_written import no_pause
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
        self.recordings.sounds = dict.fromkeys(sounds, b"RIFF")
        self.calls.accept(CALL, slots=9, close_by=at(60))
        self.calls.change(CALL.id, recording=Recording(STEREO, NOW))

    def ask(self, app: App = APP, call_id: str = CALL.id) -> list[str]:
        """The places that links lead to, after one more was asked for."""
        find_audio = FindAudio(self.recordings, Retention(audio=timedelta(days=7), link=timedelta(days=1)))
        LinkRecording(
            self.calls, find_audio, self.links, self.clock, lambda count: bytes([len(self.links.links)] * count)
        )(call_id, app)
        return [link.key for link in self.links.links.values()]


def test_the_published_recording_unless_the_app_wants_the_parties_apart():
    assert Desk(STEREO, MONO).ask() == [MONO]
    assert Desk(STEREO, MONO).ask(replace(APP, stereo_recordings=True)) == [STEREO]


def test_a_recording_that_has_not_come_or_is_not_published_yet():
    with pytest.raises(RecordingNotReady):
        Desk(STEREO).ask()
    with pytest.raises(RecordingNotReady):
        Desk(MONO).ask(replace(APP, stereo_recordings=True))


def test_a_recording_that_was_missing_does_not_exist_until_it_comes_after_all():
    desk = Desk()
    desk.calls.change(CALL.id, recording=Recording(STEREO, NOW, missing_at=NOW))
    with pytest.raises(UnknownRecording):
        desk.ask()
    desk.recordings.sounds[MONO] = b"RIFF"
    assert desk.ask() == [MONO]


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


def test_an_app_may_have_its_recordings_kept_for_a_shorter_time():
    desk = Desk(MONO)
    desk.calls.change(CALL.id, keep_recording_days=3)
    desk.clock.advance(timedelta(days=2).total_seconds())
    assert desk.ask() == [MONO]
    desk.clock.advance(timedelta(days=1).total_seconds())
    with pytest.raises(UnknownRecording):
        desk.ask()


def test_a_link_ends_no_later_than_what_it_leads_to():
    desk = Desk(MONO)
    desk.clock.advance(timedelta(days=6, hours=12).total_seconds())
    desk.ask()
    (link,) = desk.links.links.values()
    assert link.ends_at == NOW + timedelta(days=7)


class TestDeleting:
    def delete(self, desk: Desk, app: App = APP, call_id: str = CALL.id) -> None:
        DeleteRecording(desk.calls, desk.recordings, desk.clock, no_pause)(call_id, app)

    def test_both_forms_go_and_nobody_fetches_it(self):
        desk = Desk(STEREO, MONO)
        self.delete(desk)
        assert desk.recordings.sounds == {}
        with pytest.raises(UnknownRecording):
            desk.ask()

    def test_twice_is_no_error_and_finishes_what_was_interrupted(self):
        desk = Desk(STEREO, MONO)
        self.delete(desk)
        desk.recordings.sounds[MONO] = b"RIFF"
        desk.clock.advance(5)
        self.delete(desk)
        assert desk.recordings.sounds == {}
        assert desk.calls.load(CALL.id).call.recording == Recording(STEREO, NOW, deleted_at=NOW)

    def test_before_the_recording_has_come(self):
        desk = Desk()
        self.delete(desk)
        assert desk.calls.load(CALL.id).call.recording.deleted_at == NOW

    def test_nobody_elses(self):
        desk = Desk(STEREO, MONO)
        for app, call_id in ((replace(APP, key="app-2"), CALL.id), (APP, "9_9_9_20261123090000")):
            with pytest.raises(UnknownRecording):
                self.delete(desk, app, call_id)
        assert desk.recordings.sounds.keys() == {STEREO, MONO}

    def test_a_race_is_run_again(self):
        desk = Desk(MONO)
        races = iter([lambda: desk.calls.change(CALL.id, user_data="stepped")])
        desk.calls.before_save = lambda: next(races, lambda: None)()
        self.delete(desk)
        assert desk.recordings.sounds == {}


def test_a_recording_that_was_deleted_with_age():
    desk = Desk(STEREO, MONO)
    desk.clock.advance(timedelta(days=7).total_seconds())
    with pytest.raises(UnknownRecording):
        desk.ask()
