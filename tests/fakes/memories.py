"""Call memory without a key service."""

import hashlib

from duologue.domain.calls.memory_draft import MemoryDraft, MemoryKey
from duologue.domain.errors import ForeignMemory, OutsideUnavailable
from duologue.domain.memory.call_memory import CallMemory, MemoryTerms, OpenedMemory, RememberedParty
from duologue.domain.numbers.phone_number import PhoneNumber


class FakeMemorySeal:
    """Plays `MemorySeal`. `requests`: how often the key service was asked to encrypt or decrypt."""

    def __init__(self) -> None:
        self.out_of_reach = False
        self.requests = 0
        self._made: dict[tuple[bytes, str], tuple[PhoneNumber, RememberedParty, RememberedParty, MemoryTerms]] = {}
        """By sealed value and display number's hash."""

    def key(self, display: PhoneNumber, dialler: PhoneNumber) -> MemoryKey:
        self._reach()
        return MemoryKey(_hash(display.e164), _hash(f"{display.e164} {dialler.e164}"))

    def draft(
        self, display: PhoneNumber, dialler: RememberedParty, target: RememberedParty, terms: MemoryTerms
    ) -> MemoryDraft:
        key = self.key(display, dialler.number)
        self.requests += 1
        sealed = f"sealed-{len(self._made)}".encode()
        self._made[sealed, key.display] = (display, dialler, target, terms)
        return MemoryDraft(key, self.key(display, target.number).pair, sealed)

    def open(self, memory: CallMemory, display: PhoneNumber, dialler: PhoneNumber) -> OpenedMemory:
        opened = self.open_listed(memory)
        if (opened.display, opened.dialler.number) != (display, dialler):
            raise ForeignMemory(memory.session)
        return opened

    def open_listed(self, memory: CallMemory) -> OpenedMemory:
        self._reach()
        self.requests += 1
        if (memory.sealed, memory.key.display) not in self._made:
            raise ForeignMemory(memory.session)
        display, one, other, terms = self._made[memory.sealed, memory.key.display]
        for dialler, target, theirs in ((one, other, terms), (other, one, terms.mirrored())):
            if self.key(display, dialler.number) == memory.key:
                return OpenedMemory(display, dialler, target, theirs)
        raise ForeignMemory(memory.session)

    def proof(self, text: str) -> str:
        self._reach()
        return _hash(f"cursor {text}")

    def _reach(self) -> None:
        if self.out_of_reach:
            raise OutsideUnavailable("the key service")


def _hash(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:22]
