"""`python -m bench.sip`: how many bridged and recorded callbacks the SIP line carries at once, and a stream of them.

The exchange, its SIP line and the built-in phones, with a stub in place of the Lambdas. Each phone sounds its own tone;
while all calls are up, each must hear its partner's and no other, and so must both channels of each recording.
Ends 1 if a sound is wrong or a call is stuck; no figure of time is judged, since it belongs to the machine.
"""

import argparse
import io
import os
import sys
import threading
import time
import wave
from array import array
from collections import Counter
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

from bench.callback_flow import in_words, next_actions
from bench.rtp_phone import Heard, RtpPhone, phones_at_work
from bench.sip_report import Figures, report
from lab.cases.tone_detection import PURE, WINDOW, samples, windows
from lab.phones.scripted import ScriptedSipPhones
from lab.phones.voices import voice
from pstn.feed import NetworkEvent
from pstn.lines.behaviours import answers
from pstn.lines.phone_state import Phone
from pstn.lines.sip.audio import RATE, share
from pstn.lines.sip.channel import STATS_EVERY_S
from pstn.lines.sip.line import SipLine, sip_line
from pstn.lines.sip.settings import SipSettings, missing
from pstn.recordings import MemoryRecordings
from pstn.service import PstnService
from pstn.switches import Switches

SHOWN = "+12025550100", "+12025550101"
PAIRS = [(f"+120255501{at:02d}", f"+120255501{at + 50:02d}") for at in range(50)]
VOICES = [voice(number) for pair in PAIRS for number in pair]
PER_SECOND = 10
SETTLES_S = 5.0
"""Until the buffers of a call have found their size."""
ALONE, BESIDE = "no other call", f"{PER_SECOND} callbacks a second begin and end"
FOREIGN = 0.5
"""Share from which another tone than the partner's is a wrong connection."""
MOST_GAPS = 0.05
"""Share of windows with a gap up to which a sound is right."""


class Bench:
    """One network for all runs."""

    def __init__(self) -> None:
        self.changed = threading.Condition()
        self.joined: set[str] = set()
        self.over: set[str] = set()
        self.told: dict[str, list[str]] = {}
        """What the Lambda was told of each call, in words."""
        self.recordings = MemoryRecordings()
        self.service = PstnService(
            self._invoke,
            Switches(recording_delay=0.0, bridge_failure_detail=True),
            recordings=self.recordings,
            make_line=sip_line(SipSettings(listen=True), ScriptedSipPhones),
        )
        self.exchange = self.service.exchange
        line = self.exchange.line
        assert isinstance(line, SipLine)
        self.line = line
        for number in SHOWN:
            self.exchange.own(number)
        self.application = self.exchange.create_sma("bench", "bench")
        self.service.subscribe(self._take)

    def _take(self, event: NetworkEvent) -> None:
        with self.changed:
            if event.transaction and event.kind in ("joined", "over", "recorded"):
                {"joined": self.joined, "over": self.over}.get(event.kind, set()).add(event.transaction)
                self.changed.notify_all()

    def _invoke(self, arn: str, event: dict[str, Any]) -> Any:
        details = event["CallDetails"]
        self.told.setdefault(details["TransactionId"], []).append(in_words(event))
        callee = dict(PAIRS)[details["Participants"][0]["To"]]
        return {"SchemaVersion": "1.0", "Actions": next_actions(event, callee, SHOWN[1], recorded=True)}

    def at_once(self, count: int, seconds: float) -> Figures:
        """So many callbacks, all of them up together for so long."""
        figures = Figures(count)
        ramp = count / PER_SECOND
        ids = self._place(count, talks=seconds + ramp + 2.0 + 2 * STATS_EVERY_S)
        self._wait(lambda: set(ids) <= self.joined, ramp + 30)
        self._figures_come()
        before, since, at = self._cpu(), time.monotonic(), self.exchange.clock.now()
        ticks, late = self.line.network.stats["ticks"], self.line.network.stats["late"]
        time.sleep(seconds)
        self._figures_come()
        after, figures.seconds = self._cpu(), time.monotonic() - since
        figures.cpu = {name: after[name] - before[name] for name in after}
        figures.ticks, figures.late = self.line.network.stats["ticks"] - ticks, self.line.network.stats["late"] - late
        figures.worst = self.line.network.stats["worst"]
        self._finish(figures, ids, seconds + ramp + 30)
        self._wait(lambda: len(self.recordings.objects) >= count, 10)
        self._listen(figures, ids, at)
        return figures

    def stream(self, count: int) -> Figures:
        """So many callbacks, ten a second, one second of talk each."""
        figures = Figures(count)
        figures.memory_mb.append(self._memory())
        since, cpu = time.monotonic(), self._cpu()
        ids = self._place(count // 2, talks=1.0)
        figures.memory_mb.append(self._memory())
        ids += self._place(count - count // 2, talks=1.0)
        self._finish(figures, ids, 60)
        figures.seconds = time.monotonic() - since
        figures.cpu = {name: value - cpu[name] for name, value in self._cpu().items()}
        figures.memory_mb.append(self._memory())
        return figures

    def delays(self, seconds: float) -> list[tuple[str, Heard]]:
        """How late two telephones that number their audio hear each other: alone, and while other calls end."""
        pair, talk = (RtpPhone(), RtpPhone()), PAIRS[-1]
        with phones_at_work(*pair):
            for number, phone in zip(talk, pair, strict=True):
                self.line.numbers.assign(number, phone.uri)
            call = self.exchange.create_call(self.application, from_number=SHOWN[0], to_number=talk[0])
            self._wait(lambda: call in self.joined, 30)
            time.sleep(SETTLES_S)
            found = []
            for what, count in ((ALONE, 0), (BESIDE, round(seconds * PER_SECOND))):
                since = [len(phone.got) for phone in pair]
                others = self._place(count, talks=1.0, pairs=PAIRS[:-1])
                time.sleep(0 if others else seconds)
                ways = [one.heard(other, at) for one, other, at in zip(pair, reversed(pair), since, strict=True)]
                found.append((what, ways[0].and_(ways[1])))
        return found

    def _place(self, count: int, talks: float, pairs: Sequence[tuple[str, str]] = PAIRS) -> list[str]:
        ids, begun = [], time.monotonic()
        for at in range(count):
            caller, callee = pairs[at % len(pairs)]
            self.exchange.phones[caller] = Phone(answers(0.3))
            self.exchange.phones[callee] = Phone(answers(0.3, talks=talks))
            ids.append(self.exchange.create_call(self.application, from_number=SHOWN[0], to_number=caller))
            time.sleep(max(0.0, begun + (at + 1) / PER_SECOND - time.monotonic()))
        return ids

    def _finish(self, figures: Figures, ids: list[str], seconds: float) -> None:
        self._wait(lambda: set(ids) <= self.over, seconds)
        done = set(ids) & self.over & self.joined
        figures.done = len(done)
        figures.not_done = Counter(", ".join(self.told.get(each, ["nothing"])) for each in ids if each not in done)
        figures.wrong += [f"{leg} is still up" for leg in self.exchange.legs_up()]

    def _wait(self, condition: Any, seconds: float) -> None:
        with self.changed:
            self.changed.wait_for(condition, seconds)

    def _figures_come(self) -> None:
        """The next report of the network's station."""
        known = self.line.network.stats
        while self.line.network.stats is known:
            time.sleep(0.01)

    def _cpu(self) -> dict[str, float]:
        own = time.process_time()
        return {
            "network": _cpu_of(self.line.network.pid),
            "phones": _cpu_of(self.line.scripted_phones.pid),
            "exchange": own,
        }

    def _memory(self) -> float:
        """Resident, of the network's station (MB)."""
        status = Path(f"/proc/{self.line.network.pid}/status").read_text()
        return int(status.split("VmRSS:")[1].split()[0]) / 1024

    def _listen(self, figures: Figures, ids: list[str], since: datetime) -> None:
        """Judge the stretch in which all calls were up, on each phone and in each recording."""
        for each in ids:
            first, second = self.exchange.calls[each].call.legs[:2]
            for one, other in ((first, second), (second, first)):
                call = self.line.calls[one.call_id]
                heard = _stretch(samples(self.line.heard_by(call)), call.called_at, since, figures.seconds)
                _judge(figures, f"{one.to} hears", heard, voice(other.to))
            bodies = [body for (_, key), (body, _) in self.recordings.objects.items() if each in key]
            if len(bodies) != 1:
                figures.wrong.append(f"{len(bodies)} recordings of {each}")
                continue
            with wave.open(io.BytesIO(bodies[0])) as file:
                both = array("h", file.readframes(file.getnframes()))
            (_, begun, _) = self.line.calls[first.call_id].joined[0]
            for channel, leg in enumerate((first, second)):
                sound = _stretch(both[channel::2], begun, since, figures.seconds)
                _judge(figures, f"{leg.to}'s channel has", sound, voice(leg.to))


def _stretch(sound: "array[int]", begun: datetime, since: datetime, seconds: float) -> "array[int]":
    first = int((since - begun).total_seconds() * RATE)
    return sound[first : first + int(seconds * RATE)]


def _judge(figures: Figures, what: str, sound: "array[int]", hertz: float) -> None:
    judged = list(windows(sound))
    broken = [window for window in judged if share(window, hertz) < PURE]
    figures.windows += len(judged)
    figures.gaps += len(broken)
    if len(judged) < figures.seconds * RATE / WINDOW - 1 or len(broken) > MOST_GAPS * len(judged):
        figures.wrong.append(f"{what} {hertz:.0f} Hz in {len(judged) - len(broken)} of {len(judged)} windows")
    foreign = {other for window in broken for other in VOICES if other != hertz and share(window, other) > FOREIGN}
    figures.wrong += [f"{what} {other:.0f} Hz, not {hertz:.0f}" for other in sorted(foreign)]


def _cpu_of(pid: int | None) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def main() -> int:
    """The exit status."""
    parser = argparse.ArgumentParser(prog="python -m bench.sip", description="What the SIP line carries")
    parser.add_argument("--calls", type=int, nargs="*", default=[20, 50], help="at once (default: 20 50; at most 50)")
    parser.add_argument("--seconds", type=float, default=10.0, help="of talk (default: %(default)s)")
    parser.add_argument("--stream", type=int, default=300, help="callbacks one after the other (default: %(default)s)")
    parser.add_argument("--into", type=Path, help="write the figures here too")
    asked = parser.parse_args()
    if reason := missing():
        print(reason, file=sys.stderr)
        return 1
    runs = []
    for count in asked.calls:
        bench = Bench()
        try:
            runs.append(bench.at_once(min(count, len(PAIRS)), asked.seconds))
        finally:
            bench.service.close()
    bench = Bench()
    try:
        stream = bench.stream(asked.stream) if asked.stream else None
    finally:
        bench.service.close()
    bench = Bench()
    try:
        delays = bench.delays(asked.seconds)
    finally:
        bench.service.close()
    said = report(runs, stream, PER_SECOND, delays)
    print(said, flush=True)
    if asked.into:
        asked.into.write_text(said, encoding="utf-8")
    whole = [*runs, *([stream] if stream else [])]
    return 0 if all(run.done == run.calls and not run.wrong for run in whole) else 1


if __name__ == "__main__":
    sys.exit(main())
