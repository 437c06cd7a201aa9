"""Add an app of an SP, with a new key and secret."""

from collections.abc import Callable
from dataclasses import asdict, dataclass

from duologue.domain.access.accounts import App, PushSignature, Scheme, UnknownCallers
from duologue.domain.access.random_text import random_text
from duologue.usecases.access.check_app import check_app
from duologue.usecases.access.rotate_secret import new_secret
from duologue.usecases.ports.accounts import AccountBook
from duologue.usecases.ports.denying import RateBook
from duologue.usecases.ports.notifying import SpUrls
from duologue.usecases.ports.outside import Line, NumberPlan

_KEY_LENGTH = 32


@dataclass(frozen=True, slots=True)
class NewApp:
    """The operator's settings of a new app, as in `domain.access.accounts.App`."""

    sp: str
    display_numbers: tuple[str, ...]
    status_url: str | None = None
    fee_url: str | None = None
    push_signature: PushSignature = PushSignature.LINES
    reuse_nonces: bool = False
    schemes: tuple[Scheme, ...] = tuple(Scheme)
    allowed_addresses: tuple[str, ...] = ()
    requests_per_second: int = 10
    concurrent_calls: int = 10
    concurrent_return_calls: int = 0
    calls_per_second: int = 10
    calls_per_number_per_minute: int = 0
    calls_per_callee_per_day: int = 0
    calls_per_dialled_number_per_day: int = 0
    calls_per_day: int = 0
    minutes_per_day: int = 0
    spend_per_day: int = 0
    longest_call_minutes: int = 240
    bind_numbers: tuple[str, ...] = ()
    countries: tuple[str, ...] = ("US",)
    test_numbers: tuple[str, ...] = ()
    recording: bool = False
    stereo_recordings: bool = False
    keep_recordings_days: int = 0
    call_memory: bool = True
    call_memory_hours: int = 720
    unknown_callers: UnknownCallers = UnknownCallers.REFUSE
    call_back_tone: str | None = None
    callback_number: str | None = None
    rejects_failed_return_calls: bool = False


def add_app(
    new: NewApp,
    *,
    accounts: AccountBook,
    endpoints: SpUrls,
    plan: NumberPlan,
    line: Line,
    rates: RateBook,
    random_bytes: Callable[[int], bytes],
) -> App:
    """Add an app and return it, with its secret, which is never shown again.

    Raises:
        InvalidField: a setting breaks a rule.
        UnknownSp: there is no such SP.
    """
    app = App(key=random_text(_KEY_LENGTH, random_bytes), secret=new_secret(random_bytes), **asdict(new))
    check_app(app, endpoints=endpoints, plan=plan, line=line, rates=rates)
    accounts.add_app(app)
    return app
