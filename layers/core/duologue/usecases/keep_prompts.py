"""Store prompts of an app and of the platform. Files that cannot be played are refused before anything is saved."""

import re
from collections.abc import Mapping
from dataclasses import replace

from duologue.call_control.prompts import AppPrompt, Prompt
from duologue.domain.accounts import App
from duologue.domain.errors import InvalidField
from duologue.domain.wav import read_wav
from duologue.usecases.ports.accounts import AppBook, Apps
from duologue.usecases.ports.outside import Prompts

MOST_PROMPTS = 200
"""Per app, since the app's row is read with every request."""

_NAME = re.compile(r"[0-9A-Za-z_.@-]{1,124}\.wav")
"""As documented in the format, and no longer than a request can name."""


def put_prompt(app_key: str, name: str, content: bytes, *, apps: AppBook, store: Prompts) -> float:
    """Store a WAV file as a prompt of an app, replacing one of the same name. Returns its length in seconds.

    Raises:
        UnknownApp: there is no such app.
        InvalidField: the name or the file breaks a rule, or the app has the maximum number of prompts.
    """
    if not _NAME.fullmatch(name):
        raise InvalidField("name", "must be letters, digits and - _ . @, end with .wav, and be at most 128 long")
    audio = read_wav(content)
    app = apps.app(app_key)
    _check_room(app, name)
    store.put(AppPrompt(app_key, name), audio.wav)  # before a request may name it

    def recorded(app: App) -> App:
        _check_room(app, name)
        return replace(app, prompts={**app.prompts, name: audio.seconds})

    apps.change_app(app_key, recorded)
    return audio.seconds


def prompts_of(app_key: str, *, apps: Apps) -> Mapping[str, float]:
    """Name → seconds. Raises UnknownApp."""
    return apps.app(app_key).prompts


def remove_prompt(app_key: str, name: str, *, apps: AppBook, store: Prompts) -> None:
    """Delete a prompt; calls in progress may miss it.

    Raises:
        UnknownApp: there is no such app.
        InvalidField: it has no such prompt.
    """
    if name not in apps.app(app_key).prompts:
        raise InvalidField("name", "is not a prompt of the app")
    apps.change_app(
        app_key, lambda app: replace(app, prompts={kept: s for kept, s in app.prompts.items() if kept != name})
    )
    store.remove(AppPrompt(app_key, name))  # after no request may name it


def put_own_prompts(contents: Mapping[Prompt, bytes], *, store: Prompts) -> Mapping[Prompt, float]:
    """Store the platform's own prompts; all are checked before the first is saved. Raises InvalidField."""
    read = {prompt: read_wav(content, field=prompt.value) for prompt, content in contents.items()}
    for prompt, audio in read.items():
        store.put(prompt, audio.wav)
    return {prompt: audio.seconds for prompt, audio in read.items()}


def _check_room(app: App, name: str) -> None:
    if name not in app.prompts and len(app.prompts) >= MOST_PROMPTS:
        raise InvalidField("prompts", f"of an app are limited to {MOST_PROMPTS}")
