"""The local PSTN Audio service as one object: the exchange on the real clock, and its HTTP API.

A web server mounts `handle` for requests signed for `chime` and for `/_lab/…`.
"""

import asyncio
import json
from collections.abc import Callable, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any, TypeVar
from urllib.parse import parse_qs

from pstn import wire
from pstn.api import OPERATIONS
from pstn.clocks import Clock, RealClock
from pstn.control import PREFIX, Control
from pstn.exchange import Exchange
from pstn.feed import EventLog, Observer
from pstn.lambdas import InvokeLambda
from pstn.lines import AudioLookup, BucketAccess, MakeLine, every_bucket_is_open, two_seconds_of_anything
from pstn.lines.virtual import VirtualLine
from pstn.recordings import RecordingStore
from pstn.refusals import ServiceRefusal
from pstn.switches import Switches

SIGNING_NAME = "chime"
EVENTS_KEPT = 5_000
"""Of the feed: those of more than a hundred callbacks."""
RETIRED = (
    'Account Id {} is not authorized to call deprecated Amazon Chime SDK API on the "chime" endpoint, '
    'use one of the "*-chime*" endpoints instead.'
)
"""AWS's message (chime-sdk-js #2870)."""
T = TypeVar("T")


class PstnService:
    """Threads of its own run the clock and the Lambda invocations until `close`."""

    def __init__(
        self,
        invoke: InvokeLambda,
        switches: Switches | None = None,
        account: str = "111122223333",
        region: str = "us-east-1",
        *,
        clock: Clock | None = None,
        audio: AudioLookup = two_seconds_of_anything,
        recordings: RecordingStore | None = None,
        access: BucketAccess = every_bucket_is_open,
        most_lambdas: int = 32,
        make_line: MakeLine = VirtualLine,
        new_transaction: Callable[[], str] | None = None,
        no_room: Callable[[], str | None] = lambda: None,
    ) -> None:
        """`clock` None: the real one. With a jumping clock there is no pool, and nothing happens by itself."""
        self.network_events = EventLog(EVENTS_KEPT)
        self._own_clock = RealClock(self._broken) if clock is None else None
        self._pool = _Pool(most_lambdas, self._broken) if clock is None else None
        running = self._own_clock if clock is None else clock
        assert running is not None
        try:
            self.exchange = Exchange(
                running,
                invoke,
                switches,
                account,
                region,
                audio=audio,
                recordings=recordings,
                access=access,
                pool=self._pool,
                make_line=make_line,
                new_transaction=new_transaction,
                no_room=no_room,
            )
        except BaseException:
            self._end_threads()
            raise
        self.exchange.observers.append(self.network_events.append)
        self._control = Control(self.exchange, self.network_events)

    def subscribe(self, observer: Observer) -> None:
        """Call `observer` with every network event from now on, in order, on the thread where it happens.

        It must be quick, and must not wait for the exchange's lock. What it raises is kept in `broken`.
        """
        self.exchange.observers.append(observer)

    async def handle(
        self, method: str, path: str, headers: Mapping[str, str], body: bytes, query: str | Mapping[str, object] = ""
    ) -> tuple[int, dict[str, str], bytes]:
        """One HTTP request. `query`: the raw string, or a parsed one with a value or a list of values per name."""
        if not path.startswith(PREFIX) and _of_retired_namespace(headers):
            return wire.error(ServiceRefusal("Forbidden", RETIRED.format(self.exchange.account.id)))
        return await asyncio.to_thread(self.answer, method, path, body, _query(query))

    def answer(self, method: str, path: str, body: bytes, query: dict[str, list[str]]) -> wire.Answer:
        try:
            if path.startswith(PREFIX):
                content = json.dumps(self._control.handle(method, path, query, body)).encode()
                return 200, {"Content-Type": "application/json"}, content
            name, parameters = wire.read_request(method, path, query, body)
            operation = OPERATIONS.get(name)
            if operation is None:
                message = f"{name} is not implemented by this local service"
                return 501, {"Content-Type": "application/json"}, json.dumps({"Message": message}).encode()
            if name.endswith("ApplicationCall"):
                return wire.success(name, operation(self.exchange, parameters))
            with self.exchange.lock:
                return wire.success(name, operation(self.exchange, parameters))
        except ServiceRefusal as refusal:
            return wire.error(refusal)

    def close(self) -> None:
        """Close the line, stop the clock, then wait for the Lambdas that still run."""
        self.exchange.line.close()
        self._end_threads()

    def _end_threads(self) -> None:
        if self._own_clock:
            self._own_clock.stop()
        if self._pool:
            self._pool.shutdown(wait=True, cancel_futures=True)

    @property
    def broken(self) -> list[Exception]:
        """Internal errors, and exceptions of observers, since the start."""
        return self.exchange.broken

    def _broken(self, error: Exception) -> None:
        """A callback of the clock, or work of the pool, failed."""
        self.exchange.note_broken(error)


def _of_retired_namespace(headers: Mapping[str, str]) -> bool:
    """Whether an SDK's client of `chime` (2018-05-01) sent it, which AWS refuses; only some SDKs say which client."""
    agents = (value for name, value in headers.items() if name.lower() in ("user-agent", "x-amz-user-agent"))
    return any("api/chime#" in agent.lower() for agent in agents)


class _Pool(ThreadPoolExecutor):
    """Reports the exceptions of its work, whose results nobody reads."""

    def __init__(self, most: int, failed: Callable[[Exception], None]) -> None:
        super().__init__(most, "pstn-lambda")
        self._failed = failed

    def submit(self, fn: Callable[..., T], /, *args: Any, **kwargs: Any) -> Future[T]:
        future = super().submit(fn, *args, **kwargs)
        future.add_done_callback(self._done)
        return future

    def _done(self, future: Future[Any]) -> None:
        error = None if future.cancelled() else future.exception()
        if isinstance(error, Exception):
            self._failed(error)


def _query(query: str | Mapping[str, object]) -> dict[str, list[str]]:
    if isinstance(query, str):
        return parse_qs(query, keep_blank_values=True)
    return {
        key: [str(each) for each in value] if isinstance(value, list) else [str(value)] for key, value in query.items()
    }
