"""Requests of the platform's functions to what is outside them, each of which a fault of the plan may strike.

A function is given its ports inside `Port`, which forwards every method: so a method that is added to a port is struck
like the others.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from botocore.exceptions import ClientError, ConnectTimeoutError, ReadTimeoutError

from duologue.adapters.carriers.node_requests import NodeRefused, NotAnswered, NotReached
from duologue.domain.errors import OutsideUnavailable
from tests.journeys.flow_player import FunctionDied
from tests.simulation import fibers
from tests.simulation.plan import Fault, How

_ENDS_IT = {How.CRASH_BEFORE, How.CRASH_AFTER, How.FAILED, How.NOT_REACHED}
_FAILS = {How.REFUSED, How.NO_WAY, How.LOST}


@dataclass
class Invocation:
    """One run of a function. `of`: the item that it is for; None: none alone. `point`: requests so far."""

    function: str
    of: int | None
    nth: int
    faults: tuple[Fault, ...]
    point: int = 0
    struck: list[Fault] = field(default_factory=list)
    chain: int = 0
    """How often in a row a message of the function itself has led to this."""

    @property
    def is_defeated(self) -> bool:
        """A fault ended it, or prevented it: it could not try again, or its last try failed too."""
        last = self.struck[-1] if self.struck else None
        return any(fault.how in _ENDS_IT for fault in self.struck) or (
            last is not None and last.how in _FAILS and last.point == self.point
        )

    def at(self, point: int) -> Fault | None:
        return next((fault for fault in self.faults if fault.point == point), None)


def unavailable(how: How) -> Exception:
    return OutsideUnavailable(how.value)


def of_the_sdk(how: How) -> Exception:
    """What boto3 raises."""
    if how is How.NO_WAY:
        return ConnectTimeoutError(endpoint_url="https://voice-chime.us-east-1.amazonaws.com")
    if how is How.LOST:
        return ReadTimeoutError(endpoint_url="https://voice-chime.us-east-1.amazonaws.com")
    said = {
        "Error": {"Code": "ThrottledClientException", "Message": "too fast"},
        "ResponseMetadata": {"HTTPStatusCode": 429},
    }
    return ClientError(said, "a request")  # type: ignore[arg-type]


def of_a_node(how: How) -> Exception:
    """What the requests to the operator's own nodes raise."""
    if how is How.NO_WAY:
        return NotReached("ConnectionRefusedError")
    return NotAnswered("TimeoutError") if how is How.LOST else NodeRefused("ThrottledClientException", 429)


class Requests:
    """Carries out the requests of the invocation that runs. `on_request`: hears of each, with its fault."""

    def __init__(self, sleep: Callable[[float], None]) -> None:
        self._sleep = sleep
        self.away: set[str] = set()
        """The services that nobody reaches now."""
        self.on_strike: Callable[[Invocation, Fault, str], None] = lambda invocation, fault, name: None
        self.on_request: Callable[[Invocation, str, tuple[Any, ...], Any], None] | None = None

    def __call__(
        self,
        service: str,
        name: str,
        error: Callable[[How], Exception],
        method: Any,
        args: tuple[Any, ...],
        more: dict[str, Any],
    ) -> Any:
        invocation = fibers.current()
        if invocation is None:
            return method(*args, **more)
        invocation.point += 1
        fault = invocation.at(invocation.point) if invocation.faults else None
        if service in self.away:
            fault = Fault(invocation.function, invocation.nth, invocation.point, How.NO_WAY)
        if fault is None:
            return self._carry_out(invocation, name, method, args, more)
        invocation.struck.append(fault)
        self.on_strike(invocation, fault, name)
        match fault.how:
            case How.CRASH_BEFORE:
                raise FunctionDied
            case How.REFUSED | How.NO_WAY:
                raise error(fault.how)
            case How.SLOW:
                self._sleep(fault.seconds)
        result = self._carry_out(invocation, name, method, args, more)
        match fault.how:
            case How.CRASH_AFTER:
                raise FunctionDied
            case How.LOST:
                raise error(fault.how)
            case How.SLOW_ANSWER:
                self._sleep(fault.seconds)
        return result

    def _carry_out(
        self, invocation: Invocation, name: str, method: Any, args: tuple[Any, ...], more: dict[str, Any]
    ) -> Any:
        if self.on_request is None:
            return method(*args, **more)
        try:
            result = method(*args, **more)
        except Exception as raised:  # it is raised again: only what came of the request is noted
            self.on_request(invocation, name, args, raised)
            raise
        self.on_request(invocation, name, args, result)
        return result


class Port:
    """Plays whatever its target plays. `error`: what a fault is for the functions behind it."""

    def __init__(
        self, target: Any, service: str, requests: Requests, error: Callable[[How], Exception] = unavailable
    ) -> None:
        self._target, self._service, self._requests, self._error = target, service, requests, error

    def __getattr__(self, name: str) -> Any:
        method = getattr(self._target, name)
        if not callable(method):
            return method
        requests, service, error = self._requests, self._service, self._error

        def request(*args: Any, **more: Any) -> Any:
            return requests(service, name, error, method, args, more)

        self.__dict__[name] = request
        return request
