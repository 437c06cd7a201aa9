"""Calls and changes by the SP of one pair, in any order of their writes: the later one counts."""

from dataclasses import dataclass, field
from typing import Any

from hypothesis import example, given
from hypothesis import strategies as st

from duologue.domain.errors import MemoryChanged, UnknownMemory
from duologue.domain.memory.call_memory import CallMemory
from duologue.domain.memory.memory_history import Pair, Repointing
from duologue.domain.numbers.phone_number import PhoneNumber
from tests.functions.worlds import CALLED, OWN, Api
from tests.samples import at

PAIR = Pair(PhoneNumber(OWN[1]), PhoneNumber(CALLED[1]))
STEPS = st.lists(
    st.sampled_from(["dial", "write the first dial", "write the last dial", "look", "change", "delete"]),
    min_size=10,
    max_size=30,
)


@dataclass
class Story:
    """`last`: when the latest of all that was written took place, and who is rung since; None: nobody."""

    api: Api = field(default_factory=Api)
    second: int = 0
    dials: list[tuple[int, str]] = field(default_factory=list)
    seen: CallMemory | None = None
    last: tuple[int, str | None] = (-1, None)

    @property
    def app(self) -> Any:
        return self.api.accounts.app(self.api.key)

    def stored(self) -> CallMemory | None:
        return self.api.memories.memory(self.api.seal.key(PAIR.display, PAIR.dialler))

    def rung(self) -> str | None:
        try:
            return self.api.dependencies.others().look_up_memory(PAIR, self.app).opened.target.number.e164
        except UnknownMemory:
            return None

    def take(self, step: str) -> None:
        self.second += 1
        self.api.clock.at = at(self.second)
        number = f"+121255501{self.second:02}"
        if step == "dial":
            self.dials.append((self.second, number))
        elif step.startswith("write") and self.dials:
            self._write(*self.dials.pop(0 if "first" in step else -1))
        elif step == "look":
            self.seen = self.stored()
        elif step in ("change", "delete") and self.seen is not None:
            self._ask(step, number)

    def _write(self, second: int, number: str) -> None:
        """A dial is written later than it took place, and other calls of the pair may overtake it."""
        try:
            self.api.remember(second, target=number)
        except AssertionError:
            assert second < self.last[0], "only what is older is not written"
        self.last = max(self.last, (second, number))

    def _ask(self, step: str, number: str) -> None:
        """With the version that the SP saw, which may be an old one."""
        before, seen, api = self.stored(), self.seen, self.api.dependencies.others()
        assert seen is not None
        try:
            if step == "change":
                api.repoint_memory(Repointing(PAIR, PhoneNumber(number), seen.version), self.app, "the SP")
            else:
                api.forget_memory(PAIR, seen.version, self.app, "the SP")
        except (MemoryChanged, UnknownMemory):
            assert before != seen
            assert self.stored() == before, "an old version changes nothing"
        else:
            assert before == seen, "only the version that the SP saw is changed"
            self.last = (self.second, number if step == "change" else None)


@given(STEPS)
@example(["dial", "write the first dial", "look", "dial", "change", "write the first dial"])
@example(["dial", "write the first dial", "look", "dial", "delete", "write the first dial"])
def test_the_later_of_calls_and_changes_counts(steps):
    story = Story()
    for step in steps:
        story.take(step)
        assert story.rung() == story.last[1], step
