"""The exchange: all calls, phones and timers, on one clock.

On a `JumpingClock` everything runs in the caller's thread, including the Lambda, and takes no real time. On a
`RealClock` with a pool, Lambdas run concurrently as in the service, and `lock` lets one thread at a time change the
calls.
"""

import threading
from collections.abc import Callable, Mapping
from concurrent.futures import Executor
from functools import partial
from io import BytesIO
from typing import Any, TypeVar
from uuid import uuid4

from pstn.account import Account
from pstn.background import run_in_background
from pstn.call import Call
from pstn.clocks import Clock, JumpingClock, Timer
from pstn.driver import Driver
from pstn.engine import CallEngine
from pstn.events import CallIdentity
from pstn.feed import NetworkEvent, Observer, tell
from pstn.lambdas import ChooseFault, InvocationFault, InvokeLambda, Lambdas
from pstn.legs import Leg, LegState
from pstn.lines import AudioLookup, BucketAccess, Line, MakeLine, every_bucket_is_open, two_seconds_of_anything
from pstn.lines.phone_state import Phones
from pstn.lines.virtual import VirtualLine
from pstn.messages import (
    CallCreated,
    DigitPressed,
    FellSilent,
    InboundCall,
    Invoke,
    LegAnswered,
    LegEnded,
    LegRinging,
    PlaybackFinished,
    ServiceEnds,
    UpdateRequested,
)
from pstn.quotas import QuotaKeeper
from pstn.recordings import MemoryRecordings, Recording, RecordingStore
from pstn.refusals import ServiceRefusal
from pstn.switches import Switches

T = TypeVar("T")
ERRORS_KEPT = 100
CALLS_KEPT = 100
"""Calls that are over, for the control API and for what a phone heard."""


class Exchange:
    def __init__(
        self,
        clock: Clock,
        invoke: InvokeLambda,
        switches: Switches | None = None,
        account: str = "111122223333",
        region: str = "us-east-1",
        *,
        audio: AudioLookup = two_seconds_of_anything,
        recordings: RecordingStore | None = None,
        access: BucketAccess = every_bucket_is_open,
        pool: Executor | None = None,
        new_id: Callable[[], str] = lambda: str(uuid4()),
        fault: ChooseFault = lambda event, attempt: InvocationFault(),
        make_line: MakeLine = VirtualLine,
        new_transaction: Callable[[], str] | None = None,
        no_room: Callable[[], str | None] = lambda: None,
    ) -> None:
        """`invoke(lambda_arn, event)` returns the payload or raises; `fault(event, attempt)` may delay or lose it.

        `new_transaction`: the id of a new call; None: `new_id`. `no_room`: why no new call can be taken now, in either
        direction; None: one can.
        """
        self.clock = clock
        self.switches = switches or Switches()
        self.audio = audio
        self.access = access
        self.recordings = recordings if recordings is not None else MemoryRecordings()
        self.new_id = new_id
        self.new_transaction = new_transaction or new_id
        self.no_room = no_room
        self.pool = pool
        self.lock, self._telling = threading.RLock(), threading.RLock()
        self.lambdas = Lambdas(clock, invoke, pool, fault, lambda: self.switches, self.lock, self.say)
        self.account = Account(account, region, clock.now, new_id, lambda: self.switches)
        self.phones = Phones()
        self.observers: list[Observer] = []
        self.broken: list[Exception] = []
        """Internal errors of this software, and exceptions of observers: none of them reaches a call."""
        self.calls: dict[str, Driver] = {}
        self._by_leg: dict[str, Driver] = {}
        self._uncertain = 0
        self.quotas = QuotaKeeper(clock.now, lambda: self.switches, self.calls.values)
        self.line: Line = make_line(clock, self, self.phones, lambda: self.switches.post_dial_delay)

    # -- the account, for callers in the same process
    def own(self, number: str) -> None:
        self.account.own(number)

    def create_sma(self, name: str, lambda_arn: str, key: str | None = None) -> str:
        endpoints = [{"LambdaArn": lambda_arn}]
        application = self.account.create_application(name, endpoints, self.account.region, [], key)
        return str(application["SipMediaApplicationId"])

    # -- the two operations on calls
    def create_call(
        self,
        application_id: str,
        *,
        from_number: str,
        to_number: str,
        arguments: dict[str, str] | None = None,
        sip_headers: dict[str, str] | None = None,
    ) -> str:
        """Returns the transaction id. Raises: ServiceRefusal."""
        with self.lock:
            try:
                self._may_create(application_id, from_number, to_number)
            except ServiceRefusal as refusal:
                self._refused("create", refusal, to=to_number, arguments=arguments)
                raise
            driver = self._new_call(application_id, from_number, to_number)
            self._observe("placed", driver.id, shown=from_number, to=to_number, arguments=arguments)
            placed = CallCreated(arguments, sip_headers)
            if not self.switches.event_before_create_returns:
                driver.feed(placed)
                return self._created(driver)
            with self.lambdas.held_back() as first:
                driver.feed(placed)
        for invoke in first:
            self.lambdas.run(driver, invoke, at_once=True)
        return self._created(driver)

    def update_call(self, application_id: str, transaction_id: str, arguments: dict[str, str]) -> None:
        """Raises: ServiceRefusal."""
        with self.lock:
            try:
                self._may_update(application_id, transaction_id)
            except ServiceRefusal as refusal:
                self._refused("update", refusal, transaction=transaction_id)
                raise
            self._observe("updated", transaction_id, arguments=arguments)
            self.calls[transaction_id].feed(UpdateRequested(arguments))

    def end_calls(self, reason: str) -> None:
        """End every call, as the service does with one whose Lambda cannot be used."""
        with self.lock:
            for driver in list(self.calls.values()):
                driver.feed(ServiceEnds(reason))

    def call_in(
        self,
        from_number: str,
        to_number: str,
        sip_headers: dict[str, str] | None = None,
        *,
        caller_id: str | None = None,
    ) -> str | None:
        """Let a phone call one of the account's numbers. Returns the transaction id; None: no SIP rule matches.

        `caller_id`: what the call carries as From, such as "anonymous"; None: the phone's number.
        """
        with self.lock:
            shown = from_number if caller_id is None else caller_id
            call_id = self.arrives(shown, to_number, sip_headers or {}, phone=from_number)
            if call_id is None:
                return None
            self.line.arrived(call_id, from_number, to_number, shown)
            return self._by_leg[call_id].id

    def _created(self, driver: Driver) -> str:
        """The answer to a create, which may fail although the call was placed. Raises: ServiceRefusal (500)."""
        if self._uncertain < self.switches.uncertain_creates:
            self._uncertain += 1
            raise ServiceRefusal("ServiceFailure", "Internal failure")
        return driver.id

    def _may_create(self, application_id: str, from_number: str, to_number: str) -> None:
        if reason := self.no_room():
            raise ServiceRefusal("Throttled", reason)
        self.quotas.take_create()
        refused = self.switches.create_refused(from_number, to_number)
        if refused is not None:
            raise ServiceRefusal(refused, f"A call from {from_number} to {to_number} is refused")
        if application_id not in self.account.applications:
            raise ServiceRefusal(self.switches.unknown_application, "The SIP media application does not exist")
        if not self.account.owns(from_number):
            raise ServiceRefusal(
                "BadRequest", "FromPhoneNumber is not a SipMediaApplicationDialIn number of the account"
            )
        self.quotas.check_active_calls()

    def _may_update(self, application_id: str, transaction_id: str) -> None:
        self.quotas.take_update()
        driver = self.calls.get(transaction_id)
        known = driver is not None and driver.call.identity.application_id == application_id
        if driver is None or not known or not driver.call.updatable:
            raise ServiceRefusal("NotFound", "The call does not exist or has ended")

    def _new_call(
        self, application_id: str, caller_id: str, to: str, rule_id: str | None = None, loops: int = 0
    ) -> Driver:
        transaction_id = self.new_transaction()
        identity = CallIdentity(transaction_id, self.account.id, self.account.region, application_id, rule_id)
        call = Call(identity, self.switches, self.new_id, self.account.owns, caller_id, to)
        driver = Driver(self, CallEngine(call), self.account.lambda_arn(application_id), loops)
        self.calls[transaction_id] = driver
        self._forget_the_oldest()
        return driver

    def _forget_the_oldest(self) -> None:
        """Of the calls that are settled. To an update of one that is forgotten the answer is the same: NotFound."""
        over = [driver for driver in self.calls.values() if driver.settled]
        for driver in over[: max(0, len(over) - CALLS_KEPT)]:
            del self.calls[driver.id]
            for leg in driver.call.legs:
                self._by_leg.pop(leg.call_id, None)
                self.line.forget(leg.call_id)

    # -- queries
    def active_calls(self) -> int:
        """As the quota counts them."""
        return self.quotas.active_calls()

    def legs_up(self) -> list[tuple[str, str]]:
        """(transaction, tag) of every leg that is answered and has not ended: what the account pays for."""
        return [(driver.id, leg.tag.value) for driver, leg in self._legs() if leg.up]

    def legs_ringing(self) -> list[tuple[str, str]]:
        return [(driver.id, leg.tag.value) for driver, leg in self._legs() if leg.state is LegState.RINGING]

    def recordings_unstored(self) -> int:
        """Recordings that have ended and are not stored yet."""
        return sum(driver.unstored for driver in list(self.calls.values()))

    def recordings_running(self) -> list[Recording]:
        return [recording for driver in list(self.calls.values()) for recording in list(driver.recordings.values())]

    def unsettled(self) -> int:
        """Calls that are not over, or of which an answer or a recording is still to come."""
        return sum(not driver.settled for driver in list(self.calls.values()))

    def _legs(self) -> list[tuple[Driver, Leg]]:
        live = (driver for driver in list(self.calls.values()) if not driver.call.over)
        return [(driver, leg) for driver in live for leg in driver.call.legs]

    # -- time
    def call_later(self, seconds: float, run: Callable[[], None]) -> Timer:
        return self.clock.call_later(seconds, run)

    def run(self) -> None:
        """Advance the clock until nothing is scheduled."""
        self._jumping().run()

    def run_for(self, seconds: float) -> None:
        self._jumping().run_for(seconds)

    def run_until(self, condition: Callable[[], bool]) -> None:
        """Raises: AssertionError: nothing is scheduled any more, and the condition was never true."""
        if not self._jumping().run(condition):
            raise AssertionError("nothing is scheduled any more, and the condition was never true")

    def _jumping(self) -> JumpingClock:
        if not isinstance(self.clock, JumpingClock):
            raise TypeError("only a jumping clock can be advanced by the caller")
        return self.clock

    # -- what a line reports (lines.LineListener)
    def arrives(
        self,
        caller_id: str,
        to_number: str,
        sip_headers: Mapping[str, str],
        *,
        phone: str | None = None,
        via: str | None = None,
    ) -> str | None:
        with self.lock:
            route = None if self.no_room() else self.account.route(to_number)
            if route is None:
                return None
            rule_id, application_id = route
            dialled_by = self._by_leg.get(via or "")
            loops = dialled_by.loops + 1 if dialled_by else 0
            driver = self._new_call(application_id, caller_id, to_number, rule_id, loops)
            self._observe("called_in", driver.id, number=phone or caller_id, shown=caller_id, to=to_number)
            driver.feed(InboundCall(sip_headers))
            leg = driver.call.legs[0]
            self.connect(leg.call_id, driver)
            return leg.call_id

    def takes_calls(self, number: str) -> bool | None:
        return self.account.route(number) is not None if self.account.owns(number) else None

    def in_turn(self, run: Callable[[], T]) -> T:
        with self.lock:
            return run()

    def rang(self, call_id: str) -> None:
        self._from_line(call_id, LegRinging(call_id))

    def answered(self, call_id: str) -> None:
        self._from_line(call_id, LegAnswered(call_id))

    def pressed(self, call_id: str, digit: str) -> None:
        self._from_line(call_id, DigitPressed(call_id, digit))

    def ended(self, call_id: str, sip_code: int) -> None:
        driver = self._by_leg.get(call_id)
        left_bridge = driver and any(leg.call_id == call_id and leg.up for leg in driver.call.legs)
        if driver and left_bridge and driver.call.switches.hangup_order == "reversed":
            for other in driver.call.legs:
                if other.up and other.call_id != call_id:
                    self.later(0.2, partial(self.line.leave, other.call_id))
        self._from_line(call_id, LegEnded(call_id, sip_code))

    def playback_finished(self, call_id: str, play_id: str) -> None:
        with self.lock:
            driver = self._by_leg.get(call_id)
            if driver:
                driver.playback_over(play_id)
                driver.feed(PlaybackFinished(play_id))

    def fell_silent(self, call_id: str, recording_id: str) -> None:
        with self.lock:
            driver = self._by_leg.get(call_id)
            if driver:
                driver.feed(FellSilent(recording_id))

    def note(self, kind: str, number: str, **detail: object) -> None:
        driver = self._by_leg.get(str(detail.get("call_id")))
        self._observe(kind, driver.id if driver else None, number=number, **detail)

    def _from_line(self, call_id: str, message: LegRinging | LegAnswered | LegEnded | DigitPressed) -> None:
        with self.lock:
            driver = self._by_leg.get(call_id)
            if driver:
                driver.from_line(call_id, message)

    # -- what a call needs (driver.Network)
    def later(self, seconds: float, run: Callable[[], None]) -> Timer:
        """A timer whose callback runs under the lock. One cancelled while it waits for the lock does not run."""

        def in_turn() -> None:
            with self.lock:
                if not timer.cancelled:
                    run()

        with self.lock:
            timer = self.clock.call_later(seconds, in_turn)
        return timer

    def ask(self, question: Callable[[], T], then: Callable[[T | None], None]) -> None:
        run_in_background(question, then, self.pool, self.later, lambda text: self._observe("log", None, text=text))

    def connect(self, call_id: str, driver: Driver) -> None:
        self._by_leg[call_id] = driver

    def bridge_refused(self) -> str | None:
        return self.quotas.bridge_refused()

    def store(self, recording: Recording) -> None:
        with self.line.recorded(recording.id) or BytesIO(recording.wav()) as content:
            self.recordings.put(recording.bucket, recording.key, content, recording.metadata())
        self._observe("recorded", recording.transaction_id, place=f"{recording.bucket}/{recording.key}")

    def say(self, kind: str, driver: Driver, **detail: Any) -> None:
        self._observe(kind, driver.id, **detail)

    def deliver(self, driver: Driver, invoke: Invoke) -> None:
        self.lambdas.deliver(driver, invoke)

    def _refused(self, operation: str, refusal: ServiceRefusal, **detail: Any) -> None:
        about = {"operation": operation, "code": refusal.code, "error": refusal.exception}
        self._observe("refused", detail.pop("transaction", None), **about, **detail)

    def _observe(self, kind: str, transaction: str | None, number: str | None = None, **detail: Any) -> None:
        with self._telling:
            self._tell(NetworkEvent(self.clock.now(), kind, transaction, number, detail))

    def note_broken(self, error: Exception, transaction: str | None = None) -> None:
        """Keep an internal error, unless there are many already, and report it as `broken`."""
        self._keep(error)
        self._observe("broken", transaction, error=f"{type(error).__name__}: {error}")

    def _keep(self, error: Exception) -> None:
        if len(self.broken) < ERRORS_KEPT:
            self.broken.append(error)

    def _tell(self, event: NetworkEvent) -> None:
        def failed(error: Exception) -> None:
            if event.kind == "broken":
                self._keep(error)
            else:
                self.note_broken(error, event.transaction)

        tell(self.observers, event, failed)
