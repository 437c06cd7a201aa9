"""Start one function as Lambda would, and say how long it took. Run by `bench.cold_starts` in a process of its own.

Reads {"path": […], "module": …} from standard input: what to put on the path, and what to import. Whatever the handler
makes for itself or takes from its wiring without an argument is called as well, as its first event does: its clients
are made then. Writes the milliseconds, and how many clients there are. Imports nothing that it can do without: what is
loaded here is not counted.
"""

import json
import sys
from collections.abc import Callable, Iterator
from time import perf_counter
from types import ModuleType
from typing import Any


def wired(module: ModuleType) -> Iterator[Callable[[], Any]]:
    """What the module makes for itself: its own functions and its wiring's that need no argument."""
    homes = ("duologue.runtime.wiring", module.__name__)
    for thing in list(vars(module).values()):
        plain = getattr(thing, "__wrapped__", thing)  # below functools.cache
        code = getattr(plain, "__code__", None)
        if code is not None and code.co_argcount == 0 and plain.__module__.startswith(homes):
            yield thing
        elif isinstance(thing, ModuleType) and thing.__name__.startswith(homes):
            yield from wired(thing)


order = json.loads(sys.stdin.readline())
sys.path[:0] = order["path"]
started = perf_counter()
module = __import__(order["module"])
for make in wired(module):
    make()
took = perf_counter() - started
import gc  # noqa: E402 - not counted

client = sys.modules["botocore.client"].BaseClient
clients = sum(isinstance(each, client) for each in gc.get_objects())
sys.stdout.write(f"{took * 1000:.3f} {clients}\n")
