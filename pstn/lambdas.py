"""Invokes the application's Lambda: in the caller's thread on a jumping clock, in a thread pool on the real one.

Faults can be injected into an invocation: it is slow, never reaches the function, or its reply is lost. The engine's
time-outs then act as the service's do.
"""

import json
from collections.abc import Callable, Iterator
from concurrent.futures import Executor
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from typing import Any, Protocol

from pstn.clocks import Clock
from pstn.driver import Driver
from pstn.messages import Invoke, LambdaFailed, LambdaReplied
from pstn.switches import Switches

InvokeLambda = Callable[[str, dict[str, Any]], Any]
"""(Lambda ARN, event) → payload; raises if the function or its invocation failed."""


@dataclass(frozen=True)
class InvocationFault:
    """What goes wrong with one invocation; by default nothing.

    `latency` None: the switch's value on a jumping clock, the Lambda's own duration on a real one.
    """

    latency: float | None = None
    reached: bool = True
    reply_lost: bool = False


ChooseFault = Callable[[dict[str, Any], int], InvocationFault]
"""(event, attempt) → the fault to inject, if any."""


class Say(Protocol):
    def __call__(self, kind: str, driver: Driver, **detail: Any) -> None: ...


class Lambdas:
    def __init__(
        self,
        clock: Clock,
        invoke: InvokeLambda,
        pool: Executor | None,
        fault: ChooseFault,
        switches: Callable[[], Switches],
        lock: AbstractContextManager[object],
        say: Say,
    ) -> None:
        self.clock = clock
        self.invoke = invoke
        self.pool = pool
        self.fault = fault
        self.switches = switches
        self.lock = lock
        self.say = say
        self._held: list[Invoke] | None = None

    @contextmanager
    def held_back(self) -> Iterator[list[Invoke]]:
        """Collect invocations instead of delivering them."""
        held: list[Invoke] = []
        self._held = held
        try:
            yield held
        finally:
            self._held = None

    def deliver(self, driver: Driver, invoke: Invoke) -> None:
        if self._held is not None:
            self._held.append(invoke)
        elif self.pool:
            self.pool.submit(self.run, driver, invoke)
        else:
            self.clock.call_later(0, lambda: self.run(driver, invoke))

    def run(self, driver: Driver, invoke: Invoke, *, at_once: bool = False) -> None:
        """Invoke, and feed the result to the call after the latency; `at_once`: before returning."""
        self.say("event" if invoke.attempt == 1 else "repeat", driver, event=invoke.event, attempt=invoke.attempt)
        fault = self.fault(invoke.event, invoke.attempt)
        if not fault.reached:
            return
        message: LambdaReplied | LambdaFailed
        try:
            payload = json.loads(json.dumps(self.invoke(driver.lambda_arn, json.loads(json.dumps(invoke.event)))))
        except Exception as error:  # noqa: BLE001 - to the service, a Lambda that raises anything has failed
            message = LambdaFailed(invoke.sequence, f"{type(error).__name__}: {error}")
            self.say("failure", driver, sequence=invoke.sequence, reason=message.reason)
        else:
            message = LambdaReplied(invoke.sequence, payload)
            self.say("answer", driver, sequence=invoke.sequence, payload=payload, attempt=invoke.attempt)
        if fault.reply_lost:
            return
        if at_once:
            with self.lock:
                driver.feed(message)
            return
        usual = 0.0 if self.pool else self.switches().lambda_latency
        driver.feed_soon(message, usual if fault.latency is None else fault.latency)
