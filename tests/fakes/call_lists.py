"""The lists of calls and the counts of a day, in memory."""

from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import UTC, date
from math import ceil

from duologue.domain.accounting.cdr import cdr_of, talk_time
from duologue.domain.accounting.usage import DayUsage
from duologue.domain.calls.call import Call, Phase
from duologue.domain.errors import InvalidField, OutsideUnavailable
from duologue.usecases.ports.call_lists import CallPage, CallsWanted
from tests.fakes.calls import FakeCalls


class FakeCallLists:
    """Plays `Listing`, `CallLists` and `Usages` over the calls of a store."""

    def __init__(self, calls: FakeCalls) -> None:
        self.calls = calls
        self.listed: set[str] = set()
        self.counted: set[str] = set()
        self.usage: dict[date, defaultdict[str, DayUsage]] = {}
        self.unreachable: set[str] = set()
        """Calls that cannot be listed now."""

    def add(self, calls: Iterable[str]) -> None:
        wanted = set(calls)
        if wanted & self.unreachable:
            raise OutsideUnavailable("lists table")
        self.listed |= wanted & self.calls.rows.keys()

    def end(self, calls: Iterable[str]) -> None:
        for call_id in calls:
            if call_id in self.calls.rows and call_id not in self.counted:
                self._count(self.calls.rows[call_id].call)

    def repair(self, calls: Iterable[Call]) -> None:
        missing = [call.id for call in calls if call.id not in self.counted]
        self.add(missing)
        self.end(missing)

    def remove(self, call_id: str) -> None:
        self.listed.discard(call_id)

    def page(self, wanted: CallsWanted, limit: int, after: str = "") -> CallPage:
        if after and "#" not in after:
            raise InvalidField("cursor", "is not one of this list")
        listed = [self.calls.rows[each].call for each in self.listed if each in self.calls.rows]
        found = {_place(call): call for call in listed if _is_wanted(call, wanted)}
        places = sorted((place for place in found if not after or place < after), reverse=True)
        page = places[:limit]
        return CallPage(tuple(found[place] for place in page), page[-1] if len(places) > limit else None)

    def of_day(self, day: date) -> Mapping[str, DayUsage]:
        return dict(self.usage.get(day, {}))

    def of_apps(self, app_keys: Collection[str], days: Sequence[date]) -> Mapping[tuple[str, date], DayUsage]:
        return {(app, day): usage for day in days for app, usage in self.usage.get(day, {}).items() if app in app_keys}

    def _count(self, call: Call) -> None:
        if call.ended_at is None or call.ending is None:
            return
        self.counted.add(call.id)
        ended_at, talked = call.ended_at.astimezone(UTC), _talked(call)
        talk_s = ceil(talk_time(call.caller, call.callee).total_seconds())
        hours = Counter({ended_at.hour: 1})
        one = DayUsage(
            1, int(talked), talk_s, cdr_of(call).cost, Counter({call.ending: 1}), hours, hours if talked else Counter()
        )
        apps = self.usage.setdefault(ended_at.date(), defaultdict(DayUsage))
        apps[call.app] = apps[call.app].plus(one)


def _place(call: Call) -> str:
    return f"{call.accepted_at.astimezone(UTC):%Y-%m-%dT%H:%M:%S.%f}#{call.id}"


def _talked(call: Call) -> bool:
    return call.caller.answered_at is not None and call.callee.answered_at is not None


def _is_wanted(call: Call, wanted: CallsWanted) -> bool:
    legs = (call.caller, call.callee)
    return not (
        (wanted.app_keys is not None and call.app not in wanted.app_keys)
        or (wanted.number is not None and all(leg.number != wanted.number for leg in legs))
        or (wanted.last_digits and all(not leg.number.e164.endswith(wanted.last_digits) for leg in legs))
        or (wanted.display_number and all(leg.display_number.e164 != wanted.display_number for leg in legs))
        or (wanted.open_only and call.phase is Phase.OVER)
        or (wanted.since is not None and call.accepted_at < wanted.since)
        or (wanted.until is not None and call.accepted_at >= wanted.until)
        or (wanted.ends and (call.phase is not Phase.OVER or call.ending not in wanted.ends))
        or (wanted.talked is not None and _talked(call) is not wanted.talked)
    )
