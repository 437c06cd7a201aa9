"""A phone and the log of its calls: what it displayed and heard, whom it was joined to, and who ended the call."""

from dataclasses import dataclass, field
from datetime import datetime

from pstn.clocks import Timer
from pstn.lines.behaviours import Behaviour, answers, planned

BUSY = 486
"""RFC 3261 §21.4.18."""


@dataclass
class PhoneCall:
    """One call as its phone saw it.

    `saw`: the number on its display. `joined`: the other party's number, from when, until when (None: still).
    """

    phone: "Phone" = field(repr=False)
    call_id: str
    saw: str
    called_at: datetime
    incoming: bool = True
    caller_id: str | None = None
    """Of an outgoing call: what it carries as From, the phone's number unless that is withheld."""
    rang_at: datetime | None = None
    answered_at: datetime | None = None
    ended_at: datetime | None = None
    ended_by: str | None = None
    sip_code: int | None = None
    heard: list[tuple[datetime, str]] = field(default_factory=list)
    joined: list[tuple[str, datetime, datetime | None]] = field(default_factory=list)
    muted: list[tuple[datetime, datetime | None]] = field(default_factory=list)
    pressed: list[tuple[datetime, str]] = field(default_factory=list)
    received: list[tuple[datetime, str]] = field(default_factory=list)
    """Digits that the service sent to it."""
    sip_headers: dict[str, str] = field(default_factory=dict)
    vanished_at: datetime | None = None
    scripted: bool = True
    """False: an external telephone, which this software does not control."""
    engaged: bool = False
    """The phone was already in another call."""
    local: bool = False
    """Another telephone of this network called it; the service has no part in the call."""
    leaving: bool = False
    """It was told to hang up or to refuse."""
    timers: list[Timer] = field(default_factory=list, repr=False)
    plays: dict[str, Timer | None] = field(default_factory=dict, repr=False)
    peer: str | None = None

    @property
    def refusal(self) -> int | None:
        """The final SIP code with which its script refuses this call; None: it does not refuse."""
        return BUSY if self.engaged else self.phone.behaviour.refusal

    @property
    def rings(self) -> bool:
        return self.phone.behaviour.rings and not self.engaged

    @property
    def up(self) -> bool:
        return self.answered_at is not None and self.ended_at is None


@dataclass
class Phone:
    """A phone and its call log. `saw` is about its latest call."""

    behaviour: Behaviour = field(default_factory=answers)
    number: str = ""
    calls: list[PhoneCall] = field(default_factory=list)

    @property
    def current(self) -> PhoneCall | None:
        return next((call for call in reversed(self.calls) if call.ended_at is None), None)

    @property
    def last(self) -> PhoneCall | None:
        return self.calls[-1] if self.calls else None

    @property
    def heard(self) -> list[tuple[datetime, str]]:
        """Every prompt of every call: when it began, and its S3 key or the text spoken."""
        return [each for call in self.calls for each in call.heard]

    @property
    def saw(self) -> str | None:
        return self.last.saw if self.last else None

    @property
    def log(self) -> list[tuple[datetime, str, str]]:
        """(when, what, with what) of all calls, ordered by time."""
        entries: list[tuple[datetime, str, str]] = []
        for call in self.calls:
            steps = (("called", call.called_at), ("rang", call.rang_at), ("picked_up", call.answered_at))
            entries += [(at, what, call.saw) for what, at in steps if at]
            entries += [(at, "heard", what) for at, what in call.heard]
            entries += [(at, "joined", peer) for peer, at, _ in call.joined]
            entries += [(at, "pressed", digit) for at, digit in call.pressed]
            entries += [(at, "received", digit) for at, digit in call.received]
            if call.vanished_at:
                entries.append((call.vanished_at, "vanished", ""))
            if call.ended_at:
                entries.append((call.ended_at, "ended", call.ended_by or ""))
        return sorted(entries, key=lambda entry: entry[0])


class Phones(dict[str, Phone]):
    """Number → phone. A number that was not set gets its phone from the number plan when it is first used."""

    def __missing__(self, number: str) -> Phone:
        phone = Phone(planned(number), number)
        self[number] = phone
        return phone

    def __setitem__(self, number: str, phone: Phone) -> None:
        phone.number = number
        super().__setitem__(number, phone)
