"""The network's store of prompts, in memory."""

from duologue.call_control.prompts import PromptAudio


class FakePrompts:
    """Plays `Prompts`."""

    def __init__(self) -> None:
        self.kept: dict[PromptAudio, bytes] = {}

    def put(self, prompt: PromptAudio, wav: bytes) -> None:
        self.kept[prompt] = wav

    def remove(self, prompt: PromptAudio) -> None:
        self.kept.pop(prompt, None)
