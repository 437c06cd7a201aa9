"""Running the application's Lambda: in the caller's thread on a jumping clock, in a pool on the real one.

An invocation can be given a fate: slow, never reached, or its reply lost; the engine's time-outs then do what the
service's do.
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
class Fate:
    """What becomes of one invocation.

    `latency` None: the switch's on a jumping clock, the Lambda's own on a real one.
    """

    latency: float | None = None
    reached: bool = True
    reply_lost: bool = False


ChooseFate = Callable[[dict[str, Any], int], Fate]
"""(event, attempt) → what becomes of it."""


class Say(Protocol):
    def __call__(self, kind: str, driver: Driver, **detail: Any) -> None: ...


class Lambdas:
    def __init__(
        self,
        clock: Clock,
        invoke: InvokeLambda,
        pool: Executor | None,
        fate: ChooseFate,
        switches: Callable[[], Switches],
        lock: AbstractContextManager[object],
        say: Say,
    ) -> None:
        self.clock = clock
        self.invoke = invoke
        self.pool = pool
        self.fate = fate
        self.switches = switches
        self.lock = lock
        self.say = say
        self._held: list[Invoke] | None = None

    @contextmanager
    def held_back(self) -> Iterator[list[Invoke]]:
        """Collect what is to be delivered meanwhile, instead of delivering it."""
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
        """Invoke, and feed the result back after the latency; `at_once`: before returning."""
        self.say("event" if invoke.attempt == 1 else "repeat", driver, event=invoke.event, attempt=invoke.attempt)
        fate = self.fate(invoke.event, invoke.attempt)
        if not fate.reached:
            return
        message: LambdaReplied | LambdaFailed
        try:
            payload = json.loads(json.dumps(self.invoke(driver.lambda_arn, json.loads(json.dumps(invoke.event)))))
        except Exception as error:  # noqa: BLE001 - whatever a Lambda dies of is one thing to the service: it failed
            message = LambdaFailed(invoke.sequence, f"{type(error).__name__}: {error}")
            self.say("failure", driver, sequence=invoke.sequence, reason=message.reason)
        else:
            message = LambdaReplied(invoke.sequence, payload)
            self.say("answer", driver, sequence=invoke.sequence, payload=payload, attempt=invoke.attempt)
        if fate.reply_lost:
            return
        if at_once:
            with self.lock:
                driver.feed(message)
            return
        usual = 0.0 if self.pool else self.switches().lambda_latency
        driver.feed_soon(message, usual if fate.latency is None else fate.latency)
