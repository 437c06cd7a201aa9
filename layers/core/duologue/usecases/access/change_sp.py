"""Change the limit of an SP, which all of its apps share."""

from duologue.domain.access.accounts import Sp
from duologue.domain.errors import InvalidField
from duologue.usecases.access.check_app import MOST_CALLS
from duologue.usecases.ports.accounts import AccountBook


def set_calls_per_second(sp_id: str, most: int, *, accounts: AccountBook) -> Sp:
    """Set it and return the SP. 0: no limit.

    Raises:
        UnknownSp: there is no such SP.
        InvalidField: the limit is out of range.
    """
    if not 0 <= most <= MOST_CALLS:
        raise InvalidField("calls per second", f"must be 0 to {MOST_CALLS}")
    accounts.set_sp_calls_per_second(sp_id, most)
    return accounts.sp(sp_id)
