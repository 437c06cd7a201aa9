"""Whatever a call that is over left undone is found once, mended and counted; where all agrees, nothing is done."""

from collections import Counter
from dataclasses import replace
from datetime import timedelta

import pytest

from duologue.call_control.events import RecordingStarted
from duologue.call_control.history import Delivery, DeliveryState
from duologue.domain.calls.due import RECONCILIATION
from duologue.domain.calls.task_token import TaskToken, Wait
from duologue.domain.errors import OutsideUnavailable, UnreadableCall
from duologue.domain.media.recording import published_key
from duologue.usecases.accounting.reconcile_calls import Found, ReconcileCalls
from duologue.usecases.calls.process_network_event import change_of
from duologue.usecases.ports.notifying import Notice
from duologue.usecases.until_written import no_pause
from duologue.wire.huawei.cdrs import HuaweiCdrs
from tests.call_control.stories import CALLEE_LEFT, CALLER_LEFT, TALKING, Story
from tests.fakes.call_lists import FakeCallLists
from tests.fakes.calls import FakeCalls
from tests.fakes.cdr_archive import FakeCdrArchive
from tests.fakes.clock import FakeClock
from tests.fakes.failure_isolation import FakeFailureIsolation
from tests.fakes.flows import FakeFlows
from tests.fakes.notices import FakeNotices
from tests.fakes.recordings import FakeRecordings
from tests.samples import NETWORK_CALL, NOW, at, callback

KEY = "calls/app-1/x/1.wav"
RECORDED = (*TALKING, RecordingStarted(at(12), NETWORK_CALL, KEY), CALLEE_LEFT, replace(CALLER_LEFT, at=at(61)))
PUBLISHED = published_key("app-1", callback().id)


class Format(HuaweiCdrs):
    """`broken`: calls whose CDRs cannot be written."""

    def __init__(self):
        super().__init__("ce1.example.com")
        self.broken = set()

    def line(self, cdr):
        if cdr.call_id in self.broken:
            raise ValueError("a field that the format has no word for")
        return super().line(cdr)


class World:
    """A recorded call that is over and left everything as it should."""

    def __init__(self, *, fee_url="https://sp.example.com/fee"):
        self.calls, self.flows, self.notices = FakeCalls(), FakeFlows(), FakeNotices()
        self.recordings, self.clock, self.isolate = FakeRecordings(), FakeClock(NOW), FakeFailureIsolation()
        self.lists = FakeCallLists(self.calls)
        self.archive, self.format = FakeCdrArchive(), Format()
        self.reconcile = ReconcileCalls(
            self.calls,
            self.calls,
            self.calls,
            self.flows,
            self.notices,
            self.recordings,
            self.lists,
            self.archive,
            self.format,
            self.clock,
            self.isolate,
            no_pause,
        )
        wanted = callback()
        self.play(replace(wanted, notify=replace(wanted.notify, fee_url=fee_url)))
        self.recordings.sounds = {PUBLISHED: b"RIFF"}

    def play(self, call, *events):
        story = Story(call=call)
        self.calls.accept(call, slots=10, close_by=at(120))
        self.calls.store_token(call.id, TaskToken(f"token-{call.id}", Wait.END, 1))
        self.flows.spent.add(f"token-{call.id}")
        for event in events or RECORDED:
            saved = self.calls.load(call.id)
            story.play(event)
            self.calls.save(change_of(saved, story.last))
        for number, source in self.sources(call.id).items():
            state = list(DeliveryState)[number % len(DeliveryState)]
            self.calls.save_delivery(Notice(call.id, number, source, "app-1"), Delivery(state, NOW))

    def sources(self, call_id):
        return {number: item for item, facts in self.calls.facts[call_id].items() for number in facts}

    def sweep(self):
        reconciled = self.reconcile()
        return reconciled.calls, dict(reconciled.found), reconciled.is_all

    def archived(self):
        """Ids of the calls in each file, by app and day."""
        return [
            (file.app, str(file.day), [self.format.read(line).session.partition("@")[0] for line in lines])
            for file, lines in sorted(self.archive.kept.items())
        ]

    @property
    def facts(self):
        return self.calls.load(callback().id).call.facts


def lose_last_record(world):
    for number in (world.facts - 1, world.facts):
        del world.calls.deliveries[callback().id, number]


def lose_one_record(world):
    del world.calls.deliveries[callback().id, 4]


def keep_waiting(world):
    world.flows.spent.clear()


def lose_file(world):
    world.recordings.sounds.clear()


def publish_nothing(world):
    world.recordings.sounds = {KEY: b"RIFF"}


def delete_cdr(world):
    world.calls.cdrs.clear()


def delete_recording(world):
    recording = replace(world.calls.load(callback().id).call.recording, deleted_at=at(70))
    world.calls.change(callback().id, recording=recording)
    world.recordings.sounds.clear()


DISTURBED = [
    (lambda world: None, {}),
    (lose_last_record, {Found.NOTIFICATION: 2}),
    (lose_one_record, {Found.NOTIFICATION: 1}),
    (keep_waiting, {Found.FLOW: 1}),
    (lose_file, {Found.RECORDING_MISSING: 1}),
    (publish_nothing, {Found.RECORDING_UNPUBLISHED: 1}),
    (delete_recording, {}),
    (delete_cdr, {Found.CDR: 1}),
    (lambda world: world.calls.tokens.clear(), {}),
]


@pytest.mark.parametrize(("disturb", "found"), DISTURBED)
def test_what_does_not_agree_is_found_once_and_its_cdr_is_archived(disturb, found):
    world = World()
    before = set(world.calls.deliveries)
    disturb(world)
    missing = sorted(before - world.calls.deliveries.keys())
    world.clock.at = NOW + RECONCILIATION - timedelta(seconds=1)
    assert world.sweep() == (0, {}, True), "not before its time"
    world.clock.advance(1)
    assert world.sweep() == (1, found, True)
    assert world.sweep() == (0, {}, True)
    assert world.archived() == [("app-1", "2026-11-23", [callback().id])]
    source = world.sources(callback().id)
    assert world.notices.first == [Notice(call, number, source[number], "app-1") for call, number in missing]
    assert len(world.flows.resumed) == found.get(Found.FLOW, 0)
    recording = world.calls.load(callback().id).call.recording
    assert (recording.missing_at is not None) == (Found.RECORDING_MISSING in found)


def test_a_fact_without_a_url_is_not_missed():
    world = World(fee_url=None)
    del world.calls.deliveries[callback().id, world.facts]
    world.clock.at = NOW + RECONCILIATION
    assert world.sweep() == (1, {}, True)


UNREADABLE: dict[str, Exception] = {callback().id: OutsideUnavailable("calls table")}


@pytest.mark.parametrize(
    ("disturb", "away"),
    [
        (lose_last_record, lambda world, is_away: setattr(world.notices, "out_of_reach", is_away)),
        (keep_waiting, lambda world, is_away: setattr(world.flows, "failures", int(is_away))),
        (
            lambda world: None,
            lambda world, is_away: setattr(world.lists, "unreachable", set(UNREADABLE) if is_away else set()),
        ),
        (lambda world: None, lambda world, is_away: world.calls.unreadable.update({} if not is_away else UNREADABLE)),
    ],
)
def test_a_call_that_cannot_be_reconciled_now_is_in_the_next_sweep_and_blocks_no_other(disturb, away):
    world = World()
    world.play(callback("1_2_9_20261123090000"), *TALKING, CALLEE_LEFT, replace(CALLER_LEFT, at=at(61)))
    disturb(world)
    world.clock.at = NOW + RECONCILIATION
    away(world, is_away=True)
    assert world.sweep()[::2] == (1, False)
    away(world, is_away=False)
    world.calls.unreadable.clear()
    assert world.sweep()[::2] == (1, True)
    assert world.calls.to_reconcile == {}


def test_a_call_that_cannot_be_read_is_reported_with_its_id_once_a_day():
    """A later release may have written it, or its key be back tomorrow: then it is archived like any other."""
    world = World()
    broken = UnreadableCall(callback().id)
    world.calls.unreadable[callback().id] = broken
    world.clock.at = NOW + RECONCILIATION
    assert [world.sweep(), world.sweep()] == [(1, {}, True), (0, {}, True)]
    assert world.isolate.told == [(callback().id, broken)]
    world.clock.advance(24 * 3600)
    assert world.sweep() == (1, {}, True)
    assert world.isolate.told == [(callback().id, broken)] * 2
    world.calls.unreadable.clear()
    world.clock.advance(24 * 3600)
    assert world.sweep() == (1, {}, True)
    assert (world.lists.counted, world.calls.to_reconcile) == ({callback().id}, {})


def test_a_call_that_breaks_something_else_is_reported_with_its_id_each_time():
    """Such as a missing permission: it is reconciled when that is mended."""
    world = World()
    broken = ValueError("access denied")
    world.calls.unreadable[callback().id] = broken
    world.clock.at = NOW + RECONCILIATION
    assert [world.sweep(), world.sweep()] == [(0, {}, False)] * 2
    assert world.isolate.told == [(callback().id, broken)] * 2


def test_it_looks_at_no_more_than_it_may_and_says_that_more_is_due():
    world = World()
    for number in range(4, 7):
        world.play(callback(f"1_2_{number}_20261123090000"), *TALKING, CALLEE_LEFT, replace(CALLER_LEFT, at=at(61)))
    world.clock.at = NOW + RECONCILIATION
    assert [world.reconcile(3).is_all, world.reconcile(3).is_all] == [False, True]
    assert world.reconcile().found == Counter()


def test_a_call_that_the_lists_missed_is_listed_and_counted():
    world = World()
    world.clock.at = NOW + RECONCILIATION
    world.sweep()
    assert (world.lists.listed, world.lists.counted) == ({callback().id}, {callback().id})


ENDING = (CALLEE_LEFT, replace(CALLER_LEFT, at=at(61)))


def many(world, *apps, first=10):
    """Calls that are over, of these apps; their ids."""
    ids = []
    for number, app in enumerate(apps, first):
        ids.append(f"1_2_{number}_20261123090000")
        world.play(replace(callback(ids[-1]), app=app), *TALKING, *ENDING)
    return ids


def test_cdrs_are_archived_in_files_by_app_and_day_of_the_end():
    world = World()
    ids = many(world, "app-2", "app-1", "app-2")
    nights = replace(callback("1_2_99_20261123235900"), accepted_at=at(15 * 3600 - 30))
    world.play(nights, *(replace(event, at=event.at + timedelta(hours=15)) for event in (*TALKING, *ENDING)))
    world.clock.at = NOW + timedelta(hours=16)
    assert world.sweep() == (5, {}, True)
    assert world.archived() == [
        ("app-1", "2026-11-23", [ids[1], callback().id]),
        ("app-1", "2026-11-24", [nights.id]),
        ("app-2", "2026-11-23", [ids[0], ids[2]]),
    ]


def test_a_file_has_no_more_cdrs_than_a_page_can_show():
    world = World()
    many(world, *["app-1"] * 1100)
    world.clock.at = NOW + RECONCILIATION
    assert world.sweep() == (1101, {}, True)
    files = [len(calls) for _, _, calls in world.archived()]
    assert (sum(files), max(files)) == (1101, 500)


def test_a_cdr_that_cannot_be_archived_keeps_its_call_due_and_no_other():
    world = World()
    one, other, odd = many(world, "app-1", "app-2", "app-2")
    world.archive.away, world.format.broken = {"app-1"}, {odd}
    world.clock.at = NOW + RECONCILIATION
    assert world.sweep()[::2] == (1, False)
    assert set(world.calls.to_reconcile) == {callback().id, one, odd}
    assert [told for told, _ in world.isolate.told] == [odd]
    world.archive.away, world.format.broken = set(), set()
    assert world.sweep()[::2] == (3, True)
    found = [call for _, _, calls in world.archived() for call in calls]
    assert sorted(found) == sorted([callback().id, one, other, odd])


def test_a_sweep_that_dies_after_archiving_repeats_cdrs_and_loses_none(monkeypatch):
    world = World()
    world.clock.at = NOW + RECONCILIATION
    with monkeypatch.context() as patch:
        patch.setattr(world.calls, "reconciled", lambda ended: (_ for _ in ()).throw(OutsideUnavailable("calls table")))
        assert world.sweep() == (0, {}, False)
    assert world.sweep() == (1, {}, True)
    assert [calls for _, _, calls in world.archived()] == [[callback().id]] * 2
