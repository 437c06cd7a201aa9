"""Store prompts of an app and of the platform. Files that cannot be played are refused before anything is saved."""

import re
from collections.abc import Mapping
from dataclasses import replace

from duologue.call_control.prompts import AppPrompt, Prompt
from duologue.domain.access.accounts import App
from duologue.domain.errors import InvalidField
from duologue.domain.media.wav import read_notice, read_wav
from duologue.usecases.ports.accounts import AppBook
from duologue.usecases.ports.outside import Prompts

MOST_PROMPTS = 200
"""Per app, since the app's row is read with every request."""

_NAME = re.compile(r"[0-9A-Za-z_.@-]{1,124}\.wav")
"""As documented in the format, and no longer than a request can name."""


def put_prompt(
    app_key: str, name: str, content: bytes, *, apps: AppBook, store: Prompts, recording_notice: bool = False
) -> float:
    """Store a WAV file as a prompt of an app, replacing one of the same name. Returns its length in seconds.

    `recording_notice`: requests may name it as their recording notice.

    Raises:
        UnknownApp: there is no such app.
        InvalidField: the name or the file breaks a rule, the app has the maximum number of prompts, or another file
            would replace a recording notice without being one.
    """
    if not _NAME.fullmatch(name):
        raise InvalidField("name", "must be letters, digits and - _ . @, end with .wav, and be at most 128 long")
    audio = read_notice(content) if recording_notice else read_wav(content)
    _check_place(apps.app(app_key), name, recording_notice)
    store.put(AppPrompt(app_key, name), audio.wav)  # before a request may name it

    def recorded(app: App) -> App:
        _check_place(app, name, recording_notice)
        notices = {*app.recording_notices, name} if recording_notice else app.recording_notices
        return replace(app, prompts={**app.prompts, name: audio.seconds}, recording_notices=tuple(sorted(notices)))

    apps.change_app(app_key, recorded)
    return audio.seconds


def remove_prompt(app_key: str, name: str, *, apps: AppBook, store: Prompts) -> None:
    """Delete a prompt; calls in progress may miss it.

    Raises:
        UnknownApp: there is no such app.
        InvalidField: it has no such prompt, or it is the app's call-back tone.
    """
    if name not in apps.app(app_key).prompts:
        raise InvalidField("name", "is not a prompt of the app; prompt list shows them")

    def removed(app: App) -> App:
        if name == app.call_back_tone:
            raise InvalidField("name", "is the app's call-back tone: set another first, by app set")
        prompts = {kept: seconds for kept, seconds in app.prompts.items() if kept != name}
        return replace(app, prompts=prompts, recording_notices=tuple(n for n in app.recording_notices if n != name))

    apps.change_app(app_key, removed)
    store.remove(AppPrompt(app_key, name))  # after no request may name it


def put_own_prompts(contents: Mapping[Prompt, bytes], *, store: Prompts) -> Mapping[Prompt, float]:
    """Store the platform's own prompts; all are checked before the first is saved. Raises InvalidField."""
    read = {
        prompt: (read_notice if prompt is Prompt.RECORDING_NOTICE else read_wav)(content, field=prompt.value)
        for prompt, content in contents.items()
    }
    for prompt, audio in read.items():
        store.put(prompt, audio.wav)
    return {prompt: audio.seconds for prompt, audio in read.items()}


def _check_place(app: App, name: str, recording_notice: bool) -> None:
    if name in app.recording_notices and not recording_notice:
        raise InvalidField("name", "is a recording notice: put another as one too, or remove it first")
    if name not in app.prompts and len(app.prompts) >= MOST_PROMPTS:
        raise InvalidField("prompts", f"of an app are limited to {MOST_PROMPTS}: remove one first, by prompt remove")
