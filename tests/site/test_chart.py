"""The time line shows the notifications, at the time that each one states."""

import pytest

from lab.website.backend import CallForm
from lab.website.call_log import parse_instant
from lab.website.chart import SPANS, Bar, chart, leg_bars, recording_bars
from lab.website.scenarios import TRAINING
from tests.site.platform import CALLER, START, TALK, fee, status


@pytest.fixture
def call(backend):
    return backend.place(TRAINING, CallForm(CALLER))


def hear(backend, clock, told):
    """Each a tenth of a second after it happened."""
    for each in told:
        second = int(each["statusInfo"]["timestamp"][-2:])
        clock.at = START.replace(second=second, microsecond=100_000)
        backend.notify(each)


def test_nothing_yet(backend, call):
    assert (leg_bars(call, "caller"), leg_bars(call, "callee")) == ([], [])
    assert "Nothing has happened yet." in chart(call, START)


def test_a_talk(backend, call, clock):
    hear(backend, clock, TALK)
    assert leg_bars(call, "caller") == [
        Bar("rings", "rings", 1.1, 3.1),
        Bar("waits", "waits", 3.1, 6.1),
        Bar("talks", "talks", 6.1, 26.1),
    ]
    assert leg_bars(call, "callee") == [Bar("rings", "is called", 3.1, 6.1), Bar("talks", "talks", 6.1, 26.1)]


def test_what_goes_on_is_open(backend, call, clock):
    hear(backend, clock, TALK[:3])
    assert leg_bars(call, "caller")[-1] == Bar("waits", "waits", 3.1, None)
    drawn = chart(call, clock.now())
    assert "--b:var(--now)" in drawn
    assert "data-live" in drawn


def test_it_stands_still_after_the_end(backend, call, clock):
    hear(backend, clock, TALK)
    drawn = chart(call, START.replace(minute=30))
    assert "data-live" not in drawn
    assert "var(--now)" not in drawn
    assert "--span:30" in drawn


def test_exact_times_once_they_are_known(backend, call, clock):
    hear(backend, clock, TALK)
    backend.notify(fee())
    facts = [{"eventType": "answer", "party": "caller", "at": "2026-11-23T09:00:03.750Z"}]
    recording = {"startedAt": "2026-11-23T09:00:16.500Z"}
    backend.call_log.refine(
        call, {"facts": facts, "recording": recording, "callee": {"endedAt": "2026-11-23T09:00:25.900Z"}}
    )
    assert leg_bars(call, "caller")[0].end == 3.75
    assert leg_bars(call, "callee")[-1].end == 25.9
    assert recording_bars(call) == [Bar("records", "runs", 16.5, 26.1)]


def test_a_late_notification_is_put_where_it_happened(backend, call, clock):
    clock.at = START.replace(second=50)
    backend.notify(TALK[0])
    assert leg_bars(call, "caller")[0].start == 1.0


def test_a_second_that_began_before_the_request_is_not_before_it(backend, call):
    backend.notify(status("callout", CALLER, -1))
    assert leg_bars(call, "caller")[0].start == 0.0


@pytest.mark.parametrize("seconds", [0, 19, 21, 3600, 200_000])
def test_there_is_a_span_for_every_length(call, seconds):
    assert all(span % 5 == 0 for span in SPANS)
    drawn = chart(call, parse_instant("2026-11-23T09:00:00Z").replace(day=23 + seconds // 86400))
    assert "--span:" in drawn


def test_names_are_escaped(backend, call):
    call.contact = type(call.contact)("x", "<b>Eve", "+12025550122")
    assert "<b>Eve" not in chart(call, START)
