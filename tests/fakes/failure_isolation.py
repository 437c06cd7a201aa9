"""The guard of last resort, which remembers."""

from collections.abc import Iterator
from contextlib import contextmanager


class FakeFailureIsolation:
    """Plays `FailureIsolation`. `told`: the call, and what broke at it."""

    def __init__(self) -> None:
        self.told: list[tuple[str, Exception]] = []

    @contextmanager
    def __call__(self, call_id: str) -> Iterator[None]:
        try:
            yield
        except Exception as error:  # noqa: BLE001 - as the real one: whatever breaks at one call, the next is worked on
            self.told.append((call_id, error))
