"""Calls are listed without ever holding up what is notified."""

from datetime import timedelta

import pytest

from duologue.domain.errors import OutsideUnavailable
from duologue.usecases.accounting.list_calls import ListCalls
from tests.fakes.clock import FakeClock
from tests.fakes.failure_isolation import FakeFailureIsolation
from tests.samples import NOW


class Listing:
    """Lists what it is given; `broken` raise, and each request takes `takes`."""

    def __init__(self, clock, broken=None, takes=0.0):
        self.clock, self.broken, self.takes = clock, broken or {}, takes
        self.added, self.ended = [], []

    def add(self, calls):
        self._take(calls, self.added)

    def end(self, calls):
        self._take(calls, self.ended)

    def _take(self, calls, into):
        self.clock.advance(self.takes)
        for call_id in calls:
            if call_id in self.broken:
                raise self.broken[call_id]
        into += calls

    def repair(self, calls):
        raise AssertionError("not from the stream")

    remove = repair


@pytest.mark.parametrize("error", [OutsideUnavailable("lists table"), KeyError("app")])
def test_a_call_that_cannot_be_listed_keeps_no_other_out(error):
    clock, isolate = FakeClock(NOW), FakeFailureIsolation()
    listing = Listing(clock, {"call-3": error})
    calls = [f"call-{number}" for number in range(25)]
    ListCalls(listing, clock, isolate)(calls, calls)
    others = [call for call in calls if call != "call-3"]
    assert (sorted(listing.added), sorted(listing.ended)) == (sorted(others), sorted(others))
    assert bool(isolate.told) == isinstance(error, KeyError), "what is out of reach is no surprise"


def test_nothing_more_is_begun_after_some_seconds():
    clock = FakeClock(NOW)
    listing = Listing(clock, takes=3.0)
    ListCalls(listing, clock, FakeFailureIsolation())([f"call-{number}" for number in range(100)], ["call-1"])
    assert (len(listing.added), listing.ended) == (30, [])
    assert clock.now() <= NOW + timedelta(seconds=12)
