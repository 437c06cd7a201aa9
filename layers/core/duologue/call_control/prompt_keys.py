"""The keys of prompts in their bucket, used by calls and by the operator's uploads."""

from duologue.call_control.prompts import AppPrompt, Prompt, PromptAudio

_OURS, _APPS, _ENDING = "prompts/", "apps/", ".wav"


def key_of(prompt: PromptAudio) -> str:
    """`prompts/<prompt>.wav` for the platform's own, `apps/<app>/<name>.wav` for an app's."""
    if isinstance(prompt, Prompt):
        return f"{_OURS}{prompt.value}{_ENDING}"
    return f"{_APPS}{prompt.app}/{prompt.name}"


def prompt_at(key: str) -> PromptAudio | None:
    """The prompt of a key; None: not a prompt's key."""
    if key.startswith(_APPS):
        app, _, name = key.removeprefix(_APPS).partition("/")
        return AppPrompt(app, name) if name else None
    word = key.removeprefix(_OURS).removesuffix(_ENDING)
    return Prompt(word) if key == f"{_OURS}{word}{_ENDING}" and word in set(Prompt) else None
