"""Cursors that say nothing to who holds them, and are good for one app only."""

import base64
import binascii

from duologue.adapters.basics.kms_data_keys import Seal, is_sealed
from duologue.domain.errors import InvalidField, SealBroken


class SealedCursors:
    """Implements `usecases.ports.call_lists.Cursors`."""

    def __init__(self, seal: Seal) -> None:
        self._seal = seal

    def sealed(self, app: str, place: str) -> str:
        sealed = self._seal.close(place.encode(), _place(app))
        return base64.urlsafe_b64encode(sealed).decode().rstrip("=")

    def opened(self, app: str, cursor: str) -> str:
        wrong = InvalidField("cursor", "must be the `cursor` of an earlier answer")
        try:
            sealed = base64.b64decode(cursor + "=" * (-len(cursor) % 4), altchars=b"-_", validate=True)
        except (binascii.Error, ValueError) as error:
            raise wrong from error
        if not is_sealed(sealed) or len(sealed) < _SHORTEST:
            raise wrong
        try:
            return self._seal.open(sealed, _place(app)).decode()
        except SealBroken as error:
            raise wrong from error


_SHORTEST = 4 + 12 + 16
"""Header, nonce and tag."""


def _place(app: str) -> str:
    return f"cursor {app}"
