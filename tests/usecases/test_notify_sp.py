"""Notifying an SP of one fact, until it has acknowledged it."""

import logging
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import permutations
from typing import Any

import pytest
from standardwebhooks import Webhook

from duologue.call_control.facts import (
    CallEnded,
    CdrWritten,
    Fact,
    InboundCallRecorded,
    LegAnsweredRecorded,
    LegDialledRecorded,
    LegRingingRecorded,
)
from duologue.call_control.history import Delivery, DeliveryState
from duologue.domain.access.accounts import App
from duologue.domain.accounting.cdr import cdr_of
from duologue.domain.calls.call import NotifyTo
from duologue.domain.calls.outcome import EndReason, Party
from duologue.domain.errors import OutsideUnavailable, RaceLost
from duologue.domain.media.recording import Recording
from duologue.domain.notifying.delivery import DELAYS
from duologue.domain.notifying.endpoint_health import Circuit, EndpointHealth
from duologue.domain.notifying.webhook_request import Reply, WebhookRequest
from duologue.usecases.notifying.notify_sp import NotifyResult, NotifySp
from duologue.usecases.notifying.queue_due import QueueDue
from duologue.usecases.notifying.replay_notifications import ReplayNotifications
from duologue.usecases.ports.call_changes import SavedCall
from duologue.usecases.ports.notifying import NO_WAIT, Notice, Notification
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
ACKNOWLEDGED, RETRY_LATER = NotifyResult.ACKNOWLEDGED, NotifyResult.RETRY_LATER
_RECURSION = 16
"""Lambda ends a chain of invocations through SQS after about this many."""


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
        self.messages: list[tuple[datetime, int, Notice]] = []
        """On their way: when they come, and the length of their chain."""
        self.records = RECORDS
        self.delays = DELAYS

    def notify(self, notice: Notice) -> NotifyResult:
        notify_sp = NotifySp(
            log=self.calls,
            webhooks=HuaweiWebhooks("ce1.example.com", lambda: "n1", self.records),
            endpoints=self.endpoints,
            notices=self.notices,
            clock=self.clock,
            chance=lambda: 0.5,
            delays=self.delays,
        )
        return notify_sp(notice)

    def end(self) -> None:
        row = self.calls.rows[CALL]
        self.calls.rows[CALL] = replace(row, call=replace(row.call, ended_at=at(30)))
        self.calls.cdrs[CALL] = cdr_of(self.calls.rows[CALL].call)

    @property
    def told(self) -> list[str]:
        return [event["eventType"] for event in self.endpoints.told]

    def delivery(self, sequence: int) -> Delivery:
        return self.calls.deliveries[CALL, sequence]

    def attempts(self, sequence: int) -> list[tuple[int | None, str]]:
        """Status and note of each."""
        return [(attempt.status, attempt.note) for attempt in self.delivery(sequence).attempts]

    def run(self, span: timedelta) -> None:
        """Let time pass: messages come when their delay is over, the sweeper comes every minute.

        A chain of messages that is too long is ended, as Lambda does.
        """
        end, sweep, messages = self.clock.now() + span, QueueDue(self.calls, self.notices, self.clock), self.messages

        def queue(chain: int) -> None:
            self.notices.aside.extend((each, NO_WAIT) for each in self.notices.first)
            messages.extend((self.clock.now() + wait, chain, each) for each, wait in self.notices.aside)
            self.notices.aside.clear()
            self.notices.first.clear()
            messages.sort(key=lambda message: message[0])

        queue(1)
        while True:
            looks = [
                look_at + timedelta(seconds=60 - look_at.second % 60) for _, look_at in self.calls.waiting.values()
            ]
            moments = [*(at for at, *_ in messages[:1]), *looks]
            if not moments or min(moments) > end:
                break
            self.clock.at = max(self.clock.at, min(moments))
            if messages and messages[0][0] <= self.clock.at:
                _, chain, received = messages.pop(0)
                if chain < _RECURSION:
                    self.notify(received)
                    queue(chain + 1)
            else:
                sweep()
                queue(1)
        self.clock.at = end


def test_each_fact_reaches_its_url_and_is_recorded():
    teller = Teller()
    assert [teller.notify(notice(sequence)) for sequence in (DIALLED, ENDED, CLOSED)] == [ACKNOWLEDGED] * 3
    assert teller.told == ["callout", "disconnect", "fee"]
    assert [request.url.rsplit("/", 1)[1] for request in teller.endpoints.requests] == ["status", "status", "fee"]
    for sequence in (DIALLED, ENDED, CLOSED):
        assert teller.delivery(sequence).is_acknowledged
        assert teller.attempts(sequence) == [(200, "")]


def test_the_same_notice_twice_is_told_once():
    teller = Teller()
    assert [teller.notify(notice(DIALLED)) for _ in range(2)] == [ACKNOWLEDGED, NotifyResult.VOID]
    assert teller.told == ["callout"]


def test_what_is_not_for_the_sp_is_not_told():
    deaf = Teller(notify=NotifyTo())
    assert [deaf.notify(notice(sequence)) for sequence in (DIALLED, ENDED, CLOSED)] == [NotifyResult.NOT_FOR_SP] * 3
    assert not deaf.endpoints.requests and not deaf.calls.deliveries


def test_the_first_two_retries_come_by_a_message_and_the_sweeper_replaces_one_that_does_not_come():
    teller = Teller(Reply(503), Reply(503), Reply(503), over=False)
    assert teller.notify(notice(DIALLED)) is RETRY_LATER
    assert teller.notices.aside == [(notice(DIALLED, version=1), timedelta(seconds=5.5))]
    assert teller.notify(notice(DIALLED)) is NotifyResult.VOID, "the first message once more"
    teller.notices.aside.clear()
    teller.run(timedelta(seconds=124))
    assert teller.told == ["callout"]
    teller.run(timedelta(minutes=2))
    assert teller.told == ["callout"] * 2
    assert teller.messages == [(at(180.5) + timedelta(minutes=5.5), 2, notice(DIALLED, version=2))]
    teller.run(timedelta(minutes=6))
    assert (teller.told, teller.messages) == (["callout"] * 3, []), "the third retry is the sweeper's"
    teller.run(timedelta(minutes=33))
    assert teller.told == ["callout"] * 4


def test_no_more_than_two_retries_come_by_a_message_however_short_the_schedule_is():
    """AWS ends a chain of messages that a function sends to itself."""
    teller = Teller(*[Reply(503)] * 9, over=False)
    teller.delays = (timedelta(seconds=10),) * 9
    for version in range(4):
        assert teller.notify(notice(DIALLED, version=version)) is RETRY_LATER
        teller.clock.advance(12)
    assert [each.version for each, _ in teller.notices.aside] == [1, 2]


def test_each_attempt_is_signed_with_the_secrets_of_its_time():
    """The app's secret is rotated before the second attempt, and the old one retired before the third."""
    teller, accepts = Teller(*[Reply(503)] * 9, over=False), []
    for version, (secret, older) in enumerate((("old", None), ("new", "old"), ("new", None))):
        app = replace(teller.calls.apps["app-1"], secret=secret, older_secret=older)
        teller.calls.apps["app-1"] = app
        teller.notify(notice(DIALLED, version=version))
        sent = teller.endpoints.requests[-1]
        stamp = datetime.fromtimestamp(int(sent.headers["webhook-timestamp"]), UTC)
        signatures = sent.headers["webhook-signature"].split()
        signed = {
            each: Webhook(each.encode()).sign(sent.headers["webhook-id"], stamp, sent.body.decode())
            for each in ("old", "new")
        }
        accepts.append({name for name, signature in signed.items() if signature in signatures})
        teller.clock.advance(400)
    assert accepts == [{"old"}, {"old", "new"}, {"new"}]
    assert len({request.headers["webhook-id"] for request in teller.endpoints.requests}) == 1


@pytest.mark.parametrize(
    ("sequence", "reply", "note"),
    [
        (DIALLED, Reply(None, note="too slow"), "too slow"),
        (DIALLED, Reply(302), "not taken"),
        (CLOSED, Reply(200, b'{"resultcode":"1020001"}'), "not taken"),
    ],
)
def test_what_counts_as_not_acknowledged_is_kept_with_why(sequence, reply, note):
    teller = Teller(*[Reply(200)] * (sequence - DIALLED), reply, over=sequence != DIALLED)
    assert teller.notify(notice(sequence)) is RETRY_LATER
    assert teller.attempts(sequence) == [(reply.status, note)]


def test_why_there_was_no_response_is_logged_for_the_operator_and_not_kept_for_the_sp(caplog):
    caplog.set_level(logging.INFO)
    teller = Teller(Reply(None, note="no HTTP response", cause="ConnectionRefusedError: [Errno 111]"), over=False)
    teller.notify(notice(DIALLED))
    assert teller.attempts(DIALLED) == [(None, "no HTTP response")]
    [record] = [vars(each) for each in caplog.records if each.message == "no response"]
    known = {"host": "http://127.0.0.1:9999", "why": "ConnectionRefusedError: [Errno 111]"}
    assert record.items() >= (known | {"call_id": CALL, "sequence": DIALLED}).items()


def test_each_attempt_is_kept_with_its_time_and_the_beginning_of_the_reply():
    teller = Teller(over=False)
    posted = teller.endpoints.post

    def slow(request: WebhookRequest) -> Reply:
        teller.clock.advance(0.25)
        return posted(request)

    teller.endpoints.post = slow  # type: ignore[method-assign]
    teller.endpoints.replies = [Reply(500, b"\xff" + b"x" * 300), Reply(200, b"fine")]
    teller.notify(notice(DIALLED))
    teller.run(timedelta(seconds=10))
    first, second = teller.delivery(DIALLED).attempts
    assert (first.at, first.took, first.status) == (at(0), timedelta(milliseconds=250), 500)
    assert first.reply == "\ufffd" + "x" * 255
    assert (second.at, second.reply, second.note) == (at(5.75), "fine", "")


def recorded(*replies: Reply) -> Teller:
    teller = Teller(*replies)
    cdr = teller.calls.cdrs[CALL]
    teller.calls.cdrs[CALL] = replace(cdr, recording=Recording("calls/app-1/x/1.wav", at(15)))
    return teller


def test_every_attempt_tells_the_same_link():
    teller = recorded(Reply(200), Reply(200), Reply(500), Reply(200))
    teller.notify(notice(CLOSED))
    teller.run(timedelta(minutes=1))
    assert teller.told == ["callout", "disconnect", "fee", "fee"]
    first, second = (told["feeLst"][0]["recordFileDownloadUrl"] for told in teller.endpoints.told[2:])
    assert first == second
    assert first.endswith(f"/{CALL}.wav")


def test_an_account_whose_link_cannot_be_made_now_is_told_later_and_not_without_it():
    teller = recorded()
    tokens = FakeLinkTokens()
    tokens.out_of_reach = True
    teller.records = replace(RECORDS, token_of=tokens.token_of)
    assert teller.notify(notice(ENDED)) is ACKNOWLEDGED
    with pytest.raises(OutsideUnavailable):
        teller.notify(notice(CLOSED))
    assert teller.told == ["callout", "disconnect"]
    tokens.out_of_reach = False
    assert teller.notify(notice(CLOSED)) is ACKNOWLEDGED


# ---- order


@pytest.mark.parametrize("order", list(permutations((DIALLED, ENDED, CLOSED))))
def test_first_attempts_are_in_order_whatever_the_stream_does(order):
    """Also if a record is lost for good, as long as a later one is not."""
    for lost in range(len(order)):
        teller = Teller(Reply(500), Reply(500))
        for sequence in order[lost:]:
            teller.notify(notice(sequence))
        assert teller.told == ["callout", "disconnect", "fee"][: max(order[lost:]) - 1]


def test_the_first_attempt_of_an_earlier_fact_is_made_once():
    teller = Teller(Reply(500), over=False, facts=STEPS)
    assert teller.notify(notice(4)) is ACKNOWLEDGED
    assert [teller.notify(notice(number)) for number in (2, 3)] == [NotifyResult.VOID] * 2
    assert teller.told == ["callin", "callout", "alerting"]
    teller.run(timedelta(hours=100))
    assert teller.told == ["callin", "callout", "alerting"], "overtaken"


def test_a_call_without_a_url_for_steps_has_nothing_before_its_cdr():
    teller = Teller(notify=NotifyTo(None, "https://sp.example.com/fee"))
    teller.calls.not_attempted = None  # type: ignore[assignment, method-assign]
    assert teller.notify(notice(CLOSED)) is ACKNOWLEDGED


# ---- overtaken


@pytest.mark.parametrize("over_at_first", [True, False])
def test_a_step_of_a_leg_does_not_come_again_once_its_call_is_over(over_at_first):
    """The end and the account tell it all, and receivers of the original, which never repeats, would act on it anew."""
    teller = Teller(Reply(500), over=over_at_first)
    told = teller.notify(notice(DIALLED))
    if over_at_first:
        assert (told, teller.notices.aside) == (NotifyResult.OVERTAKEN, [])
    else:
        assert told is RETRY_LATER
        teller.end()
    teller.run(timedelta(hours=100))
    assert teller.told == ["callout"]
    assert teller.delivery(DIALLED).state is DeliveryState.OVERTAKEN
    assert teller.attempts(DIALLED) == [(500, "not taken")]


STEPS: tuple[Fact, ...] = (
    InboundCallRecorded(at(1)),
    *(kind(at(1), party) for party in Party for kind in (LegDialledRecorded, LegRingingRecorded, LegAnsweredRecorded)),
)


@pytest.mark.parametrize("first", range(2, 9))
@pytest.mark.parametrize("taken", range(2, 9))
def test_a_step_of_a_leg_does_not_come_again_once_a_later_step_was_acknowledged(first, taken):
    """2 is `callin`, 3 to 5 are the caller's, 6 to 8 the callee's; only `taken` is acknowledged at first."""
    teller = Teller(*(Reply(200 if number == taken else 404) for number in range(2, 9)), over=False, facts=STEPS)
    for number in range(2, 9):
        teller.notify(notice(number))
    teller.run(timedelta(minutes=1))
    assert len(teller.attempts(first)) == (1 if first <= taken else 2)
    if first < taken:
        assert teller.delivery(first).state is DeliveryState.OVERTAKEN


def test_the_end_and_the_cdr_are_retried_though_the_call_is_over():
    teller = Teller(Reply(200), Reply(500), Reply(500))
    teller.notify(notice(CLOSED))
    teller.run(timedelta(minutes=1))
    assert teller.told == ["callout", "disconnect", "fee", "disconnect", "fee"]


# ---- the schedule


@pytest.mark.parametrize("sequence", [DIALLED, ENDED, CLOSED])
def test_410_ends_the_attempts(sequence):
    teller = Teller(*[Reply(410)] * 3, over=sequence != DIALLED)
    assert teller.notify(notice(sequence)) is NotifyResult.UNDELIVERED
    assert (teller.notices.aside, teller.calls.waiting) == ([], {})
    assert teller.attempts(sequence) == [(410, "410 Gone: not retried")]
    assert teller.delivery(sequence).note == "410 Gone: not retried"


def test_410_of_an_overtaken_step_leaves_nothing_to_deliver():
    teller = Teller(Reply(410))
    assert teller.notify(notice(DIALLED)) is NotifyResult.OVERTAKEN


@pytest.mark.parametrize(
    ("status", "retry_after", "seconds"),
    [(503, "40", 40), (429, "40", 40), (503, "5", 5.5), (503, "", 5.5), (503, "soon", 5.5), (503, "86400", 3600)],
)
def test_a_retry_waits_for_as_long_as_the_sp_asks_but_for_an_hour_at_most(status, retry_after, seconds):
    teller = Teller(Reply(status, retry_after=retry_after), over=False)
    assert teller.notify(notice(DIALLED)) is RETRY_LATER
    assert teller.delivery(DIALLED).due == at(seconds)
    teller.run(timedelta(seconds=seconds - 1))
    assert len(teller.told) == 1
    teller.run(timedelta(minutes=2))
    assert len(teller.told) == 2


def test_a_call_or_app_that_is_gone_is_undelivered_and_waits_no_more():
    teller = Teller(Reply(200), Reply(500), Reply(500))
    assert teller.notify(notice(DIALLED, "9_9_9_20261123090000")) is NotifyResult.UNDELIVERED
    teller.notify(notice(CLOSED))
    teller.calls.apps.clear()
    teller.run(timedelta(hours=1))
    for sequence in (ENDED, CLOSED):
        assert (teller.delivery(sequence).state, teller.delivery(sequence).note) == ("undelivered", "UnknownApp")
    assert not teller.calls.waiting


# ---- what is ours fails


def test_when_the_store_is_out_of_reach_the_notice_comes_again():
    teller = Teller(Reply(500))
    teller.calls.out_of_reach = True
    with pytest.raises(OutsideUnavailable):
        teller.notify(notice(DIALLED))


def test_a_retry_that_cannot_be_queued_is_the_sweepers():
    teller = Teller(Reply(500), over=False)
    teller.notices.out_of_reach = True
    assert teller.notify(notice(DIALLED)) is RETRY_LATER
    teller.notices.out_of_reach = False
    teller.run(timedelta(minutes=4))
    assert teller.told == ["callout"] * 2


@pytest.mark.parametrize(
    ("meanwhile", "reply", "then", "result"),
    [
        (DeliveryState.CANCELLED, Reply(500), DeliveryState.CANCELLED, NotifyResult.VOID),
        (DeliveryState.CANCELLED, Reply(200), DeliveryState.ACKNOWLEDGED, ACKNOWLEDGED),
        (DeliveryState.WAITING, Reply(500), DeliveryState.WAITING, RETRY_LATER),
    ],
)
def test_what_changes_during_an_attempt_stands_and_the_attempt_is_kept(meanwhile, reply, then, result):
    teller = Teller(Reply(500), reply, over=False)
    teller.notify(notice(DIALLED))
    before = teller.delivery(DIALLED)
    teller.clock.advance(6)
    posted = teller.endpoints.post

    def change(request: WebhookRequest) -> Reply:
        changed = replace(before, state=meanwhile, due=at(900) if meanwhile is DeliveryState.WAITING else None)
        teller.calls.save_delivery(notice(DIALLED), changed)
        teller.clock.advance(1)
        return posted(request)

    teller.endpoints.post = change  # type: ignore[method-assign]
    assert teller.notify(notice(DIALLED, version=1)) is result
    assert (teller.delivery(DIALLED).state, len(teller.delivery(DIALLED).attempts)) == (then, 2)
    assert bool(teller.calls.waiting) is (then is DeliveryState.WAITING), "what is settled is not due"
    if meanwhile is DeliveryState.WAITING:
        assert teller.delivery(DIALLED).due == at(900)


def test_a_write_that_was_done_though_it_failed_is_not_done_again():
    teller = Teller(Reply(500), over=False)
    saved = teller.calls.save_delivery

    def save_and_fail(*given: Any) -> int:
        saved(*given)
        raise RaceLost(CALL)

    teller.calls.save_delivery = save_and_fail  # type: ignore[assignment, method-assign]
    assert teller.notify(notice(DIALLED)) is RETRY_LATER
    teller.calls.save_delivery = saved  # type: ignore[method-assign]
    assert len(teller.delivery(DIALLED).attempts) == 1
    teller.run(timedelta(minutes=1))
    assert teller.told == ["callout"] * 2


# ---- the endpoint's health


class Several:
    """Calls of two SPs: one whose server hangs for nine seconds on every request, and one whose server answers."""

    def __init__(self, calls: int) -> None:
        self.clock, self.calls, self.notices = FakeClock(), FakeCalls(), FakeNotices()
        self.hangs, self.hung, self.answered = True, 0, 0
        for number in range(calls):
            for app in ("hangs", "healthy"):
                call = callback(f"{app}_{number}", app)
                call = replace(call, facts=2, notify=NotifyTo(f"https://{app}.example.com/status"))
                self.calls.rows[call.id] = SavedCall(call, 1)
                self.calls.facts[call.id] = {SOURCE: {2: FACTS[0]}}
                self.calls.apps[app] = App(app, "sp-1", "secret-1")
        self.notify = NotifySp(
            log=self.calls,
            webhooks=HuaweiWebhooks("ce1.example.com", lambda: "n1", RECORDS),
            endpoints=self,
            notices=self.notices,
            clock=self.clock,
            chance=lambda: 0.5,
        )

    def post(self, request: WebhookRequest) -> Reply:
        if "hangs" in request.url and self.hangs:
            self.hung += 1
            return Reply(None, note="too slow")
        self.answered += 1
        return Reply(200)

    def first(self, app: str, number: int) -> NotifyResult:
        return self.notify(Notice(f"{app}_{number}", 2, SOURCE, app))


def test_an_sp_that_hangs_on_every_request_holds_five_invocations_and_then_one_at_a_time():
    """So it cannot use up the invocations that first attempts to others need."""
    world = Several(200)
    for number in range(100):
        assert world.first("hangs", number) is RETRY_LATER
        assert world.first("healthy", number) is ACKNOWLEDGED
    assert (world.hung, world.answered) == (5, 100)
    for number in range(100, 200):
        world.clock.advance(3)
        world.first("hangs", number)
    assert world.hung == 5 + 3, "probes after 30, 60 and 120 s"
    world.hangs = False
    world.clock.advance(300)
    assert [world.first("hangs", number) for number in range(2)] == [NotifyResult.VOID] * 2
    assert len(world.calls.waiting) == 200, "those that were put off wait for their time"
    QueueDue(world.calls, world.notices, world.clock)()
    assert len(world.notices.first) == 192, "eight had an attempt: only a retry leaves its call's group"
    for each in (*world.notices.first, *(each for each, _ in world.notices.aside)):
        world.notify(each)
    assert {delivery.state for delivery in world.calls.deliveries.values()} == {DeliveryState.ACKNOWLEDGED}


def test_of_two_probes_at_the_same_moment_one_is_made():
    world = Several(10)
    for number in range(5):
        world.first("hangs", number)
    world.clock.advance(31)
    stale = dict(world.calls.health)
    world.first("hangs", 5)
    read = world.calls.notification

    def before_the_other(each: Notice) -> Notification:
        return replace(read(each), health=stale["hangs"])

    world.calls.notification = before_the_other  # type: ignore[assignment, method-assign]
    assert world.first("hangs", 6) is RETRY_LATER
    assert world.hung == 6


def test_what_waits_for_an_endpoint_that_answers_nothing_is_given_up_after_four_days():
    """Of many, each has fewer attempts than the schedule has, because the others' tell as much."""
    teller = Teller(*[Reply(None, note="too slow")] * 9999)
    teller.calls.health["app-1"] = EndpointHealth({"https://sp.example.com": Circuit(5, at(10**9))}, version=1)
    teller.calls.rows[CALL] = replace(
        teller.calls.rows[CALL], call=replace(callback(CALL), facts=4, ended_at=at(30), notify=AT_SP)
    )
    teller.notify(notice(CLOSED))
    teller.run(timedelta(hours=95))
    assert (teller.told, teller.delivery(CLOSED).state) == ([], DeliveryState.WAITING)
    teller.run(timedelta(hours=4))
    assert teller.delivery(CLOSED).state is DeliveryState.UNDELIVERED
    assert not teller.calls.waiting
    assert teller.delivery(CLOSED).version < 120, "it looks once an hour"


AT_SP = NotifyTo("https://sp.example.com/status", "https://sp.example.com/fee")


@pytest.mark.parametrize("first", [DIALLED, ENDED, CLOSED])
@pytest.mark.parametrize("on_time", [True, False])
def test_first_attempts_that_were_put_off_are_in_order_whichever_comes_first(first, on_time):
    """`on_time`: all three were put off; else the CDR is committed when the endpoint answers again."""
    teller = Teller(notify=AT_SP, over=False)
    teller.calls.health["app-1"] = EndpointHealth({"https://sp.example.com": Circuit(5, at(60))}, version=1)
    teller.end()
    for sequence in (DIALLED, ENDED, CLOSED) if on_time else (DIALLED, ENDED):
        assert teller.notify(notice(sequence)) is RETRY_LATER
    assert teller.told == []
    teller.clock.advance(3600)
    waits = on_time or first != CLOSED
    teller.notify(notice(first, version=1 if waits else 0))
    for sequence in (DIALLED, ENDED, CLOSED):
        known = teller.calls.deliveries.get((CALL, sequence))
        teller.notify(notice(sequence, version=known.version if known else 0))
    assert teller.told == ["disconnect", "fee"], "the step is overtaken by the end"


def test_events_stay_in_order_while_the_server_for_cdrs_is_away():
    """The first event was put off, and the second comes first."""
    teller = Teller(notify=NotifyTo(AT_SP.status_url, "https://fees.example.com"), over=False, facts=STEPS)
    teller.calls.health["app-1"] = EndpointHealth(
        {"https://sp.example.com": Circuit(5, at(60)), "https://fees.example.com": Circuit(9, at(9999))}, version=1
    )
    assert teller.notify(notice(DIALLED)) is RETRY_LATER
    teller.clock.advance(3600)
    teller.notify(notice(ENDED))
    assert teller.told == ["callin", "callout"]


def test_first_attempts_stay_in_order_if_one_is_put_off_again_while_an_earlier_one_probes(monkeypatch):
    """Of three that were put off the third probes with the first; meanwhile another process puts off the second."""
    teller = Teller(notify=AT_SP, over=False, facts=STEPS)
    teller.calls.health["app-1"] = EndpointHealth({"https://sp.example.com": Circuit(5, at(60))}, version=1)
    assert [teller.notify(notice(number)) for number in (2, 3, 4)] == [RETRY_LATER] * 3
    teller.clock.advance(3600)
    post, others = teller.endpoints.post, [notice(3, version=1)]

    def meanwhile(request: WebhookRequest) -> Reply:
        while others:
            assert teller.notify(others.pop()) is RETRY_LATER
        return post(request)

    monkeypatch.setattr(teller.endpoints, "post", meanwhile)
    teller.notify(notice(4, version=1))
    assert teller.told == ["callin", "callout", "alerting"]


def test_a_url_of_the_app_that_answers_410_is_posted_to_no_more_until_it_is_set_again(caplog):
    """The operator is told once, with the app and the host."""
    teller = Teller(Reply(200), Reply(200), Reply(410), notify=AT_SP)
    teller.calls.apps["app-1"] = replace(teller.calls.apps["app-1"], fee_url=AT_SP.fee_url)
    assert teller.notify(notice(CLOSED)) is NotifyResult.UNDELIVERED
    other = replace(teller.calls.rows[CALL].call, id="other")
    teller.calls.rows["other"], teller.calls.cdrs["other"] = SavedCall(other, 1), cdr_of(other)
    teller.calls.facts["other"] = teller.calls.facts[CALL]
    assert teller.notify(notice(CLOSED, "other")) is NotifyResult.UNDELIVERED
    assert teller.told == ["callout", "disconnect", "fee", "callout", "disconnect"]
    assert teller.calls.deliveries["other", CLOSED].note == "the endpoint is switched off: it answered 410 Gone"
    assert teller.calls.deliveries["other", CLOSED].attempts == ()
    [told] = [vars(each) for each in caplog.records if each.message == "endpoint switched off: 410 Gone"]
    assert (told["levelname"], told["app"], told["host"]) == ("ERROR", "app-1", "https://sp.example.com")


def test_that_health_cannot_be_written_fails_no_attempt():
    teller = Teller(Reply(None, note="too slow"), over=False)

    def away(*given: Any) -> None:
        raise OutsideUnavailable("accounts")

    teller.calls.save_health = away  # type: ignore[assignment, method-assign]
    assert teller.notify(notice(DIALLED)) is RETRY_LATER
    assert teller.attempts(DIALLED) == [(None, "too slow")]


# ---- sent again on request


def replay(teller: Teller, sequence: int) -> None:
    app = teller.calls.apps["app-1"]
    ReplayNotifications(teller.calls, teller.calls, teller.calls, teller.clock).one(app, CALL, sequence)


@pytest.mark.parametrize("sequence", [2, 4])
@pytest.mark.parametrize("first", [Reply(200), Reply(500), Reply(410)])
def test_what_the_sp_asks_for_is_sent_again_within_a_minute_whatever_became_of_it(first, sequence):
    """Also a step that a later one overtook."""
    teller = Teller(*[Reply(200)] * (sequence - 2), first, *[Reply(200)] * 9, over=False, facts=STEPS)
    for number in range(2, 9):
        teller.notify(notice(number))
    teller.run(timedelta(hours=100))
    told = list(teller.told)
    replay(teller, sequence)
    teller.run(timedelta(minutes=1))
    assert teller.told == [*told, told[sequence - 2]]
    assert teller.delivery(sequence).state is DeliveryState.ACKNOWLEDGED
    assert [attempt.status for attempt in teller.delivery(sequence).attempts] == [first.status, 200]


def test_a_replay_that_fails_begins_the_schedule_anew():
    teller = Teller(*[Reply(404)] * 99)
    teller.notify(notice(CLOSED))
    teller.run(timedelta(hours=100))
    replay(teller, CLOSED)
    teller.run(timedelta(hours=100))
    assert len(teller.delivery(CLOSED).attempts) == 20
    assert teller.delivery(CLOSED).state is DeliveryState.UNDELIVERED
