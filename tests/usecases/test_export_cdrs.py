"""Archived CDRs are exported once each, oldest first, of one app or of all apps of an SP."""

from dataclasses import replace
from datetime import date, timedelta

import pytest

from duologue.adapters.basics.threads import at_once
from duologue.domain.accounting.cdr import cdr_of
from duologue.domain.calls.outcome import EndReason
from duologue.usecases.accounting.export_cdrs import ExportCdrs
from duologue.wire.huawei.cdrs import HuaweiCdrs
from tests.fakes.cdr_archive import FakeCdrArchive
from tests.samples import at, callback

FIRST, NEXT, LAST = (date(2026, 11, day) for day in (23, 24, 30))


class World:
    def __init__(self):
        self.archive, self.format = FakeCdrArchive(), HuaweiCdrs("ce1.example.com")
        self.export = ExportCdrs(self.archive, self.format, at_once)

    def file(self, app, sp, *numbers, day=FIRST):
        """CDRs of calls, each of which ends as many seconds after the first moment of the day as its number says."""
        began = at((day - FIRST) / timedelta(seconds=1))
        lines = []
        for number in numbers:
            call = replace(callback(f"1_2_{number}_20261123090000", app), sp=sp, ending=EndReason.STOPPED)
            lines.append(self.format.line(cdr_of(replace(call, ended_at=began + timedelta(seconds=number)))))
        self.archive.store(app, day, lines, at(0))

    def numbers(self, since, until, **whose):
        lines = self.export(since, until, **whose)
        return [int(self.format.read(line).session.split("_")[2]) for line in lines]


@pytest.fixture
def world():
    made = World()
    made.file("app-1", "acme", 30, 10)
    made.file("app-1", "acme", 10, 20)  # a sweep died
    made.file("app-2", "acme", 15, 25)
    made.file("app-3", "other", 12)
    made.file("app-3", "other", *range(100, 170))
    made.file("app-1", "acme", 5, day=NEXT)
    made.file("app-1", "acme", 1, day=LAST)
    return made


@pytest.mark.parametrize(
    ("since", "until", "whose", "numbers"),
    [
        (FIRST, LAST, {"app": "app-1"}, [10, 20, 30, 5, 1]),
        (FIRST, NEXT, {"app": "app-1"}, [10, 20, 30, 5]),
        (NEXT, NEXT, {"app": "app-1"}, [5]),
        (FIRST, LAST, {"sp": "acme"}, [10, 15, 20, 25, 30, 5, 1]),
        (FIRST, LAST, {"sp": "other"}, [12, *range(100, 170)]),
        (FIRST, LAST, {"sp": "nobody"}, []),
        (FIRST, LAST, {"app": "app-9"}, []),
    ],
)
def test_each_cdr_comes_once_and_the_oldest_first(world, since, until, whose, numbers):
    assert world.numbers(since, until, **whose) == numbers


def test_more_files_of_a_day_than_are_read_at_once(world):
    for number in range(200, 400):
        world.file("app-4", "acme", number)
    assert world.numbers(FIRST, FIRST, app="app-4") == list(range(200, 400))
