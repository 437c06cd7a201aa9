"""Start one function as Lambda would, and say how long it took. Run by `bench.cold_starts` in a process of its own.

Reads {"path": […], "module": …, "make": [[name, argument, …], …]} from standard input: what to put on the path, what
to import, and which of its functions to call, so that its clients are made. Writes the milliseconds. Imports nothing
that it can do without: what is loaded here is not counted.
"""

import json
import sys
from time import perf_counter

order = json.loads(sys.stdin.readline())
sys.path[:0] = order["path"]
started = perf_counter()
module = __import__(order["module"])
for name, *arguments in order["make"]:
    getattr(module, name)(*arguments)
took = perf_counter() - started
sys.stdout.write(f"{took * 1000:.3f}\n")
