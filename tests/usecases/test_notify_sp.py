"""Telling an SP one fact, until it has taken it."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from duologue.call_control.facts import (
    CallEnded,
    CdrWritten,
    Fact,
    InboundCallRecorded,
    LegAnsweredRecorded,
    LegDialledRecorded,
    LegRingingRecorded,
)
from duologue.domain.accounts import App
from duologue.domain.call import NotifyTo
from duologue.domain.cdr import cdr_of
from duologue.domain.delivery import DELAYS
from duologue.domain.errors import OutsideUnavailable
from duologue.domain.outcome import EndReason, Party
from duologue.domain.recording import Recording
from duologue.domain.webhook_request import Reply
from duologue.usecases.notify_sp import NotifyResult, NotifySp
from duologue.usecases.ports.calls import SavedCall
from duologue.usecases.ports.notifying import Notice
from duologue.wire.huawei.notifications import HuaweiWebhooks
from tests.fakes.calls import FakeCalls
from tests.fakes.clock import FakeClock
from tests.fakes.notices import FakeNotices
from tests.fakes.recordings import RECORDS, FakeLinkTokens
from tests.fakes.sp_endpoints import FakeSpEndpoints
from tests.samples import at, callback

CALL = "1_2_3_20261123090000"
DIALLED, ENDED, CLOSED = 2, 3, 4
SOURCE = "EVENT#n#000001"
FACTS = (LegDialledRecorded(at(1), Party.CALLER), CallEnded(at(30), EndReason.STOPPED), CdrWritten(at(30)))


def notice(sequence: int, call_id: str = CALL, **more: Any) -> Notice:
    return Notice(call_id, sequence, SOURCE, "app-1", **more)


class Teller:
    """One call, finished or about to be, and the SP that wants to know of it."""

    def __init__(
        self, *replies: Reply, notify: NotifyTo | None = None, over: bool = True, facts: tuple[Fact, ...] = FACTS
    ) -> None:
        call = replace(callback(CALL), ending=EndReason.STOPPED, ended_at=at(30) if over else None)
        call = replace(call, facts=1 + len(facts))
        self.calls = FakeCalls()
        self.calls.rows[CALL] = SavedCall(call if notify is None else replace(call, notify=notify), 1)
        self.calls.facts[CALL] = {SOURCE: dict(enumerate(facts, DIALLED))}
        if over:
            self.calls.cdrs[CALL] = cdr_of(call)
        self.calls.apps["app-1"] = App("app-1", "sp-1", "secret-1")
        self.endpoints = FakeSpEndpoints(*replies)
        self.notices = FakeNotices()
        self.clock = FakeClock()
        self.records = RECORDS

    def notify(self, notice: Notice) -> NotifyResult:
        notify_sp = NotifySp(
            log=self.calls,
            webhooks=HuaweiWebhooks("ce1.example.com", lambda: "n1", self.records),
            endpoints=self.endpoints,
            notices=self.notices,
            clock=self.clock,
            chance=lambda: 0.5,
        )
        return notify_sp(notice)

    def end(self) -> None:
        row = self.calls.rows[CALL]
        self.calls.rows[CALL] = replace(row, call=replace(row.call, ended_at=at(30)))
        self.calls.cdrs[CALL] = cdr_of(self.calls.rows[CALL].call)

    @property
    def told(self) -> list[str]:
        return [event["eventType"] for event in self.endpoints.told]


def test_each_fact_reaches_its_url_and_is_recorded():
    teller = Teller()
    assert [teller.notify(notice(sequence)) for sequence in (DIALLED, ENDED, CLOSED)] == [NotifyResult.ACKNOWLEDGED] * 3
    assert teller.told == ["callout", "disconnect", "fee"]
    assert [request.url.rsplit("/", 1)[1] for request in teller.endpoints.requests] == ["status", "status", "fee"]
    assert [(sequence, kept.acknowledged, kept.status) for _, sequence, kept in teller.calls.deliveries] == [
        (DIALLED, True, 200),
        (ENDED, True, 200),
        (CLOSED, True, 200),
    ]


def test_the_same_notice_twice_is_told_once():
    teller = Teller()
    assert [teller.notify(notice(DIALLED)) for _ in range(2)] == [
        NotifyResult.ACKNOWLEDGED,
        NotifyResult.ALREADY_ACKNOWLEDGED,
    ]
    assert teller.told == ["callout"]


def test_what_is_not_for_the_sp_is_not_told():
    deaf = Teller(notify=NotifyTo())
    assert [deaf.notify(notice(sequence)) for sequence in (DIALLED, ENDED, CLOSED)] == [NotifyResult.NOT_FOR_SP] * 3
    assert not deaf.endpoints.requests and not deaf.calls.deliveries


def test_what_was_not_acknowledged_is_retried_when_it_is_due():
    teller = Teller(Reply(503), over=False)
    assert teller.notify(notice(DIALLED)) is NotifyResult.RETRY_LATER
    (again,) = teller.notices.aside
    assert again == notice(DIALLED, attempt=2, due=at(11))  # 10 s and a tenth

    teller.clock.advance(10)
    assert teller.notify(again) is NotifyResult.NOT_DUE
    assert teller.notices.aside == [again, again]
    assert teller.told == ["callout"]

    teller.clock.advance(1)
    assert teller.notify(again) is NotifyResult.ACKNOWLEDGED
    assert teller.told == ["callout", "callout"]
    assert [(kept.attempt, kept.acknowledged, kept.status) for *_, kept in teller.calls.deliveries] == [
        (1, False, 503),
        (2, True, 200),
    ]


@pytest.mark.parametrize(
    ("sequence", "reply", "note"),
    [
        (DIALLED, Reply(None, note="too slow"), "too slow"),
        (DIALLED, Reply(302), "not taken"),
        (CLOSED, Reply(200, b'{"resultcode":"1020001"}'), "not taken"),
    ],
)
def test_what_counts_as_not_acknowledged_is_kept_with_why(sequence, reply, note):
    teller = Teller(reply, over=sequence != DIALLED)
    assert teller.notify(notice(sequence)) is NotifyResult.RETRY_LATER
    assert [kept.note for *_, kept in teller.calls.deliveries] == [note]


def recorded(*replies: Reply) -> Teller:
    teller = Teller(*replies)
    cdr = teller.calls.cdrs[CALL]
    teller.calls.cdrs[CALL] = replace(cdr, recording=Recording("calls/app-1/x/1.wav", at(15)))
    return teller


def test_every_attempt_tells_the_same_link():
    teller = recorded(Reply(500), Reply(200))
    teller.notify(notice(CLOSED))
    (again,) = teller.notices.aside
    teller.clock.advance(11)
    assert teller.notify(again) is NotifyResult.ACKNOWLEDGED
    first, second = (told["feeLst"][0]["recordFileDownloadUrl"] for told in teller.endpoints.told)
    assert first == second
    assert first.endswith(f"/{CALL}.wav")


def test_an_account_whose_link_cannot_be_made_now_is_told_later_and_not_without_it():
    teller = recorded()
    tokens = FakeLinkTokens()
    tokens.out_of_reach = True
    teller.records = replace(RECORDS, token_of=tokens.token_of)
    with pytest.raises(OutsideUnavailable):
        teller.notify(notice(CLOSED))
    assert teller.told == []
    assert teller.notify(notice(ENDED)) is NotifyResult.ACKNOWLEDGED
    tokens.out_of_reach = False
    assert teller.notify(notice(CLOSED)) is NotifyResult.ACKNOWLEDGED


@pytest.mark.parametrize("over_at_first", [True, False])
def test_a_step_of_a_leg_does_not_come_again_once_its_call_is_over(over_at_first):
    """The end and the account tell it all, and receivers of the original, which never repeats, would act on it anew."""
    teller = Teller(Reply(500), over=over_at_first)
    told = teller.notify(notice(DIALLED))
    if over_at_first:
        assert (told, teller.notices.aside) == (NotifyResult.OVERTAKEN, [])
    else:
        assert told is NotifyResult.RETRY_LATER
        (again,) = teller.notices.aside
        teller.end()
        teller.clock.advance(60)
        assert teller.notify(again) is NotifyResult.OVERTAKEN
    assert teller.told == ["callout"]
    assert not teller.notices.undelivered
    kept = teller.calls.deliveries[-1][2]
    assert (kept.acknowledged, kept.status, kept.overtaken) == (False, 500, True)


STEPS: tuple[Fact, ...] = (
    InboundCallRecorded(at(1)),
    *(kind(at(1), party) for party in Party for kind in (LegDialledRecorded, LegRingingRecorded, LegAnsweredRecorded)),
)


@pytest.mark.parametrize("again", ["a retry", "the first message once more"])
@pytest.mark.parametrize("first", range(2, 9))
@pytest.mark.parametrize("taken", range(2, 9))
def test_a_step_of_a_leg_does_not_come_again_once_a_later_step_was_acknowledged(first, taken, again):
    """Whatever the order in which notices come: 2 is `callin`, 3 to 5 are the caller's, 6 to 8 the callee's."""
    teller = Teller(Reply(500), over=False, facts=STEPS)
    assert teller.notify(notice(first)) is NotifyResult.RETRY_LATER
    if taken != first:
        assert teller.notify(notice(taken)) is NotifyResult.ACKNOWLEDGED
    told = list(teller.told)
    teller.clock.advance(60)
    second = teller.notices.aside[0] if again == "a retry" else notice(first)
    if taken <= first:
        assert teller.notify(second) is NotifyResult.ACKNOWLEDGED
        return
    assert teller.notify(second) is NotifyResult.OVERTAKEN
    assert (teller.told, teller.notices.undelivered) == (told, [])
    kept = teller.calls.history(CALL).deliveries[first]
    assert (kept.attempt, kept.acknowledged, kept.status, kept.overtaken) == (1, False, 500, True)


def test_the_first_attempt_of_a_step_is_made_though_a_later_one_was_acknowledged():
    teller = Teller(over=False, facts=STEPS)
    assert [teller.notify(notice(number)) for number in (3, 2)] == [NotifyResult.ACKNOWLEDGED] * 2


@pytest.mark.parametrize("sequence", [DIALLED, ENDED, CLOSED])
def test_410_ends_the_attempts_and_the_operator_keeps_what_was_not_delivered(sequence):
    teller = Teller(Reply(410), over=sequence != DIALLED)
    assert teller.notify(notice(sequence)) is NotifyResult.UNDELIVERED
    assert teller.notices.undelivered == [(notice(sequence), "410 Gone: not retried")]
    assert not teller.notices.aside
    assert [(kept.status, kept.note) for *_, kept in teller.calls.deliveries] == [(410, "410 Gone: not retried")]


def test_410_of_an_overtaken_step_leaves_nothing_to_deliver():
    teller = Teller(Reply(410))
    assert teller.notify(notice(DIALLED)) is NotifyResult.OVERTAKEN
    assert not teller.notices.undelivered


@pytest.mark.parametrize(
    ("status", "retry_after", "seconds"),
    [(503, "40", 40), (429, "40", 40), (503, "5", 11), (503, "", 11), (503, "soon", 11), (503, "86400", 3600)],
)
def test_a_retry_waits_for_as_long_as_the_sp_asks_but_for_an_hour_at_most(status, retry_after, seconds):
    teller = Teller(Reply(status, retry_after=retry_after))
    assert teller.notify(notice(CLOSED)) is NotifyResult.RETRY_LATER
    assert [again.due for again in teller.notices.aside] == [at(seconds)]


def test_the_end_and_the_cdr_are_retried_though_the_call_is_over():
    for sequence in (ENDED, CLOSED):
        teller = Teller(Reply(500))
        assert teller.notify(notice(sequence)) is NotifyResult.RETRY_LATER
        (again,) = teller.notices.aside
        teller.clock.advance(60)
        assert teller.notify(again) is NotifyResult.ACKNOWLEDGED


def test_after_the_last_attempt_it_is_kept_as_undelivered_and_never_dropped():
    refusals = [Reply(500) for _ in range(len(DELAYS) + 1)]
    teller = Teller(*refusals)
    again, spent = notice(CLOSED), timedelta()
    for attempt in range(1, len(DELAYS) + 1):
        assert teller.notify(again) is NotifyResult.RETRY_LATER
        again = teller.notices.aside[-1]
        assert again.attempt == attempt + 1
        assert again.due is not None
        spent += again.due - teller.clock.now()
        teller.clock.at = again.due
    assert spent > timedelta(days=1)
    assert teller.notify(again) is NotifyResult.UNDELIVERED
    assert teller.notices.undelivered == [(again, "not taken")]
    assert len(teller.told) == len(DELAYS) + 1


def test_a_call_or_app_that_is_gone_is_kept_as_undelivered():
    teller = Teller()
    assert teller.notify(notice(DIALLED, "9_9_9_20261123090000")) is NotifyResult.UNDELIVERED
    teller.calls.apps.clear()
    assert teller.notify(notice(CLOSED)) is NotifyResult.UNDELIVERED
    assert [why for _, why in teller.notices.undelivered] == ["UnknownCall", "UnknownApp"]


@pytest.mark.parametrize("broken", ["calls", "notices"])
def test_when_something_of_ours_is_out_of_reach_the_notice_comes_again(broken):
    teller = Teller(Reply(500))
    getattr(teller, broken).out_of_reach = True
    with pytest.raises(OutsideUnavailable):
        teller.notify(notice(ENDED))
    assert not teller.notices.undelivered


def test_a_notice_that_was_put_aside_and_came_again_meanwhile_is_not_told_twice():
    """The retry was queued, but the queue delivered the first message once more: the fact goes out again, no more."""
    teller = Teller(Reply(500), over=False)
    teller.notify(notice(DIALLED))
    assert teller.notify(notice(DIALLED)) is NotifyResult.ACKNOWLEDGED
    teller.clock.advance(3600)
    assert teller.notify(teller.notices.aside[0]) is NotifyResult.ALREADY_ACKNOWLEDGED
    assert teller.told == ["callout", "callout"]
