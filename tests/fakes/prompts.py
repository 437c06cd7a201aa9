"""The network's store of prompts, in memory."""

from duologue.call_control.prompts import Sound


class FakePrompts:
    """Plays `Prompts`."""

    def __init__(self) -> None:
        self.kept: dict[Sound, bytes] = {}

    def put(self, prompt: Sound, wav: bytes) -> None:
        self.kept[prompt] = wav

    def remove(self, prompt: Sound) -> None:
        self.kept.pop(prompt, None)
