"""Who may use the platform: SPs and their apps."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum


class PushSignature(StrEnum):
    """How the signature of what an app is told is put together: its server checks the one or the other."""

    LINES = "lines"
    """With line feeds between them: today's way."""
    JOINED = "joined"
    """With nothing between them: the older way."""


@dataclass(frozen=True, slots=True)
class Sp:
    """A service provider's account. `password_hash` is scrypt, as `domain.passwords` writes it."""

    id: str
    username: str
    password_hash: str = field(repr=False)
    active: bool = True


@dataclass(frozen=True, slots=True)
class App:
    """One application of an SP. Its secrets are in clear only in memory; at rest they are encrypted."""

    key: str
    sp: str
    secret: str = field(repr=False)
    """The newest one: what the platform tells the app is signed with it."""
    older_secret: str | None = field(default=None, repr=False, kw_only=True)
    """The one before, good as well until the operator retires it. None: there is none, or it is retired."""
    display_numbers: tuple[str, ...] = ()
    """E.164; the first stands in where a request names none."""
    status_url: str | None = None
    fee_url: str | None = None
    push_signature: PushSignature = PushSignature.LINES
    concurrent_calls: int = 10
    calls_per_second: int = 10
    calls_per_callee_per_day: int = 0
    """0: no limit. The wire's makers only advise three a day; who has to keep to it, the operator says."""
    countries: tuple[str, ...] = ("US",)
    """ISO 3166-1 alpha-2 codes of the countries that may be dialled; empty: none may be."""
    test_numbers: tuple[str, ...] = ()
    """E.164; the only ones that may be dialled through the sandbox."""
    prompts: Mapping[str, float] = field(default_factory=dict)
    """The app's own prompts: name → length in seconds."""
    recording: bool = False
    stereo_recordings: bool = False
    """Fetches the network's own sound, the parties apart, rather than the published one."""
    keep_recordings_days: int = 0
    """One of `domain.recording.KEEP_DAYS`; 0: as long as the platform keeps any."""
    active: bool = True

    @property
    def secrets(self) -> tuple[str, ...]:
        """Every live secret, the newest first."""
        return (self.secret,) if self.older_secret is None else (self.secret, self.older_secret)
