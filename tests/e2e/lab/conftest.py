"""One laboratory for all of these tests, with permissions checked, and one SP on it; the cases' codes at the end."""

from collections.abc import Iterator

import pytest

from lab.cases.catalogue import CASES, LAB, PARAMETERS
from lab.cases.checks import check, time_lags
from lab.cases.play import NetworkWatch, Played
from lab.cases.player import CasePlayer, Variant
from lab.lab import DISPLAY_NUMBERS, Lab
from lab.sp.service_provider import ServiceProvider, open_sp
from tests.e2e.lab import traces
from tests.e2e.lab.variants import CLOUD, USUAL
from tests.e2e.warm_up import warm_up

NUMBERS = (*DISPLAY_NUMBERS, *(f"+121255501{number:02}" for number in range(100)))
AT_ONCE = 14
"""Cases. With more on two processors that others use too, the platform would wait too long for its tables."""
_PLAYED = pytest.StashKey[dict[tuple[str, str], Played]]()
_COLUMNS = ("stateCode", "ulFailReason", "sipStatusCode", "callOutUnaswRsn", "fwdUnaswRsn")


@pytest.fixture(scope="package")
def lab() -> Iterator[Lab]:
    with Lab(auth=True, parameters=PARAMETERS, switches=LAB, numbers=NUMBERS) as lab:
        yield lab


@pytest.fixture(scope="package")
def watch(lab) -> NetworkWatch:
    return NetworkWatch(lab.pstn)


@pytest.fixture(scope="package")
def new_sp(lab):
    """Opens an SP of this name, with two display numbers of its own and logged in."""
    opened = []
    pairs = zip(NUMBERS[::2], NUMBERS[1::2], strict=True)

    def open_one(name: str, **more) -> ServiceProvider:
        opened.append(open_sp(lab.api_url, lab.environment, name=name, numbers=next(pairs), **more))
        return opened[-1]

    yield open_one
    for sp in opened:
        sp.close()


@pytest.fixture(scope="package")
def messages(lab) -> Iterator[list[str]]:
    """Everything that was sent to a queue since the first call."""
    with traces.messages(lab) as sent:
        yield sent


@pytest.fixture(scope="package")
def case_player(lab, watch, new_sp, messages) -> Iterator[CasePlayer]:
    """Warmed up: each function has as many processes as the cases will keep busy, so that times mean something."""
    case_player = CasePlayer(lab, watch, new_sp("acme", settings=("--recording",)), AT_ONCE, cloud=CLOUD)
    warm_up(case_player, 8)
    yield case_player
    case_player.wait()
    case_player.close()


@pytest.fixture(scope="package")
def plays(case_player, request):
    """The results of all cases and variants chosen; they are played while the tests check one after the other."""
    chosen = [
        (item.callspec.params["variant"], item.callspec.params["case"])
        for item in request.session.items
        if {"variant", "case"} <= set(getattr(getattr(item, "callspec", None), "params", {}))
    ]
    return case_player.begin(chosen)


@pytest.fixture
def played(plays, variant, case, request) -> Played:
    result: Played = plays[variant.name, case.name].result(timeout=600)
    request.config.stash.setdefault(_PLAYED, {})[variant.name, case.name] = result
    return result


@pytest.fixture
def talking(lab):
    """Counts the phones that are connected with another."""

    def talking() -> int:
        calls = [phone.current for phone in list(lab.pstn.exchange.phones.values())]
        return sum(1 for call in calls if call and call.joined)

    return talking


@pytest.fixture
def leave(lab):
    """Lets who has one of these numbers hang up or decline."""

    def leave(numbers) -> None:
        exchange = lab.pstn.exchange
        with exchange.lock:
            for number in set(numbers) & set(exchange.phones):
                exchange.line.hang_up_by_hand(number)

    return leave


@pytest.fixture
def quiet(case_player) -> CasePlayer:
    """Nothing is going on but what the test does."""
    case_player.wait()
    return case_player


@pytest.fixture
def no_schedule(lab):
    """The sweeper runs only where a test invokes it: its schedule would do now and then what is looked for."""
    events = lab.client("events")
    [rule] = [name for name in lab.resources if name.startswith("SweepFunctionOften") and "Perm" not in name]
    events.disable_rule(Name=lab.resources[rule])
    yield
    events.enable_rule(Name=lab.resources[rule])


def pytest_make_parametrize_id(val):
    return val.name if isinstance(val, Variant) else None


def pytest_terminal_summary(terminalreporter, config):
    """What the SP was notified of in each case, and in how many variants all checks passed."""
    played = config.stash.get(_PLAYED, {})
    if not played:
        return
    write = terminalreporter.write_line
    terminalreporter.section("the cases")
    write(f"{'case':23}" + "".join(f"{column:>17}" for column in _COLUMNS) + f"{'variants':>8}")
    for case in CASES:
        results = {variant: result for (variant, name), result in played.items() if name == case.name}
        if not results:
            continue
        shown = results.get(USUAL.name) or next(iter(results.values()))
        codes = [shown.disconnect.get("stateCode"), *(shown.cdr.get(column) for column in _COLUMNS[1:])]
        true = sum(not check(result) for result in results.values())
        write(f"{case.name:23}" + "".join(f"{code!s:>17}" for code in codes) + f"{f'{true}/{len(results)}':>8}")
    lags = [lag for result in played.values() for lag in time_lags(result)]
    write(
        f"{len(played)} callbacks; {len(lags)} times of CDRs, {sum(lag <= 1 for lag in lags)} within a second of what"
        f" the phone saw, the worst {max(lags, default=0):.1f} s late"
    )
