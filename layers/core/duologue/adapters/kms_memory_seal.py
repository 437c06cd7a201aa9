"""The numbers of call memories: hashed with a key that follows from AWS KMS, and encrypted by it.

The hash key is the HMAC of a fixed text by a KMS key of its own. It is computed once per process, kept in memory and
stored nowhere, so a dump of the table does not allow numbers to be tried out. The encrypted value is bound to its
display number by the encryption context: copied to another display number's row it does not decrypt.

    value, JSON: {"display": E.164, "parties": [[E.164, region or null] twice], the terms that are not default}

The terms are those of a return call by the first of the parties.
"""

import base64
import hmac
import json
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import TYPE_CHECKING, Any, Final

from botocore.exceptions import ClientError

from duologue.adapters.aws import code_of, outside
from duologue.domain.audio import Audio, AudioListeners
from duologue.domain.call import NotifyTo
from duologue.domain.call_memory import CallMemory, MemoryTerms, OpenedMemory, RememberedParty
from duologue.domain.errors import ForeignMemory, OutsideUnavailable
from duologue.domain.memory_draft import MemoryDraft, MemoryKey
from duologue.domain.phone_number import PhoneNumber

if TYPE_CHECKING:
    from mypy_boto3_kms import KMSClient

CONTEXT: Final = "callMemory"
"""The encryption context's only key; roles in template.yaml name it. Its value is the display number's hash."""
_PURPOSE: Final = b"hashes of call memories"
_HASH_BYTES: Final = 16
_WHAT = "key service"
_NOT_OURS = {"InvalidCiphertextException", "IncorrectKeyException"}


class KmsMemorySeal:
    """Implements `usecases.ports.memories.MemorySeal`."""

    def __init__(self, client: "KMSClient", hash_key_id: str, key_id: str = "") -> None:
        """`hash_key_id`: an HMAC_256 key. `key_id`: needed to encrypt, not to decrypt."""
        self._client = client
        self._hash_key_id = hash_key_id
        self._key_id = key_id
        self._hash_key: bytes | None = None

    def key(self, display: PhoneNumber, dialler: PhoneNumber) -> MemoryKey:
        return MemoryKey(self._hash(display.e164), self._hash(f"{display.e164} {dialler.e164}"))

    def draft(
        self, display: PhoneNumber, dialler: RememberedParty, target: RememberedParty, terms: MemoryTerms
    ) -> MemoryDraft:
        key = self.key(display, dialler.number)
        with _key_service():
            made = self._client.encrypt(
                KeyId=self._key_id,
                Plaintext=_written(display, (dialler, target), terms),
                EncryptionContext={CONTEXT: key.display},
            )
        return MemoryDraft(key, self.key(display, target.number).pair, made["CiphertextBlob"])

    def open(self, memory: CallMemory, display: PhoneNumber, dialler: PhoneNumber) -> OpenedMemory:
        opened = self.open_listed(memory)
        if (opened.display, opened.dialler.number) != (display, dialler):
            raise ForeignMemory(memory.session)
        return opened

    def open_listed(self, memory: CallMemory) -> OpenedMemory:
        with _key_service(memory):
            opened = self._client.decrypt(CiphertextBlob=memory.sealed, EncryptionContext={CONTEXT: memory.key.display})
        display, (one, other), terms = _read(opened["Plaintext"])
        for dialler, target, theirs in ((one, other, terms), (other, one, terms.mirrored())):
            if self.key(display, dialler.number) == memory.key:
                return OpenedMemory(display, dialler, target, theirs)
        raise ForeignMemory(memory.session)

    def proof(self, text: str) -> str:
        return self._hash(f"cursor {text}")  # no number begins so

    def _hash(self, text: str) -> str:
        """22 characters."""
        if self._hash_key is None:
            with _key_service():
                made = self._client.generate_mac(KeyId=self._hash_key_id, MacAlgorithm="HMAC_SHA_256", Message=_PURPOSE)
            self._hash_key = made["Mac"]
        digest = hmac.digest(self._hash_key, text.encode(), "sha256")
        return base64.urlsafe_b64encode(digest[:_HASH_BYTES]).rstrip(b"=").decode()


@contextmanager
def _key_service(opened: CallMemory | None = None) -> Iterator[None]:
    """Whatever KMS refuses for good, such as a disabled key, must not cost a callback either.

    Raises:
        ForeignMemory: `opened` does not decrypt in its display number's context.
        OutsideUnavailable: any other failure.
    """
    try:
        with outside(_WHAT):
            yield
    except ClientError as error:
        if opened is not None and code_of(error) in _NOT_OURS:
            raise ForeignMemory(opened.session) from error
        raise OutsideUnavailable(f"{_WHAT}: {code_of(error)}") from error


def _written(display: PhoneNumber, parties: tuple[RememberedParty, RememberedParty], terms: MemoryTerms) -> bytes:
    """At most some 2,500 bytes, where KMS encrypts 4,096: tests/contract/test_memory_seal.py has the longest."""
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
