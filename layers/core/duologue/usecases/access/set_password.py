"""Set the password of an SP. The old one is invalid from then on; tokens issued for it stay valid."""

from collections.abc import Callable

from duologue.domain.access.passwords import SALT_BYTES, hash_password
from duologue.domain.errors import InvalidField
from duologue.usecases.ports.accounts import AccountBook

SHORTEST_PASSWORD = 12


def set_password(sp_id: str, password: str, *, accounts: AccountBook, random_bytes: Callable[[int], bytes]) -> None:
    """Raises InvalidField: the password breaks a rule; UnknownSp: there is no such account."""
    accounts.set_password(sp_id, checked_hash(password, random_bytes))


def checked_hash(password: str, random_bytes: Callable[[int], bytes]) -> str:
    """The hash of a new password. Raises InvalidField."""
    if len(password) < SHORTEST_PASSWORD or not (password.isascii() and password.isprintable()):
        # It is sent raw in a header, where other characters would not survive.
        raise InvalidField("password", f"must be at least {SHORTEST_PASSWORD} printable ASCII characters")
    return hash_password(password, random_bytes(SALT_BYTES))
