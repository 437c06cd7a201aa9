"""The keys of prompts in their bucket, used by calls and by the operator's uploads."""

from duologue.call_control.prompts import Prompt, PromptAudio


def key_of(prompt: PromptAudio) -> str:
    """`prompts/<prompt>.wav` for the platform's own, `apps/<app>/<name>.wav` for an app's."""
    if isinstance(prompt, Prompt):
        return f"prompts/{prompt.value}.wav"
    return f"apps/{prompt.app}/{prompt.name}"
