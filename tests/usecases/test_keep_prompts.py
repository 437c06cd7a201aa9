"""Prompts are judged, kept where the network looks, and known by the app."""

from dataclasses import replace

import pytest

from duologue.call_control.prompts import AppPrompt, Prompt
from duologue.domain.access.accounts import App, Sp
from duologue.domain.errors import InvalidField, UnknownApp
from duologue.domain.media.wav import read_wav
from duologue.usecases.media.keep_prompts import MOST_PROMPTS, put_own_prompts, put_prompt, remove_prompt
from tests.fakes.accounts import FakeAccounts
from tests.fakes.prompts import FakePrompts
from tests.wavs import TONE, wav


class Studio:
    """One app, and the store of prompts."""

    def __init__(self) -> None:
        self.accounts, self.store = FakeAccounts(), FakePrompts()
        self.accounts.add_sp(Sp("sp-1", "jack", "no log-in here"))
        self.accounts.add_app(App("app-1", "sp-1", "secret"))

    def put(self, name="hello.wav", content=None, app_key="app-1", **more):
        return put_prompt(app_key, name, content or wav(), apps=self.accounts, store=self.store, **more)

    def remove(self, name):
        remove_prompt("app-1", name, apps=self.accounts, store=self.store)

    @property
    def prompts(self):
        return self.accounts.app("app-1").prompts

    @property
    def notices(self):
        return self.accounts.app("app-1").recording_notices


@pytest.fixture
def studio():
    return Studio()


def test_a_prompt_is_kept_and_its_length_known(studio):
    assert studio.put() == 1.0
    assert studio.prompts == {"hello.wav": 1.0}
    assert studio.store.kept == {AppPrompt("app-1", "hello.wav"): wav()}


def test_a_law_is_kept_as_the_network_plays_it(studio):
    studio.put(content=wav(bytes([0x55]) * 4000, kind=6, bits=8))
    kept = read_wav(studio.store.kept[AppPrompt("app-1", "hello.wav")])
    assert kept.samples == (-8).to_bytes(2, "little", signed=True) * 4000
    assert studio.prompts == {"hello.wav": 0.5}


def test_putting_twice_is_the_same_and_another_takes_the_place(studio):
    studio.put()
    studio.put()
    studio.put(content=wav(bytes(800)))
    assert studio.prompts == {"hello.wav": 0.05}


@pytest.mark.parametrize(
    "name", ["", "hello", "hello.mp3", "hel lo.wav", "a/b.wav", "../x.wav", ".wav", "h" * 125 + ".wav"]
)
def test_a_name_that_no_request_could_name(studio, name):
    with pytest.raises(InvalidField, match=r"^name must be"):
        studio.put(name)
    assert (studio.prompts, studio.store.kept) == ({}, {})


def test_what_is_no_prompt_is_nowhere_kept(studio):
    with pytest.raises(InvalidField, match=r"^file is not a WAV"):
        studio.put(content=b"an mp3")
    with pytest.raises(UnknownApp):
        studio.put(app_key="app-9")
    assert (studio.prompts, studio.store.kept) == ({}, {})


def test_an_app_has_room_for_so_many(studio):
    for number in range(MOST_PROMPTS):
        studio.put(f"{number}.wav", wav(bytes(2)))
    with pytest.raises(InvalidField, match=r"^prompts of an app are"):
        studio.put("another.wav")
    assert AppPrompt("app-1", "another.wav") not in studio.store.kept
    studio.put("0.wav")
    studio.remove("0.wav")
    studio.put("another.wav")


def test_a_prompt_is_taken_away_once(studio):
    studio.put()
    studio.put("bye.wav")
    studio.remove("hello.wav")
    assert (studio.prompts, set(studio.store.kept)) == ({"bye.wav": 1.0}, {AppPrompt("app-1", "bye.wav")})
    with pytest.raises(InvalidField, match=r"^name is not a prompt"):
        studio.remove("hello.wav")


def test_the_call_back_tone_is_not_taken_away(studio):
    studio.put()
    studio.accounts.change_app("app-1", lambda app: replace(app, call_back_tone="hello.wav"))
    with pytest.raises(InvalidField, match=r"^name is the app's call-back tone"):
        studio.remove("hello.wav")
    assert studio.prompts and studio.store.kept


def test_a_recording_notice_is_one_until_it_is_removed(studio):
    studio.put("notice.wav", wav(TONE), recording_notice=True)
    studio.put()
    assert studio.notices == ("notice.wav",)
    with pytest.raises(InvalidField, match=r"^name is a recording notice"):
        studio.put("notice.wav", wav())
    assert studio.store.kept[AppPrompt("app-1", "notice.wav")] == wav(TONE), "what was heard stays"
    studio.put("notice.wav", wav(TONE * 2), recording_notice=True)
    studio.put("hello.wav", wav(TONE), recording_notice=True)
    assert (studio.prompts["notice.wav"], studio.notices) == (2.0, ("hello.wav", "notice.wav"))
    studio.remove("notice.wav")
    studio.put("notice.wav", wav())
    assert studio.notices == ("hello.wav",)


def test_the_platforms_own_are_kept_all_or_none(studio):
    good = dict.fromkeys(Prompt, wav()) | {Prompt.RECORDING_NOTICE: wav(TONE)}
    for bad, rule in (
        ({Prompt.WAITING: b"no"}, r"^waiting is not a WAV"),
        ({Prompt.RECORDING_NOTICE: wav()}, "^recording-notice has less than 0.5 s of sound"),
    ):
        with pytest.raises(InvalidField, match=rule):
            put_own_prompts(good | bad, store=studio.store)
    assert studio.store.kept == {}
    assert put_own_prompts(good, store=studio.store) == dict.fromkeys(Prompt, 1.0)
    assert set(studio.store.kept) == set(Prompt)
