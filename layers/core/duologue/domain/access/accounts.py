"""Accounts: SPs and their apps."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from enum import StrEnum
from typing import NamedTuple


class UnknownCallers(StrEnum):
    """What an app does with a call to its display number from somebody whom it need not connect."""

    REFUSE = "refuse"
    """It is not answered (SIP 480), so nobody pays for it."""
    PROMPT = "prompt"
    """It is answered with the app's return-call prompt, once, then hung up."""
    NUMBER = "number"
    """The app's default number is rung."""


class PushSignature(StrEnum):
    """How the signed parts of a notification are joined; the app's server checks one of the two."""

    LINES = "lines"
    """With line feeds between them, as currently documented."""
    JOINED = "joined"
    """Concatenated, as documented before."""


class Scheme(StrEnum):
    """How an app may authenticate its requests, by the names that the operator uses."""

    TOKEN = "token"  # noqa: S105 - the name of a scheme
    """By tokens, which a log-in with the SP's password gives out."""
    HMAC = "aksk"
    """By a digest that is an HMAC with the app's secret."""
    HASH = "wsse"
    """By the older digest, a hash over the app's secret."""


@dataclass(frozen=True, slots=True)
class Sp:
    """A service provider's account. `password_hash`: see `domain.access.passwords`."""

    id: str
    username: str
    password_hash: str = field(repr=False)
    active: bool = True
    calls_per_second: int = 0
    """Of all its apps together, besides the limit of each. 0: no limit."""


class Ceilings(NamedTuple):
    """What an app may use. Those of a day: 0 is none.

    `calls_per_dialled_number`, `calls`, `minutes`, `spend`: of a day in UTC. Spend is in USD, estimated by the rates.
    """

    longest_call: timedelta
    calls_per_dialled_number: int = 0
    calls: int = 0
    minutes: int = 0
    spend: int = 0


@dataclass(frozen=True, slots=True)
class App:
    """One application of an SP. Its secrets are plain text only in memory; they are stored encrypted."""

    key: str
    sp: str
    secret: str = field(repr=False)
    """The newest one; it signs notifications."""
    older_secret: str | None = field(default=None, repr=False, kw_only=True)
    """The previous one, also valid until the operator retires it. None: there is none, or it is retired."""
    display_numbers: tuple[str, ...] = ()
    """E.164; the first is the default of a request."""
    bind_numbers: tuple[str, ...] = ()
    """E.164; callbacks are accounted to them, nobody is shown them. The first is the default of a request."""
    status_url: str | None = None
    fee_url: str | None = None
    push_signature: PushSignature = PushSignature.LINES
    reuse_nonces: bool = False
    """A digest may be sent again while its time is valid, for clients that make their headers once."""
    schemes: tuple[Scheme, ...] = tuple(Scheme)
    """The ways in which it may authenticate; at least one."""
    allowed_addresses: tuple[str, ...] = ()
    """CIDR; where its requests may come from. Empty: everywhere."""
    requests_per_second: int = 0
    """Besides those that place or stop callbacks. 0: no limit."""
    concurrent_calls: int = 10
    concurrent_return_calls: int = 0
    """Of these; 0: as many as there are."""
    calls_per_second: int = 10
    sp_calls_per_second: int = 0
    """That of its SP; known of an app that has authenticated."""
    calls_per_number_per_minute: int = 0
    """Calls that show one display number, counted over all apps that show it. 0: no limit."""
    calls_per_callee_per_day: int = 0
    """0: no limit. The format's documentation recommends three per day; the operator decides."""
    calls_per_dialled_number_per_day: int = 0
    """Whichever party of a call the number is; 0: no limit."""
    calls_per_day: int = 0
    """This and the next two: 0: no ceiling."""
    minutes_per_day: int = 0
    spend_per_day: int = 0
    """USD, estimated by the rates table."""
    longest_call_minutes: int = 240
    """Of talk; a request that asks for more gets this."""
    countries: tuple[str, ...] = ("US",)
    """ISO 3166-1 alpha-2 codes of the countries that may be dialled; empty: none."""
    denied_prefixes: tuple[str, ...] = ()
    """Patterns of numbers that the app may not dial (deny_list.py), besides those of the platform."""
    test_numbers: tuple[str, ...] = ()
    """E.164; the only numbers that the sandbox dials."""
    prompts: Mapping[str, float] = field(default_factory=dict)
    """The app's own prompts: name → length in seconds."""
    recording_notices: tuple[str, ...] = ()
    """Those of them that the operator marked as recording notices; a request may name no other as such."""
    recording: bool = False
    stereo_recordings: bool = False
    """The app fetches the network's stereo recording, one party per channel, instead of the published mono one."""
    keep_recordings_days: int = 0
    """One of `domain.media.recording.KEEP_DAYS`; 0: the platform's retention."""
    call_memory: bool = True
    """Called parties can return calls; a request can switch it off for its own (docs/decisions/0014)."""
    call_memory_hours: int = 720
    """How long a called party is remembered, from the dial; 1 to 2,160 (90 days)."""
    unknown_callers: UnknownCallers = UnknownCallers.REFUSE
    """What happens to a call to a display number that rings nobody who is remembered."""
    call_back_tone: str | None = None
    """The app's prompt for them (UnknownCallers.PROMPT)."""
    callback_number: str | None = None
    """E.164; the number rung for them (UnknownCallers.NUMBER)."""
    rejects_failed_return_calls: bool = False
    """A return call whose callee cannot be connected is rejected unanswered, rather than answered with a prompt."""
    active: bool = True

    @property
    def ceilings(self) -> Ceilings:
        return Ceilings(
            timedelta(minutes=self.longest_call_minutes),
            self.calls_per_dialled_number_per_day,
            self.calls_per_day,
            self.minutes_per_day,
            self.spend_per_day,
        )

    @property
    def secrets(self) -> tuple[str, ...]:
        """All valid secrets, newest first."""
        return (self.secret,) if self.older_secret is None else (self.secret, self.older_secret)
