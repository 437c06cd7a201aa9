"""The keys of what is stored about people: they follow from one HMAC key of AWS KMS and are stored nowhere.

    KMS key ──GenerateMac(purpose)──▶ the hash key          one request per process each, when it is first needed
                                  └─▶ data key <number> ──HMAC(place)──▶ the key of one value (AES-256-GCM)

A value is bound to its place, such as its row: copied elsewhere it does not open. As each place has a key of its own,
random nonces do not run out. docs/decisions/0024 says why no key is stored, and how a data key is replaced.

    sealed value: 0x00 "dk" <number of the data key, 1 byte> <nonce, 12 bytes> <ciphertext> <tag, 16 bytes>
"""

import base64
import hmac
import os
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cached_property
from typing import TYPE_CHECKING, Final, Protocol

from botocore.exceptions import ClientError

from duologue.adapters.basics.aws import code_of, outside
from duologue.domain.errors import OutsideUnavailable, SealBroken

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM
    from mypy_boto3_kms import KMSClient

WHAT: Final = "key service"
_MAGIC = b"\0dk"
_HEADER, _NONCE = len(_MAGIC) + 1, 12
_HASHES: Final = b"hashes of call memories"
_HASH_BYTES: Final = 16


class DataKeys(Protocol):
    """`derived`: 32 bytes that follow from a purpose, the same in every process. Raises OutsideUnavailable."""

    def derived(self, purpose: bytes) -> bytes: ...


class KmsDataKeys:
    """Implements `DataKeys`."""

    def __init__(self, client: "KMSClient", key_id: str) -> None:
        """`key_id`: an HMAC_256 key."""
        self._client = client
        self._key_id = key_id
        self._derived: dict[bytes, bytes] = {}

    def derived(self, purpose: bytes) -> bytes:
        if purpose not in self._derived:
            with key_service():
                made = self._client.generate_mac(KeyId=self._key_id, MacAlgorithm="HMAC_SHA_256", Message=purpose)
            self._derived[purpose] = made["Mac"]
        return self._derived[purpose]


class Seal:
    """Encrypts with the data key `number`, and opens what any of them encrypted."""

    def __init__(self, keys: DataKeys, number: int = 1) -> None:
        """`number`: 1 to 255."""
        self._keys = keys
        self._number = number

    def close(self, plain: bytes, place: str) -> bytes:
        """Raises OutsideUnavailable."""
        nonce = os.urandom(_NONCE)
        return b"".join(
            (_MAGIC, bytes([self._number]), nonce, self._cipher(self._number, place).encrypt(nonce, plain, None))
        )

    def open(self, sealed: bytes, place: str) -> bytes:
        """Raises SealBroken: it was not sealed for this place, or with another KMS key; OutsideUnavailable."""
        from cryptography.exceptions import InvalidTag

        nonce, encrypted = sealed[_HEADER : _HEADER + _NONCE], sealed[_HEADER + _NONCE :]
        try:
            return self._cipher(sealed[_HEADER - 1], place).decrypt(nonce, encrypted, None)
        except (InvalidTag, ValueError) as error:
            raise SealBroken(place) from error

    def short_hash(self, text: str) -> str:
        """22 characters: a hash with a key that no table holds. Raises OutsideUnavailable."""
        digest = hmac.digest(self._keys.derived(_HASHES), text.encode(), "sha256")
        return base64.urlsafe_b64encode(digest[:_HASH_BYTES]).rstrip(b"=").decode()

    def _cipher(self, number: int, place: str) -> "AESGCM":
        key = hmac.digest(self._keys.derived(b"data key %d" % number), place.encode(), "sha256")
        return self._aes_gcm(key)

    @cached_property
    def _aes_gcm(self) -> "type[AESGCM]":
        from cryptography.hazmat.primitives.ciphers.aead import AESGCM  # a tenth of a cold start

        return AESGCM


def is_sealed(value: bytes) -> bool:
    """Whether a data key sealed it. Memories of the release before were encrypted by KMS itself."""
    return value.startswith(_MAGIC)


@contextmanager
def key_service() -> Iterator[None]:
    """Whatever KMS refuses for good, such as a disabled key, is like an outage to a call. Raises OutsideUnavailable."""
    try:
        with outside(WHAT):
            yield
    except ClientError as error:
        raise OutsideUnavailable(f"{WHAT}: {code_of(error)}") from error
