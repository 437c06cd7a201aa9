"""What the use cases need from outside, as roles. Adapters play them; tests play them with fakes that record.

Every method may raise `OutsideUnavailable`; what else it raises is said with it.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence, Set
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Protocol

from duologue.call_control.facts import Fact
from duologue.call_control.history import Delivery, History
from duologue.call_control.prompts import PromptAudio
from duologue.domain.acceptance_limits import NO_LIMITS, AcceptanceLimits
from duologue.domain.accounts import App, Sp
from duologue.domain.attempts import Attempt, Failures
from duologue.domain.call import Call
from duologue.domain.dialling_policy import PlannedNumber
from duologue.domain.idempotency import IdempotencyKey
from duologue.domain.phone_number import PhoneNumber
from duologue.domain.recording import Link
from duologue.domain.tokens import Register
from duologue.domain.webhook_request import Reply, WebhookRequest


class Clock(Protocol):
    def now(self) -> datetime:
        """Aware, UTC."""


@dataclass(frozen=True, slots=True)
class SavedCall:
    """A call as read. `version`: the condition of the next write; `task_token`: of the state that waits."""

    call: Call
    version: int
    task_token: str | None = None


@dataclass(frozen=True, slots=True)
class ProcessedEvent:
    """One network event and what was answered to it, kept so that a repeat gets the same answer (R12)."""

    network_call: str
    sequence: int
    answer: dict[str, Any]
    resumes: str | None = None
    """The task token that this event completes, once it is committed (R2)."""


@dataclass(frozen=True, slots=True)
class Change:
    """One transaction on one call.

    `finalizes`: it writes the CDR, frees the slot and takes the call off the list of open ones.
    `resumes`: the task token to complete once this is committed; the call forgets it.
    """

    before: SavedCall
    after: Call
    facts: tuple[Fact, ...] = ()
    processed: ProcessedEvent | None = None
    resumes: str | None = None
    finalizes: bool = False


class Calls(Protocol):
    """The calls, with their facts, in one store: a change is one transaction, or nothing."""

    def accept(
        self, call: Call, fact: Fact, *, slots: int, close_by: datetime, limits: AcceptanceLimits = NO_LIMITS
    ) -> None:
        """Record a new call, its first fact, its slot and what else its terms count, or nothing.

        Raises, of several the first: RaceLost (the key is taken, or another write holds what this one needs),
        TooManyCalls, LimitReached (`slots` calls of the app are in use), CalleeLimitReached, CallAlreadyAccepted.
        """

    def check_repeat(self, app_key: str, key: IdempotencyKey, now: datetime) -> None:
        """Raises, if a call was accepted under this key within its time: RequestRepeated; KeyReused: by another one."""

    def withdraw(self, change: "Change", limits: AcceptanceLimits) -> None:
        """Save a change that closes a call which its SP is told was refused: it counts for nothing. Raises as save."""

    def load(self, call_id: str) -> SavedCall:
        """Raises UnknownCall."""

    def load_for(self, call_id: str, network_call: str, sequence: int) -> tuple[SavedCall, ProcessedEvent | None]:
        """The call, and what was answered to this network event if it was heard before. Raises UnknownCall."""

    def save(self, change: Change) -> None:
        """Write a change.

        Raises RaceLost: the call changed since it was read; EventAlreadyProcessed: another process handled the same
        event first; CdrAlreadyWritten: the call is finalized.
        """

    def fact(self, call_id: str, sequence: int) -> Fact:
        """One fact of a call. Raises UnknownCall."""

    def history(self, call_id: str) -> History:
        """All that is recorded of a call. Raises UnknownCall."""

    def overdue(self, now: datetime, limit: int) -> Sequence[str]:
        """Ids of open calls whose `close_by` has passed, oldest first."""

    def open_calls(self) -> Set[str]:
        """Ids of all calls whose account is open. A call of the last seconds may be missing."""

    def held_slots(self) -> Mapping[str, Set[str]]:
        """The slots in use, by app key: each is named by the call that holds it."""

    def free_slot(self, app_key: str, call_id: str) -> bool:
        """Free a slot if its call is over or gone; False: it is open, and keeps it."""

    def in_use(self, app_key: str) -> int:
        """How many of the app's concurrent calls are in use now."""

    def is_acknowledged(self, call_id: str, sequence: int) -> bool:
        """Whether the SP has taken this fact."""

    def record_delivery(self, call_id: str, sequence: int, delivery: Delivery) -> None:
        """Keep what became of one attempt to tell a fact."""


class NumberPlan(Protocol):
    """The numbering plans of the world."""

    def describe(self, number: PhoneNumber) -> PlannedNumber:
        """What they say of a number. Of one that no plan knows too; it raises nothing."""


class Flows(Protocol):
    """The state machine."""

    def start(self, call_id: str, request: dict[str, Any]) -> None:
        """Start the flow of a call under its id. A repeat is success."""

    def resume(self, token: str) -> None:
        """Complete a wait. A wait that is over, timed out or unknown is success: it was woken before."""

    def interrupt(self, token: str) -> None:
        """Break off a wait, so that the flow ends the call. A wait that is over is success."""


class Network(Protocol):
    """The carrier's control of a call in progress."""

    def end(self, network_call: str) -> bool:
        """Ask for the call to end. False: the network no longer knows the call, so no leg is up."""


@dataclass(frozen=True, slots=True)
class Notice:
    """One fact that must be told to an SP. `attempt` counts from 1; `due` is the earliest time for it."""

    call_id: str
    sequence: int
    attempt: int = 1
    due: datetime | None = None


class Publisher(Protocol):
    """Who makes a recording into the form that SPs fetch."""

    def publish(self, key: str, published_key: str, keep_days: int) -> None:
        """Make the file at `published_key` from the network's at `key`; what is there already is written again.

        `keep_days`: one of KEEP_DAYS, after which both are deleted; 0: the platform's own rule is enough.
        """

    def remove(self, key: str) -> None:
        """Delete a sound; one that is not there is fine."""


class Recordings(Protocol):
    """The storage of the recordings' sounds."""

    def holds(self, key: str) -> bool: ...

    def url(self, key: str, good_for: timedelta) -> str:
        """Where anybody may fetch a sound for this long, or for less if the platform's own credentials end before."""

    def remove(self, key: str) -> None:
        """Delete a sound; one that is not there is fine."""


class Links(Protocol):
    """The links to recordings, each under the hash of its token."""

    def keep(self, token_hash: str, link: Link) -> None: ...

    def find(self, token_hash: str) -> Link:
        """Raises UnknownLink."""


class LinkTokens(Protocol):
    """The tokens of the links in CDRs. Each follows from its call: it is kept nowhere, and is always the same."""

    def token_of(self, app: str, call_id: str) -> str: ...
    def proves(self, token: str, app: str, call_id: str) -> bool: ...


class Notices(Protocol):
    """The queues between what happened and who is told."""

    def queue(self, notices: Iterable[Notice]) -> None:
        """Put first attempts in line, in order within a call."""

    def queue_again(self, notice: Notice, now: datetime) -> None:
        """Put a retry aside until it is due; it no longer holds up the call's other facts (R11)."""

    def keep_undelivered(self, notice: Notice, why: str) -> None:
        """Keep what the SP never took where the operator finds it."""


class Apps(Protocol):
    def app(self, key: str) -> App:
        """Raises UnknownApp."""


class Sps(Protocol):
    def sp(self, sp_id: str) -> Sp:
        """Raises UnknownSp."""


class Accounts(Apps, Sps, Protocol):
    """Who may use the platform."""


class AppBook(Apps, Protocol):
    """Apps whose settings may be changed."""

    def change_app(self, key: str, change: Callable[[App], App]) -> App:
        """Write what `change` makes of an app, and give it back. It may be called again if another change came first.

        What `change` raises is raised, and nothing is written. Raises UnknownApp.
        """


class AccountBook(AppBook, Accounts, Protocol):
    """The same, as the operator keeps it."""

    def add_sp(self, sp: Sp) -> None:
        """Raises AccountExists: the id or the user name is taken."""

    def add_app(self, app: App) -> None:
        """Raises AccountExists: the key is taken. UnknownSp: there is no such SP."""

    def set_sp_active(self, sp_id: str, *, active: bool) -> None:
        """Suspend an SP's account, or let it in again. Raises UnknownSp."""

    def set_password(self, sp_id: str, password_hash: str) -> None:
        """Raises UnknownSp."""


class Prompts(Protocol):
    """Where the telephone network finds prompts."""

    def put(self, prompt: PromptAudio, wav: bytes) -> None:
        """Keep a prompt, in the place of what was there."""

    def remove(self, prompt: PromptAudio) -> None:
        """Take it away. One that is not there is success."""


class Tokens(Protocol):
    """One register of tokens for each app."""

    def register(self, app_key: str) -> Register:
        """As it is now; an empty one if there is none. A write that was done before is always seen."""

    def save(self, app_key: str, register: Register) -> None:
        """Write a register that was read at `register.version`. Raises RaceLost: it changed since."""


class AuthAttempts(Protocol):
    """What is remembered of requests that prove themselves: nonces, and wrong attempts."""

    def use_nonce(self, app_key: str, nonce: str, until: datetime, now: datetime) -> None:
        """Take a nonce of an app, and remember it until then. Raises NonceUsed: it is remembered."""

    def failures(self, attempt: Attempt) -> Failures:
        """As they are now; none if there were none. A write that was done before is always seen."""

    def save_failures(self, attempt: Attempt, failures: Failures) -> None:
        """Write what was read at `failures.version`. Raises RaceLost: it changed since."""


class WebhookFormat(Protocol):
    """How an SP is written to, and how its reply is read: the wire's side of a notification."""

    def request(self, call: Call, fact: Fact, app: App, at: datetime) -> WebhookRequest | None:
        """None: this fact is not told, or the SP named no URL for it."""

    def is_acknowledged(self, fact: Fact, reply: Reply) -> bool: ...


class SpEndpoints(Protocol):
    def check(self, urls: Iterable[tuple[str, str]]) -> None:
        """Judge URLs, each after its field's name, before they are saved. Raises InvalidField, ForbiddenAddress."""

    def post(self, request: WebhookRequest) -> Reply:
        """Send a letter, once, following no redirect. Whatever goes wrong on the way is a reply without status."""
