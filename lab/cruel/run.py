"""Callbacks on a lab whose every part fails, then three days on the cloud's clock, then what must be true."""

from __future__ import annotations

import threading
import time
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory

from lab.aws.fault_plan import PLAN
from lab.aws.switches import CRUEL, CloudSwitches
from lab.cases.catalogue import LAB, PARAMETERS
from lab.cases.play import NetworkWatch
from lab.cruel.calls import PlayedCallback, Sp, play
from lab.cruel.kills import Kills
from lab.cruel.mix import Planned, planned
from lab.cruel.promises import Promise, promises, slots_held, view_of
from lab.cruel.settling import Settled, settle
from lab.cruel.sp_process import SpProcess
from lab.lab import Lab, LineKind
from lab.sp.account import open_account
from lab.sp.client import SpClient
from pstn.lines.sip.settings import SipSettings

FAULTS = CRUEL | {
    "throttled_requests": 0.07,
    "lost_answers": 0.03,
    "killed_invocations": 0.05,
    "killed_requests": 0.05,
}
"""One request to AWS in ten fails: it is refused, or carried out without an answer."""
NETWORK_PARAMETERS = PARAMETERS | {"NotifyConcurrency": "2", "RetryConcurrency": "2", "PublishConcurrency": "2"}
"""Of the account's ten invocations at a time, four may deliver notifications (docs/operations.md)."""
NETWORK_PARAMETERS |= {"KeepRecordingsDays": "30", "RecordingLinkDays": "30"}  # longer than the clock jumps
FAILING = 0.1
UP, DOWN = "mostly-up", "mostly-down"
_NUMBERS = ("+12025550100", "+12025550101", "+12025550102", "+12025550103")
_MOST_HOURS = 240.0
"""Sixty hours without an answer, and then a schedule that goes on with waits of up to 29 hours."""


@dataclass(frozen=True)
class Wanted:
    """`kills`: what is killed in the middle, in turn, `kill_times` times in all. `down_hours`: of the second SP."""

    calls: int
    seed: int = 1
    at_once: int = 6
    kills: tuple[str, ...] = ()
    kill_times: int = 0
    down_hours: float = 60.0
    step_minutes: float = 60.0
    line: LineKind = "virtual"


@dataclass
class Result:
    faults: dict[str, int] = field(default_factory=dict)
    killed: Counter[str] = field(default_factory=Counter)
    stories: Counter[str] = field(default_factory=Counter)
    posts: dict[str, Counter[str]] = field(default_factory=dict)
    """By SP: how its server answered."""
    slots: int = 0
    """The most that were seen held at a time."""
    requests: int = 0
    talked: int = 0
    """Callbacks whose two parties were connected."""
    returned: int = 0
    settled: Settled = field(default_factory=Settled)
    promises: list[Promise] = field(default_factory=list)
    seconds: float = 0.0

    @property
    def is_kept(self) -> bool:
        return not any(promise.broken for promise in self.promises)


def run(wanted: Wanted, say: Callable[[str], None]) -> Result:
    """Raises: as `Lab.start`."""
    result, since = Result(), time.monotonic()
    with ExitStack() as opened:
        folder = Path(opened.enter_context(TemporaryDirectory(prefix="cruel-")))
        lab = opened.enter_context(
            Lab(
                auth=True,
                numbers=_NUMBERS,
                parameters=NETWORK_PARAMETERS,
                switches=LAB,
                line=wanted.line,
                sip=SipSettings(listen=True),
            )
        )
        sps = {name: _open_sp(lab, folder, name, wanted.seed, place) for place, name in enumerate((UP, DOWN))}
        for sp in sps.values():
            opened.callback(sp.server.kill)
        sps[UP].server.start()
        lab.cloud.switches = CloudSwitches(**FAULTS, fault_seed=wanted.seed)
        PLAN.begin()
        kills = Kills(lab, sps[UP], wanted.kills)
        played = _play_all(lab, sps, wanted, kills, say, result)
        say(f"{len(played)} callbacks are over after {time.monotonic() - since:.0f} s; letting days pass …")

        def comes_up(hours: float) -> None:
            if hours >= wanted.down_hours and sps[DOWN].server.pid is None:
                say(f"{DOWN} comes up after {hours:.1f} h")
                sps[DOWN].server.start()

        result.settled = settle(lab, most_hours=_MOST_HOURS, coarse_s=wanted.step_minutes * 60, at=comes_up)
        result.faults = {name: counted["faults"] for name, counted in PLAN.counts().items() if counted["faults"]}
        lab.cloud.switches = CloudSwitches()
        views = [view_of(sp, sp.server.posts()) for sp in sps.values()]
        result.promises = promises(lab, played, views, result.settled)
        result.killed = kills.killed
        result.stories = Counter(each.planned.story.name for each in played)
        result.requests = sum(each.requests for each in played)
        result.talked = sum(each.talked for each in played)
        result.returned = sum(each.returned for each in played)
        result.posts = {view.sp.name: Counter(post.outcome for post in view.posts) for view in views}
    result.seconds = time.monotonic() - since
    return result


def _open_sp(lab: Lab, folder: Path, name: str, seed: int, place: int) -> Sp:
    numbers = _NUMBERS[2 * place : 2 * place + 2]
    account = open_account(lab.environment, sp=name, display_numbers=numbers, settings=("--recording",))
    server = SpProcess(folder, name, account.app_secret, failing=FAILING, seed=seed)
    sp = Sp(name, SpClient(lab.api_url, account), server, numbers)
    sp.asked(sp.client.log_in)
    sp.asked(lambda: sp.client.set_notification_urls(server.status_url, server.fee_url))
    return sp


def _play_all(
    lab: Lab, sps: dict[str, Sp], wanted: Wanted, kills: Kills, say: Callable[[str], None], result: Result
) -> list[PlayedCallback]:
    """Several at a time; in the middle, at regular distances, something is killed."""
    watch, lock = NetworkWatch(lab.pstn), threading.Lock()
    room = threading.Semaphore(wanted.at_once)
    every = wanted.calls / (wanted.kill_times + 1) if wanted.kill_times else 0.0
    killed = 0

    def one(plan: Planned) -> PlayedCallback:
        try:
            return play(lab, watch, sps[plan.sp], plan, lock)
        finally:
            room.release()

    with ThreadPoolExecutor(wanted.at_once, "cruel") as pool:
        begun = []
        # Of four callbacks one is the second SP's: all that it is sent waits, and is looked at again each hour.
        for number, plan in enumerate(planned(wanted.calls, wanted.seed, (UP, UP, UP, DOWN))):
            room.acquire()
            begun.append(pool.submit(one, plan))
            result.slots = max(result.slots, len(slots_held(lab)))
            if every and number + 1 >= every * (killed + 1) and killed < wanted.kill_times:
                killed += 1
                kills.next()
            if (number + 1) % 25 == 0:
                say(f"{number + 1} callbacks placed")
        return [each.result() for each in begun]
