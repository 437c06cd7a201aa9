"""Where every request to an AWS service passes on its way, and where its faults are.

AWS: a request may be refused because its service is busy, and its answer may be lost after it was carried out; SDKs
repeat both. A function may end at any moment.
https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Programming.Errors.html
https://docs.aws.amazon.com/sdkref/latest/guide/feature-retry-behavior.html

MiniStack: never.

Rule: faults by chance strike only requests of the product's functions, which are known by their trace.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any

from lab.aws.fault_plan import PLAN
from lab.aws.ministack import ministack
from lab.aws.overlay import traces, transactions
from lab.aws.overlay.throttling import Answer, CarryOut, refused
from lab.aws.overlay.traces import Invocation, Moment

Handler = Callable[[str, str, dict[str, str], bytes, dict[str, list[str]]], Awaitable[Answer]]
"""(method, path, headers, body, query) → (status, headers, body); header names of the request are lower case."""
Operation = Callable[[str, str, dict[str, str], Any], str]
"""(method, path, headers, query) → the operation's name."""

_SERVICES = ("dynamodb", "sqs", "states", "kms", "s3", "lambda")
_THROTTLED = {"dynamodb", "sqs", "states", "kms", "s3"}
"""Lambda is limited by the account's concurrency, the telephone network by its own quotas (pstn/switches.py)."""
_LOST: Answer = (500, {}, b"")
"""What an SDK makes of a connection that ended without an answer, and of an internal error: it may have happened."""


@dataclass
class Death:
    """A function to kill at its next requests for an operation (lab/aws/faults.py). `deaths` has one entry for each."""

    function: str
    at: str
    when: Moment
    times: int
    deaths: list[str] = field(default_factory=list)

    def strikes(self, request: Request) -> bool:
        return (
            request.invocation is not None
            and request.invocation.function == self.function
            and request.what == self.at
            and len(self.deaths) < self.times
        )


DEATHS: list[Death] = []


@dataclass(frozen=True)
class Request:
    """One request to a service.

    Attributes:
        what: service and operation, for example `dynamodb:PutItem`.
        sender: the function; empty for everything that is not of the product.
    """

    what: str
    invocation: Invocation | None
    sender: str

    @property
    def is_of_the_product(self) -> bool:
        """Faults by chance strike no other."""
        return bool(self.sender)

    @property
    def site(self) -> str:
        """What and by whom, for the plan of faults."""
        return f"{self.what} by {self.sender}"


def _by_target(_: str, __: str, headers: dict[str, str], ___: Any) -> str:
    return headers.get("x-amz-target", "").rpartition(".")[2]


def _by_method(method: str, _: str, __: dict[str, str], ___: Any) -> str:
    return method


def watched(service: str, stock: Handler, operation: Operation) -> Handler:
    """The handler of a service with the faults of requests to it. `service`: as in the names of IAM actions."""

    async def handle(method: str, path: str, headers: dict[str, str], body: bytes, query: Any) -> Answer:
        invocation = traces.of(headers)
        request = Request(
            f"{service}:{operation(method, path, headers, query)}",
            invocation,
            invocation.function if invocation else "",
        )
        sender = traces.SENDER.set(invocation.header if invocation else "")
        try:
            return await _carried_out(request, lambda sent: stock(method, path, headers, sent, query), body)
        finally:
            traces.SENDER.reset(sender)

    return handle


async def _carried_out(request: Request, carry_out: CarryOut, body: bytes) -> Answer:
    death = _death(request)
    if death == "before":
        return _unanswered(request)
    fault = PLAN.struck_by(request.site, _faults(request)) if request.is_of_the_product else None
    if fault == "throttled_requests":
        answer = await refused(request.what, body, PLAN.chance("how_throttled", request.site), carry_out)
    else:
        answer = await _answered(request, carry_out, body)
    if death == "after":
        return _unanswered(request)
    return _LOST if fault == "lost_answers" else answer


def _faults(request: Request) -> dict[str, None]:
    service = request.what.partition(":")[0]
    return dict.fromkeys(["throttled_requests", "lost_answers"] if service in _THROTTLED else ["lost_answers"])


async def _answered(request: Request, carry_out: CarryOut, body: bytes) -> Answer:
    service, _, operation = request.what.partition(":")
    if service == "dynamodb":
        return await transactions.carried_out(operation, body, carry_out)
    return await carry_out(body)


def _death(request: Request) -> Moment | None:
    """When, relative to this request, its function is killed; None: it is not."""
    invocation = request.invocation
    if invocation is not None:
        invocation.requests += 1
        if invocation.requests == invocation.dies_at:
            return invocation.dies
    for death in DEATHS:
        if death.strikes(request):
            death.deaths.append(request.what)
            return death.when
    return None


def _unanswered(request: Request) -> Answer:
    """The function's process ends; nobody reads this."""
    assert request.invocation is not None
    request.invocation.kill()
    return 500, {}, b""


def apply() -> None:
    """Watch the services that the product uses; `own_services` watches its own."""
    handlers = ministack("app").SERVICE_HANDLERS
    for service in _SERVICES:
        operation = _by_method if service in ("s3", "lambda") else _by_target
        handlers[service] = watched(service, handlers[service], operation)
