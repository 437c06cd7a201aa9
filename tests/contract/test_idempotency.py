"""Repeats of one request dial once: through the use case, in memory, in moto and in the local cloud."""

import itertools
import threading
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import pytest

from duologue.adapters.basics.jittered_pause import pause
from duologue.domain.access.accounts import App
from duologue.domain.calls.callback_request import CallbackRequest
from duologue.domain.calls.idempotency import IdempotencyKey
from duologue.domain.errors import CalleeLimitReached, DuologueError, LimitReached, TooManyCalls
from duologue.domain.numbers.phone_number import PhoneNumber
from tests.fakes.calls import FakeCalls
from tests.fakes.clock import FakeClock
from tests.fakes.flows import FakeFlows
from tests.fakes.placing import placing
from tests.journeys.tables import make_tables
from tests.samples import CALLER, SHOWN_TO_CALLEE, SHOWN_TO_CALLER
from tests.store import Store

AT_ONCE = 60
ONE_AFTER_THE_OTHER = 15
"""Requests, where they are sent at once and where not."""
APP = App("app-1", "sp-1", "secret", calls_per_second=0)
KEY = IdempotencyKey.of("order-17", b"request")


def request(number=0):
    callee = PhoneNumber(f"+120255501{number % 50 + 50:02}")
    return CallbackRequest(CALLER, callee, SHOWN_TO_CALLER, SHOWN_TO_CALLEE, SHOWN_TO_CALLER)


class Desk:
    """An SP's requests."""

    def __init__(self, calls, *, at_once=True):
        self.calls, self.flows, self.clock = calls, FakeFlows(), FakeClock()
        self.requests = AT_ONCE if at_once else ONE_AFTER_THE_OTHER
        self._at_once = AT_ONCE if at_once else 1
        self._numbers, self._lock = itertools.count(1), threading.Lock()

    def place(self, app, wanted, key=None):
        """The call's id, or the class of what was raised."""
        try:
            place = placing(self.calls, self.flows, self.clock, self._new_id, pause=pause)
            return place(lambda: wanted, app, key, is_test=False).id
        except DuologueError as refusal:
            return type(refusal)

    def ask(self, many):
        """The verdicts on what `many` returns for 0, 1, … all begun together."""
        together = threading.Barrier(self._at_once)

        def one(number):
            if number < self._at_once:
                together.wait(30)
            return many(number)

        with ThreadPoolExecutor(self._at_once) as pool:
            return Counter(pool.map(one, range(self.requests)))

    def _new_id(self, now):
        with self._lock:
            return f"1_2_{next(self._numbers)}_{now:%Y%m%d%H%M%S}"


@pytest.fixture
def dynamo_desk(aws, request):
    """moto's tables break when two threads write, so there one request after the other."""
    client, calls, accounts = make_tables(aws("dynamodb"))
    return Desk(Store(client, calls, accounts), at_once="lab" in request.node.callspec.id)


class Promises:
    def test_repeats_dial_once(self, desk):
        verdicts = desk.ask(lambda number: desk.place(APP, request(), KEY))
        assert list(verdicts.values()) == [desk.requests], verdicts
        [call_id] = verdicts
        assert list(desk.flows.started) == [call_id]
        assert desk.calls.in_use("app-1") == 1

    def test_at_the_limit_of_one_call_repeats_are_repeats(self, desk):
        """A repeat is never refused for what the first one took."""
        tight = replace(APP, concurrent_calls=1, calls_per_second=1, calls_per_callee_per_day=1)
        verdicts = desk.ask(lambda number: desk.place(tight, request(), KEY))
        assert list(verdicts.values()) == [desk.requests], verdicts
        assert len(desk.flows.started) == 1

    @pytest.mark.parametrize(
        ("limit", "refusal"),
        [
            ({"concurrent_calls": 10}, LimitReached),
            ({"concurrent_calls": 999, "calls_per_second": 10}, TooManyCalls),
            ({"concurrent_calls": 999, "calls_per_callee_per_day": 10}, CalleeLimitReached),
        ],
        ids=["at a time", "per second", "per callee"],
    )
    def test_of_distinct_requests_exactly_the_limit_is_accepted(self, desk, limit, refusal):
        app = replace(APP, **limit)
        per_callee = refusal is CalleeLimitReached
        verdicts = desk.ask(
            lambda number: desk.place(app, request(0 if per_callee else number), IdempotencyKey.of(str(number), b""))
        )
        assert verdicts.pop(refusal) == desk.requests - 10
        assert len(verdicts) == len(desk.flows.started) == 10, verdicts


class TestInMemory(Promises):
    @pytest.fixture
    def desk(self):
        return Desk(FakeCalls())


class TestInDynamoDB(Promises):
    @pytest.fixture
    def desk(self, dynamo_desk):
        return dynamo_desk
