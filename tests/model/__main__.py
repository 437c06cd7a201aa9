"""`make model SECONDS=165 SEED=1`: explore each setting, several at a time, and say what was found.

Ends with 1 if a rule is broken. A setting that is not explored to its end in time is cut, and says so.
"""

import logging
import os
import sys
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import replace
from functools import partial

from tests.model.explore import Found, explore, walk
from tests.model.machine import Early
from tests.model.network import Options
from tests.model.parts import Inbound, Setting

CALLBACK = Setting("callback")
PRELUDE = Setting("prompt before the callee", prelude=True, options=Options(callee_leg=True))
RETURN_CALL = Setting("return call", inbound=Inbound.PROMPTS)
REJECTED = Setting("rejected return call", inbound=Inbound.REJECTS)
NOBODY = Setting("call for nobody", inbound=Inbound.TONE)
RINGS = Setting("phones are heard to ring", stop=False, options=Options(rings=True))
TOLD = Setting("carrier is told its actions", stop=False, options=Options(is_told=True))
AT_ONCE = Setting("resumed at once", early=Early.AT_ONCE, stop=False)
REFUSED = Setting("resumed too early", early=Early.REFUSED, stop=False)
ONE_FAULT = (CALLBACK, RETURN_CALL, REJECTED, NOBODY, replace(PRELUDE, stop=False), AT_ONCE, REFUSED, TOLD, RINGS)
ALL = (CALLBACK, PRELUDE, RETURN_CALL, NOBODY, AT_ONCE, REFUSED, RINGS, TOLD)
_ANY = 99
"""More than can be on their way at once, and more faults than a walk comes to."""
_WALK_SECONDS = 2.0

_Job = Callable[[float], Found]


def jobs(seed: int) -> list[_Job]:
    """No fault; up to one fault of any kind; random walks; two faults, while nothing else is on its way."""
    none = [partial(_explored, each) for each in (CALLBACK, PRELUDE, RETURN_CALL, REJECTED, NOBODY)]
    one = [partial(_explored, replace(each, faults=1)) for each in ONE_FAULT]
    walks = [partial(_walked, replace(each, faults=3, busy=_ANY), seed) for each in ALL]
    two = [partial(_explored, replace(each, faults=2, busy=0)) for each in ALL]
    return [*none, *one, *walks, *two]


def _explored(setting: Setting, deadline: float) -> Found:
    logging.disable()
    return explore(setting, seconds=max(0.0, deadline - time.time()))


def _walked(setting: Setting, seed: int, deadline: float) -> Found:
    logging.disable()
    return walk(setting, seed, seconds=max(0.0, min(_WALK_SECONDS, deadline - time.time())))


def run(seconds: float, seed: int) -> int:
    """The number of violations."""
    deadline = time.time() + seconds
    states = steps = violations = 0
    print(f"{'setting':29}{'faults':>7}{'busy':>6}{'states':>11}{'steps':>11}{'s':>7}")
    with ProcessPoolExecutor(max_workers=os.cpu_count()) as pool:
        for running in [pool.submit(job, deadline) for job in jobs(seed)]:
            found = running.result()
            states, steps, violations = states + found.states, steps + found.steps, violations + len(found.stories)
            print(_line(found), flush=True)
            for wrong, story in found.stories.items():
                print("\n".join([f"\n!! {wrong}", *(f"{at:5} {line}" for at, line in enumerate(story, 1)), ""]))
    print(f"{states:,} states, {steps:,} steps, {violations} violations")
    return violations


def _line(found: Found) -> str:
    setting = found.setting
    how = "random" if found.is_random else "complete" if found.is_complete else "cut"
    busy = "any" if setting.busy == _ANY else str(setting.busy)
    figures = f"{setting.faults:>7}{busy:>6}{found.states:>11,}{found.steps:>11,}{found.seconds:>7.1f}"
    return f"{setting.name:29}{figures}  {how}"


def main(arguments: Sequence[str]) -> int:
    seconds, seed = float(arguments[0]), int(arguments[1])
    return 1 if run(seconds, seed) else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
