"""Where a prompt lies in its bucket, and which prompt a key names. The operator's upload uses the same keys."""

from duologue.call_control.prompts import AppPrompt, Prompt, PromptAudio

_OURS, _APPS, _ENDING = "prompts/", "apps/", ".wav"


def key_of(prompt: PromptAudio) -> str:
    """`prompts/<prompt>.wav` for the platform's own, `apps/<app>/<name>.wav` for an app's."""
    if isinstance(prompt, Prompt):
        return f"{_OURS}{prompt.value}{_ENDING}"
    return f"{_APPS}{prompt.app}/{prompt.name}"


def prompt_at(key: str) -> PromptAudio | None:
    """The prompt of a key; None if the key is none of ours."""
    if key.startswith(_APPS):
        app, _, name = key.removeprefix(_APPS).partition("/")
        return AppPrompt(app, name) if name else None
    word = key.removeprefix(_OURS).removesuffix(_ENDING)
    return Prompt(word) if key == f"{_OURS}{word}{_ENDING}" and word in set(Prompt) else None
