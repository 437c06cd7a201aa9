"""The API at a port of its own: the lab's edge and API Gateway, before functions of this clone on the lab's stores."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from tests.by_hand.functions import LocalFunctions
from tests.e2e.build.output import FUNCTIONS
from tests.e2e.clients.served import serving
from tests.hostile.edge import InProcess


class _Edge(InProcess):
    def __init__(self, functions: LocalFunctions) -> None:
        self._functions = functions
        super().__init__()

    def renew(self) -> None:
        """It has no stores of its own."""

    async def _invoke(self, function: str, event: dict[str, Any], **_: Any) -> tuple[dict[str, Any], None]:
        folder = next(name for name, each in FUNCTIONS.items() if each.logical_id in function)
        reply = self._functions.invoke(folder, event)
        return ({"error": "Unhandled"} if "errorType" in reply else {"body": reply}), None


@contextmanager
def api(functions: LocalFunctions, port: int) -> Iterator[str]:
    """Its URL. Raises OSError: the port is taken."""
    edge = _Edge(functions)
    try:
        with serving(edge, [], port) as url:
            yield url
    finally:
        edge.close()
