"""Isolates failures of single calls in batch work. Implemented by `runtime.last_resort`."""

from collections.abc import Callable
from contextlib import AbstractContextManager

FailureIsolation = Callable[[str], AbstractContextManager[None]]
"""Context manager around the work on one call, by its id: it reports an exception and suppresses it."""
