"""Data keys without a key service."""

import hashlib

from duologue.adapters.basics.kms_data_keys import Seal
from duologue.adapters.rows.sealed_rows import SealedRows


class FakeDataKeys:
    """Plays `DataKeys`. `stack`: others have other keys."""

    def __init__(self, stack: str = "one") -> None:
        self._stack = stack

    def derived(self, purpose: bytes) -> bytes:
        return hashlib.sha256(self._stack.encode() + purpose).digest()


ROWS = SealedRows(Seal(FakeDataKeys()))
