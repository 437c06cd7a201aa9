"""Add an SP's account."""

import re
from collections.abc import Callable

from duologue.domain.accounts import Sp
from duologue.domain.errors import InvalidField
from duologue.domain.passwords import SALT_BYTES, hash_password
from duologue.usecases.ports import AccountBook

_ID = re.compile(r"[0-9A-Za-z_-]{1,32}")
SHORTEST_PASSWORD = 12


def add_sp(
    sp_id: str, username: str, password: str, *, accounts: AccountBook, random_bytes: Callable[[int], bytes]
) -> Sp:
    """Add an account; of its password only a hash is kept.

    Raises:
        InvalidField: the id, the user name or the password breaks a rule.
        AccountExists: the id or the user name is taken.
    """
    if not _ID.fullmatch(sp_id):
        raise InvalidField("id", "must be 1 to 32 letters, digits, - or _")
    if not 1 <= len(username) <= 128 or not username.isprintable():
        raise InvalidField("username", "must be 1 to 128 printable characters")
    if len(password) < SHORTEST_PASSWORD or not (password.isascii() and password.isprintable()):
        # It travels raw in a header, so nothing else arrives as it was sent.
        raise InvalidField("password", f"must be at least {SHORTEST_PASSWORD} printable ASCII characters")
    sp = Sp(sp_id, username, hash_password(password, random_bytes(SALT_BYTES)))
    accounts.add_sp(sp)
    return sp
