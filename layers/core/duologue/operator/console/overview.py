"""The overview: whether everything is well, at one glance, and live."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from starlette.requests import Request
from starlette.responses import Response

from duologue.domain.accounting.charges import MICRO
from duologue.domain.accounting.usage import DayUsage, total
from duologue.operator.call_words import ENDINGS, length
from duologue.operator.console.calls import row_of
from duologue.operator.console.chart import by_hour, shares
from duologue.operator.console.pages import Context, Pages
from duologue.operator.console.standing import Standing, standings, today_of, usage_of
from duologue.usecases.ports.call_lists import CallPage, CallsWanted

_MOST_OPEN, _ROWS = 100, 8
_FRESH = timedelta(seconds=3)


@dataclass(frozen=True, slots=True)
class Figure:
    """`before`: the same of the day that it is compared with."""

    name: str
    value: str
    before: str
    link: str


@dataclass(frozen=True, slots=True)
class Alert:
    """Something to look at, and where."""

    text: str
    link: str


def overview(pages: Pages, _request: Request) -> Response:
    return pages.page("overview.html", {**_context(pages)[0], "page": "overview"})


def live(pages: Pages, _request: Request) -> Response:
    return pages.live("overview_parts.html", lambda: _context(pages))


def _context(pages: Pages) -> tuple[Context, bool]:
    """Never final."""
    desk = pages.desk
    day = today_of(desk)
    before = day - timedelta(days=7)
    today, then = total(usage_of(desk, day).values()), total(usage_of(desk, before).values())
    stand = standings(desk)
    opened: CallPage = desk.known("open", lambda: desk.lists.page(CallsWanted(open_only=True), _MOST_OPEN), _FRESH)
    is_quiet = not (today.calls or then.calls or opened.calls)
    context = {
        "figures": list(_figures(today, then, opened, stand, desk.now())),
        "alerts": list(_alerts(stand)),
        "open": [row_of(call, desk) for call in opened.calls[:_ROWS]],
        "more_open": len(opened.calls) > _ROWS,
        "chart": by_hour(today, then, f"last {before:%A}"),
        "weekday": f"{before:%A}",
        "endings": shares({ENDINGS[reason]: count for reason, count in today.ends.items()}),
        "spend": _spend(stand, usage_of(desk, day)),
        "is_quiet": is_quiet,
    }
    return context, False


def _figures(
    today: DayUsage, then: DayUsage, opened: CallPage, stand: Sequence[Standing], now: datetime
) -> Iterator[Figure]:
    """`then`: the same weekday a week ago."""
    day = f"last {now.astimezone(UTC):%A}"
    hour = now.astimezone(UTC).hour
    count = len(opened.calls)
    allowed = sum(each.app.concurrent_calls for each in stand if each.app.active)
    yield Figure(
        "not over yet", f"{count}+" if opened.after else str(count), f"of {allowed} allowed", "/calls?is_open=1"
    )
    calls, before = _until(today.calls_by_hour, hour), _until(then.calls_by_hour, hour)
    yield Figure("calls ended today", str(calls), f"{before} by now {day}", "/calls?time=1d")
    rates = [_rate(_until(each.talked_by_hour, hour), whole) for each, whole in ((today, calls), (then, before))]
    yield Figure("answered by both", rates[0], f"{rates[1]} by now {day}", "/calls?result=failed&time=1d")
    yield Figure("talk", _hours(today.talk_s), f"{_hours(then.talk_s)} all of {day}", "/calls?result=talked&time=1d")
    yield Figure("telephone charges", _usd(today.cost), f"{_usd(then.cost)} all of {day}", "/accounts")
    waiting = sum(each.undelivered for each in stand)
    yield Figure("undelivered", str(waiting), "waiting or given up", "/undelivered")


def _alerts(stand: Sequence[Standing]) -> Iterator[Alert]:
    for each in stand:
        sp, key = each.app.sp, each.app.key
        if each.undelivered and each.oldest is not None:
            text = f"{sp}: {each.undelivered_text} undelivered, waiting or given up"
            yield Alert(text, f"/undelivered#{key}")
        for origin, circuit in each.health.circuits.items():
            if circuit.until is not None:
                yield Alert(f"{sp}: {origin} does not answer ({circuit.failures} failures in a row)", f"/accounts#{sp}")
        for _ in each.health.gone:
            yield Alert(f"{sp}: a URL answered 410 and is switched off", f"/accounts#{sp}")
        for limit in each.limits:
            if limit.is_near:
                text = f"{sp}: {limit.used:g} of {limit.most:g} {limit.name}"
                yield Alert(text, f"/accounts#{sp}")


def _spend(stand: Sequence[Standing], used: Mapping[str, DayUsage]) -> list[tuple[str, str, float, str]]:
    """SP and app, USD, per cent of its cap, and the cap."""
    found = []
    for each in stand:
        usage = used.get(each.app.key, DayUsage())
        [cap] = [limit for limit in each.limits if limit.name.startswith("USD")]
        found.append((each.app.sp, _usd(usage.cost), cap.part, f"of {cap.most:g} USD" if cap.most else "no cap"))
    return found


def _until(hours: Mapping[int, int], hour: int) -> int:
    return sum(count for each, count in hours.items() if each <= hour)


def _rate(talked: int, calls: int) -> str:
    return f"{100 * talked / calls:.0f} %" if calls else "–"


def _hours(seconds: int) -> str:
    return length(timedelta(seconds=seconds)) if seconds else "0 s"


def _usd(micro: int) -> str:
    return f"{micro / MICRO:.2f} USD"
