"""Add an SP's account."""

import re
from collections.abc import Callable

from duologue.domain.access.accounts import Sp
from duologue.domain.errors import InvalidField
from duologue.usecases.access.set_password import checked_hash
from duologue.usecases.ports.accounts import AccountBook

_ID = re.compile(r"[0-9A-Za-z_.@+-]{1,32}")


def add_sp(
    sp_id: str, username: str, password: str, *, accounts: AccountBook, random_bytes: Callable[[int], bytes]
) -> Sp:
    """Add an account; only a hash of its password is stored.

    Raises:
        InvalidField: the id, the user name or the password breaks a rule.
        AccountExists: the id or the user name exists.
    """
    if not _ID.fullmatch(sp_id):
        raise InvalidField("id", "must be 1 to 32 of A-Z, a-z, 0-9 and - _ . @ +")
    if not 1 <= len(username) <= 128 or not username.isprintable():
        raise InvalidField("username", "must be 1 to 128 printable characters")
    sp = Sp(sp_id, username, checked_hash(password, random_bytes))
    accounts.add_sp(sp)
    return sp
