"""What keeps the work on many calls going when one of them breaks it. `runtime.last_resort` is the real one."""

from collections.abc import Callable
from contextlib import AbstractContextManager

FailureIsolation = Callable[[str], AbstractContextManager[None]]
"""Around the work on one call, by its id: what breaks inside is told to the operator, and stays there."""
