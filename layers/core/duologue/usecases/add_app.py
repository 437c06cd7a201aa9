"""Add an app of an SP, with a new key and secret."""

from collections.abc import Callable
from dataclasses import dataclass

from duologue.domain.accounts import App
from duologue.domain.errors import InvalidField
from duologue.domain.phone_number import PhoneNumber
from duologue.domain.random_text import random_text
from duologue.usecases.ports import AccountBook, SpEndpoints

_KEY_LENGTH = 32
_SECRET_LENGTH = 43
"""About 256 random bits."""


@dataclass(frozen=True, slots=True)
class NewApp:
    """What the operator decides of an app."""

    sp: str
    display_numbers: tuple[str, ...]
    status_url: str | None = None
    fee_url: str | None = None
    concurrent_calls: int = 10
    recording: bool = False


def add_app(new: NewApp, *, accounts: AccountBook, endpoints: SpEndpoints, random_bytes: Callable[[int], bytes]) -> App:
    """Add an app. Its secret is in what is returned, and never shown again.

    Raises:
        InvalidField: a display number, a URL or the number of calls breaks a rule.
        UnknownSp: there is no such SP.
    """
    numbers = tuple(PhoneNumber.parse(number, field="display number").e164 for number in new.display_numbers)
    if not numbers:
        raise InvalidField("display number", "is required")
    if new.concurrent_calls < 1:
        raise InvalidField("concurrent calls", "must be at least 1")
    for field, url in (("status URL", new.status_url), ("fee URL", new.fee_url)):
        if url is not None:
            endpoints.check(url, field=field)
    app = App(
        key=random_text(_KEY_LENGTH, random_bytes),
        sp=new.sp,
        secret=random_text(_SECRET_LENGTH, random_bytes),
        display_numbers=numbers,
        status_url=new.status_url,
        fee_url=new.fee_url,
        concurrent_calls=new.concurrent_calls,
        recording=new.recording,
    )
    accounts.add_app(app)
    return app
