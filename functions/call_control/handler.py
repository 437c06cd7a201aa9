"""Answer each event of the telephone network with actions.

No pydantic and no tracer on this import path: a person waits on the line while this process starts.
"""

import json
from datetime import UTC, datetime
from typing import Any

from duologue.runtime.carriers import bare_format
from duologue.runtime.last_resort import guarded
from duologue.runtime.wiring.call_control import Dependencies, dependencies
from duologue.usecases.calls.process_network_event import answer_unrecorded


def answer(event: dict[str, Any], dependencies: Dependencies) -> Any:
    """The answer to one event, in the network's format."""
    said = dependencies.network.read(event, dependencies.clock.now())
    return json.loads(dependencies.process(said))


def answer_in_trouble(event: dict[str, Any]) -> Any:
    """The answer after an unhandled exception. Needs no setting or service that could be missing."""
    network = bare_format()
    answer = answer_unrecorded(network.read(event, datetime.fromtimestamp(0, UTC)), network)
    return None if answer is None else json.loads(answer)


@guarded("call_control", safe=answer_in_trouble)
def handler(event: dict[str, Any], context: object) -> Any:
    return answer(event, dependencies())
