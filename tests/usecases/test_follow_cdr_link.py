"""The link in the CDR of a recorded call: good for days from its end, for its own call alone."""

from dataclasses import replace
from datetime import timedelta

import pytest

from duologue.domain.access.accounts import App, Sp
from duologue.domain.access.audit import AuditEntry
from duologue.domain.errors import OutsideUnavailable, RecordingNotReady, UnknownLink
from duologue.domain.media.recording import Recording, published_key
from duologue.domain.media.recording_link import AudioRequest, ServedAudio
from duologue.usecases.media.delete_recording import DeleteRecording
from duologue.usecases.media.find_audio import FindAudio, Retention
from duologue.usecases.media.follow_link import FollowCdrLink
from duologue.usecases.until_written import no_pause
from tests.fakes.accounts import FakeAccounts
from tests.fakes.audit import FakeAudit
from tests.fakes.calls import FakeCalls
from tests.fakes.clock import FakeClock
from tests.fakes.recordings import FakeLinkTokens, FakeRecordings
from tests.samples import NOW, at, callback

APP = App("app-1", "sp-1", "secret", recording=True)
CALL = replace(callback(), ended_at=at(60))
OTHER = replace(callback("4_5_6_20261123090000", app="app-2"), ended_at=at(60))
STEREO, MONO = "calls/app-1/x/stereo.wav", published_key("app-1", CALL.id)
SOUNDS = {STEREO: b"RIFF, two channels", MONO: b"RIFF, one channel"}
DAY = timedelta(days=1).total_seconds()


class Link:
    """The link that the CDR of `CALL` told, with its token, and all that it depends on."""

    def __init__(self, *, sound_days: int = 7, link_days: int = 3) -> None:
        self.accounts, self.calls, self.clock = FakeAccounts(), FakeCalls(), FakeClock(at(60))
        self.audit = FakeAudit()
        self.recordings, self.tokens = FakeRecordings(), FakeLinkTokens()
        self.recordings.sounds |= SOUNDS
        self.accounts.add_sp(Sp("sp-1", "training-institute", "no log-in here"))
        self.accounts.add_app(APP)
        for call in (CALL, OTHER):
            self.calls.accept(call, slots=9, close_by=at(60))
            self.calls.change(call.id, recording=Recording(STEREO, NOW))
        self.retention = Retention(timedelta(days=sound_days), timedelta(days=link_days))
        self.token = self.tokens.token_of(APP.key, CALL.id)

    def follow(self, call_id: str = CALL.id, token: str | None = None) -> ServedAudio:
        find_audio = FindAudio(self.recordings, self.retention)
        follow = FollowCdrLink(
            self.calls, self.tokens, self.accounts, find_audio, self.recordings, self.clock, self.audit
        )
        return follow(call_id, self.token if token is None else token, AudioRequest(), "192.0.2.1")

    def is_refused(self, **asked: str) -> bool:
        try:
            self.follow(**asked)
        except UnknownLink:
            return True
        return False


def test_it_leads_to_the_recording_as_often_as_it_is_followed():
    link = Link()
    assert [link.follow().content for _ in ("once", "twice")] == [SOUNDS[MONO]] * 2
    assert (
        link.audit.entries
        == [AuditEntry(at(60), "recording.fetch", "link in the CDR", APP.key, CALL.id, "192.0.2.1")] * 2
    )


def test_what_cannot_be_audited_is_not_served_and_what_is_not_served_is_not_audited():
    link = Link()
    assert link.is_refused(token="another")
    assert link.audit.entries == []
    link.audit.out_of_reach = True
    with pytest.raises(OutsideUnavailable):
        link.follow()


def test_it_leads_to_the_form_that_the_app_wants_now():
    link = Link()
    link.accounts.apps[APP.key] = replace(APP, stereo_recordings=True)
    assert link.follow().content == SOUNDS[STEREO]


def test_before_the_recording_has_come_it_is_not_ready_and_no_url_leads_to_nothing():
    link = Link()
    link.recordings.sounds.clear()
    with pytest.raises(RecordingNotReady):
        link.follow()
    link.recordings.sounds |= SOUNDS
    assert link.follow().content == SOUNDS[MONO]


def test_its_days_run_from_the_end_of_the_call():
    link = Link(link_days=3)
    link.calls.change(CALL.id, ended_at=at(3600))
    link.clock.at = at(3600 + 3 * DAY - 1)
    assert not link.is_refused()
    link.clock.advance(1)
    assert link.is_refused()


@pytest.mark.parametrize(("platform", "own", "days"), [(2, 0, 2), (7, 1, 1), (2, 30, 2)])
def test_it_ends_with_the_recording_however_long_the_storage_keeps_it(platform, own, days):
    link = Link(sound_days=platform, link_days=30)
    link.calls.change(CALL.id, keep_recording_days=own)
    link.clock.at = at(days * DAY - 1)
    assert not link.is_refused()
    link.clock.advance(1)
    assert link.is_refused()
    assert link.recordings.sounds


def test_it_is_of_one_call_alone():
    link = Link()
    assert link.is_refused(call_id=OTHER.id)
    assert link.is_refused(token=link.tokens.token_of("app-2", CALL.id))


@pytest.mark.parametrize("token", ["", "0" * 43, "x" * 2000, "ünglaublich"])
def test_a_guess(token):
    assert Link().is_refused(token=token)


def test_a_call_that_never_was_or_was_not_recorded():
    link = Link()
    never = "9_9_9_20261123090000"
    assert link.is_refused(call_id=never, token=link.tokens.token_of(APP.key, never))
    link.calls.change(CALL.id, recording=None)
    assert link.is_refused()


@pytest.mark.parametrize("who", ["app", "sp"])
def test_while_its_app_or_sp_is_suspended(who):
    link = Link()
    if who == "app":
        link.accounts.apps[APP.key] = replace(APP, active=False)
    else:
        link.accounts.set_sp_active("sp-1", active=False)
    assert link.is_refused()


def test_once_its_sp_deleted_the_recording_even_if_a_recording_still_lies_there():
    link = Link()
    DeleteRecording(link.calls, link.recordings, link.clock, no_pause)(CALL.id, APP)
    link.recordings.sounds |= SOUNDS
    assert link.is_refused()
