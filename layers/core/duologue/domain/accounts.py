"""Who may use the platform: SPs and their apps."""

from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Sp:
    """A service provider's account. `password_hash` is scrypt, as `domain.passwords` writes it."""

    id: str
    username: str
    password_hash: str = field(repr=False)
    active: bool = True


@dataclass(frozen=True, slots=True)
class App:
    """One application of an SP. `secret` is in clear only in memory; at rest it is encrypted."""

    key: str
    sp: str
    secret: str = field(repr=False)
    display_numbers: tuple[str, ...] = ()
    """E.164; the first stands in where a request names none."""
    status_url: str | None = None
    fee_url: str | None = None
    concurrent_calls: int = 10
    recording: bool = False
    active: bool = True
