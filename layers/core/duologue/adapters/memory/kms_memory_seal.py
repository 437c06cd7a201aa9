"""The numbers of call memories: hashed, and encrypted with a data key (kms_data_keys.py).

A dump of the table does not allow numbers to be tried out, since no table holds the key of the hashes. The encrypted
value is bound to its display number: copied to another display number's row it does not open.

    value, JSON: {"display": E.164, "parties": [[E.164, region or null] twice], the terms that are not default}

The terms are those of a return call by the first of the parties. Until the release before, KMS itself encrypted the
value, with the display number's hash as its context; such memories are still opened.
"""

import json
from datetime import timedelta
from typing import TYPE_CHECKING, Any, Final

from botocore.exceptions import ClientError

from duologue.adapters.basics.aws import code_of
from duologue.adapters.basics.kms_data_keys import Seal, is_sealed, key_service
from duologue.domain.calls.call import NotifyTo
from duologue.domain.calls.memory_draft import MemoryDraft, MemoryKey
from duologue.domain.errors import ForeignMemory, SealBroken
from duologue.domain.media.audio import Audio, AudioListeners
from duologue.domain.memory.call_memory import CallMemory, MemoryTerms, OpenedMemory, RememberedParty
from duologue.domain.numbers.phone_number import PhoneNumber

if TYPE_CHECKING:
    from mypy_boto3_kms import KMSClient

CONTEXT: Final = "callMemory"
"""The encryption context's only key of what KMS encrypted; its value is the display number's hash."""
_NOT_OURS = {"InvalidCiphertextException", "IncorrectKeyException"}


class KmsMemorySeal:
    """Implements `usecases.ports.memories.MemorySeal`."""

    def __init__(self, seal: Seal, kms: "KMSClient") -> None:
        """`kms`: opens memories of the release before."""
        self._seal = seal
        self._kms = kms

    def key(self, display: PhoneNumber, dialler: PhoneNumber) -> MemoryKey:
        return MemoryKey(self._seal.short_hash(display.e164), self._seal.short_hash(f"{display.e164} {dialler.e164}"))

    def draft(
        self, display: PhoneNumber, dialler: RememberedParty, target: RememberedParty, terms: MemoryTerms
    ) -> MemoryDraft:
        key = self.key(display, dialler.number)
        sealed = self._seal.close(_written(display, (dialler, target), terms), _place(key.display))
        return MemoryDraft(key, self.key(display, target.number).pair, sealed)

    def open(self, memory: CallMemory, display: PhoneNumber, dialler: PhoneNumber) -> OpenedMemory:
        opened = self.open_listed(memory)
        if (opened.display, opened.dialler.number) != (display, dialler):
            raise ForeignMemory(memory.session)
        return opened

    def open_listed(self, memory: CallMemory) -> OpenedMemory:
        display, (one, other), terms = _read(self._opened(memory))
        for dialler, target, theirs in ((one, other, terms), (other, one, terms.mirrored())):
            if self.key(display, dialler.number) == memory.key:
                return OpenedMemory(display, dialler, target, theirs)
        raise ForeignMemory(memory.session)

    def proof(self, text: str) -> str:
        return self._seal.short_hash(f"cursor {text}")  # no number begins so

    def _opened(self, memory: CallMemory) -> bytes:
        """Raises ForeignMemory: it was sealed for another display number; OutsideUnavailable."""
        if is_sealed(memory.sealed):
            try:
                return self._seal.open(memory.sealed, _place(memory.key.display))
            except SealBroken as error:
                raise ForeignMemory(memory.session) from error
        with key_service():
            try:
                return self._kms.decrypt(CiphertextBlob=memory.sealed, EncryptionContext={CONTEXT: memory.key.display})[
                    "Plaintext"
                ]
            except ClientError as error:
                if code_of(error) in _NOT_OURS:
                    raise ForeignMemory(memory.session) from error
                raise


def _place(display: str) -> str:
    return f"memories {display}"


def _written(display: PhoneNumber, parties: tuple[RememberedParty, RememberedParty], terms: MemoryTerms) -> bytes:
    audio = terms.audio
    value: dict[str, Any] = {
        "display": display.e164,
        "parties": [[party.number.e164, party.region] for party in parties],
        "ring_s": int(terms.ring_limit.total_seconds()),
        "talk_s": int(terms.longest_talk.total_seconds()),
        "announces_end": terms.announces_end,
        "recording": terms.wants_recording,
        "last_minute": audio.last_minute,
        "last_minute_to": None if audio.last_minute_to is AudioListeners.BOTH else audio.last_minute_to,
        "recording_notice": audio.recording_notice,
        "status_url": terms.notify.status_url,
        "fee_url": terms.notify.fee_url,
        "user_data": terms.user_data,
        "party_type": terms.wants_party_type,
        "tone": terms.call_back_tone,
    }
    kept = {name: each for name, each in value.items() if each not in (None, False)}
    return json.dumps(kept, ensure_ascii=False, separators=(",", ":")).encode()


def _read(plain: bytes) -> tuple[PhoneNumber, list[RememberedParty], MemoryTerms]:
    """What a later version adds is ignored."""
    value = json.loads(plain)
    terms = MemoryTerms(
        ring_limit=timedelta(seconds=value["ring_s"]),
        longest_talk=timedelta(seconds=value["talk_s"]),
        announces_end=value.get("announces_end", False),
        wants_recording=value.get("recording", False),
        audio=Audio(
            last_minute=value.get("last_minute"),
            last_minute_to=AudioListeners(value.get("last_minute_to", AudioListeners.BOTH)),
            recording_notice=value.get("recording_notice"),
        ),
        notify=NotifyTo(value.get("status_url"), value.get("fee_url")),
        user_data=value.get("user_data"),
        wants_party_type=value.get("party_type", False),
        call_back_tone=value.get("tone"),
    )
    parties = [RememberedParty(PhoneNumber(number), region) for number, region in value["parties"]]
    return PhoneNumber(value["display"]), parties, terms
