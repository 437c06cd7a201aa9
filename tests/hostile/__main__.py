"""Send requests in process: `python -m tests.hostile <requests> <seed>`. Prints how often each answer came."""

import io
import logging
import sys
import time
from collections import Counter
from contextlib import redirect_stdout
from itertools import islice

from tests.hostile.edge import InProcess
from tests.hostile.requests import attacks
from tests.hostile.verdict import faults

_RENEWED = 500
"""After so many requests the stores are new, so that limits and locks are not all that is met."""


def run(requests: int, seed: int) -> tuple[Counter[tuple[int, str]], list[str]]:
    """How often each status and code came, and what was wrong, with the request."""
    edge, counts, wrong = InProcess(), Counter[tuple[int, str]](), list[str]()
    try:
        with redirect_stdout(io.StringIO()):  # where metrics go
            for number, attack in enumerate(islice(attacks(seed, edge.sp), requests)):
                if number % _RENEWED == 0:
                    edge.renew()
                try:
                    answer = edge.answer(attack)
                except Exception as error:  # noqa: BLE001 - it is reported with its request
                    wrong.append(f"{error!r}: {attack}")
                    continue
                counts[answer.status, answer.code] += 1
                wrong += [f"{fault}: {attack}"[:2000] for fault in faults(answer, attack.method)]
    finally:
        edge.close()
    return counts, wrong


def table(counts: Counter[tuple[int, str]]) -> str:
    return "\n".join(f"{status} {code:32} {count:8}" for (status, code), count in sorted(counts.items()))


if __name__ == "__main__":
    logging.disable(logging.CRITICAL)
    began = time.monotonic()
    found, bad = run(int(sys.argv[1]), int(sys.argv[2]))
    print(table(found), *bad[:20], sep="\n")
    print(f"{found.total()} requests in {time.monotonic() - began:.0f} s, {len(bad)} wrong answers")
    sys.exit(bool(bad))
