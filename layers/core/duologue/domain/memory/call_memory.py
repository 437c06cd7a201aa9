"""Call memory: who is rung when somebody dials a display number that was shown to them.

A memory belongs to a pair: the display number, and the number that it was shown to. It is created when that number is
dialled as the called party of any call, and the newest one counts (docs/decisions/0014). The pair's numbers are
stored only as keyed hashes and in an encrypted value; an opened memory has them in the clear.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import TYPE_CHECKING

from duologue.domain.calls.call import Call, NotifyTo
from duologue.domain.calls.memory_draft import MemoryDraft, MemoryKey
from duologue.domain.media.audio import Audio
from duologue.domain.numbers.phone_number import PhoneNumber

if TYPE_CHECKING:
    from duologue.domain.access.accounts import App, Ceilings, UnknownCallers

SHORTEST_PERIOD, LONGEST_PERIOD = timedelta(hours=1), timedelta(days=90)
"""Limits of an app's setting; a request or a change can only shorten the app's period."""


class SetBy(StrEnum):
    """What decided who is rung."""

    CALL = "call"
    SP = "sp"


class WhyNot(StrEnum):
    """Why a call to a display number rings nobody who is remembered. In the order in which they are checked."""

    LOOP = "loop"
    """The number that dials is a display number itself; found before the memory is looked at."""
    NOT_REMEMBERED = "not_remembered"
    OTHER_SP = "other_sp"
    """The display number belongs to another SP than the memory."""
    EXPIRED = "expired"
    APP_INACTIVE = "app_inactive"
    MEMORY_OFF = "memory_off"
    """The app no longer uses call memory."""
    COUNTRY = "country"
    """The app may no longer dial the country of the number to be rung."""


def order_of(at: datetime, by: str) -> str:
    """The place of a change among those of its pair: the later has the greater text.

    `at`: the callee's dial, or the commit of the SP's change. `by`: an id; it decides between changes at one moment.
    """
    return f"{at.astimezone(UTC).isoformat(timespec='microseconds').removesuffix('+00:00')}Z#{by}"


def order_after(before: str, at: datetime, by: str) -> str:
    """The order of a change of the memory with the order `before`: later than it, even if its clock was ahead."""
    return max(order_of(at, by), f"{before}#")


@dataclass(frozen=True, slots=True)
class CallMemory:
    """A stored memory. None of its attributes reveals a number.

    `session`: the id of the call that created it. `order`: see order_of().
    `version`: counts the changes of the pair, by calls and by the SP, from 1; a deletion counts too.
    `target`: as of MemoryDraft; it finds the memories in which a number would be rung.
    `remembered_at`: the callee's dial, or the SP's change. `expires_at`: no memory from then on; whole seconds.
    """

    key: MemoryKey
    sp: str
    app: str
    session: str
    order: str
    version: int
    set_by: SetBy
    remembered_at: datetime
    expires_at: datetime
    target: str
    sealed: bytes = field(repr=False)

    def draft(self) -> MemoryDraft:
        return MemoryDraft(self.key, self.target, self.sealed, self.expires_at - self.remembered_at)


def memory_of_call(call: Call) -> CallMemory | None:
    """The memory that the dial of a call's callee creates, as the pair's first. None: no dial, or none is wanted."""
    draft, at = call.memory, call.callee.dialled_at
    if draft is None or at is None:
        return None
    return CallMemory(
        key=draft.key,
        sp=call.sp,
        app=call.app,
        session=call.id,
        order=order_of(at, call.id),
        version=1,
        set_by=SetBy.CALL,
        remembered_at=at,
        expires_at=(at + draft.period).replace(microsecond=0),
        target=draft.target,
        sealed=draft.sealed,
    )


@dataclass(frozen=True, slots=True)
class RememberedParty:
    """One side of the pair. `region`: ISO 3166-1 alpha-2 of its number; None: of no single country."""

    number: PhoneNumber
    region: str | None


@dataclass(frozen=True, slots=True)
class MemoryTerms:
    """What the return call takes over from the remembered call.

    `notify`: the URLs that its request named; None: the app's at the time of the return call.
    `audio`: only the recording notice and the last-minute prompt, whose listeners are those of the return call: the
    caller is who dials.
    `call_back_tone`: the app's prompt that its request named for a return call that cannot be connected.
    """

    ring_limit: timedelta
    longest_talk: timedelta
    announces_end: bool = False
    wants_recording: bool = False
    audio: Audio = Audio()
    notify: NotifyTo = NotifyTo()
    user_data: str | None = None
    wants_party_type: bool = False
    call_back_tone: str | None = None

    def mirrored(self) -> MemoryTerms:
        """The terms of a return call by the other party."""
        return replace(self, audio=self.audio.mirrored())


@dataclass(frozen=True, slots=True)
class OpenedMemory:
    """The decrypted value of a memory: `dialler` dials `display`, and `target` is rung."""

    display: PhoneNumber
    dialler: RememberedParty
    target: RememberedParty
    terms: MemoryTerms


@dataclass(frozen=True, slots=True)
class InboundApp:
    """An app's settings for calls to its display numbers, without its secrets.

    `active`: neither the app nor its SP is suspended. `numbers`: its display numbers, in E.164.
    `slots`: how many return calls may be open at a time.
    """

    key: str
    sp: str
    active: bool
    numbers: tuple[str, ...]
    countries: Collection[str]
    denied_prefixes: Collection[str]
    slots: int
    ceilings: Ceilings
    status_url: str | None
    fee_url: str | None
    recording: bool
    recording_notices: tuple[str, ...]
    keep_recordings_days: int
    call_memory: bool
    call_memory_period: timedelta
    unknown_callers: UnknownCallers
    call_back_tone: str | None
    callback_number: str | None
    rejects_failed_return_calls: bool

    @classmethod
    def of(cls, app: App, *, sp_is_active: bool) -> InboundApp:
        return cls(
            key=app.key,
            sp=app.sp,
            active=app.active and sp_is_active,
            numbers=app.display_numbers,
            countries=app.countries,
            denied_prefixes=app.denied_prefixes,
            slots=min(app.concurrent_return_calls or app.concurrent_calls, app.concurrent_calls),
            ceilings=app.ceilings,
            status_url=app.status_url,
            fee_url=app.fee_url,
            recording=app.recording,
            recording_notices=app.recording_notices,
            keep_recordings_days=app.keep_recordings_days,
            call_memory=app.call_memory,
            call_memory_period=timedelta(hours=app.call_memory_hours),
            unknown_callers=app.unknown_callers,
            call_back_tone=app.call_back_tone,
            callback_number=app.callback_number,
            rejects_failed_return_calls=app.rejects_failed_return_calls,
        )


def why_not(
    memory: CallMemory | None, target_region: str | None, owner: str, app: InboundApp | None, now: datetime
) -> WhyNot | None:
    """Why the remembered party is not rung; None: it is. The SP's look-up and the return call both ask this.

    `owner`: the SP that the display number belongs to. `app`: the memory's; None: removed.
    `target_region`: of the number to be rung.
    """
    if memory is None:
        return WhyNot.NOT_REMEMBERED
    if memory.sp != owner:
        return WhyNot.OTHER_SP
    if memory.expires_at <= now:
        return WhyNot.EXPIRED
    if app is None or not app.active:
        return WhyNot.APP_INACTIVE
    if not app.call_memory:
        return WhyNot.MEMORY_OFF
    return None if target_region in app.countries else WhyNot.COUNTRY
