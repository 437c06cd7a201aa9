"""SMA events in, SMA actions out.

No pydantic and no tracer on this import path: a person waits on the line while this process starts.
"""

from datetime import UTC, datetime
from functools import cache
from typing import Any

from duologue.runtime.last_resort import guarded
from duologue.runtime.settings import setting
from duologue.runtime.wiring.calls import Dependencies, dependencies
from duologue.usecases.process_network_event import answer_unrecorded, process_network_event
from duologue.wire.chime.answer import Buckets, write_answer
from duologue.wire.chime.invocation import read_invocation


@cache
def buckets() -> Buckets:
    return Buckets(setting("PROMPTS_BUCKET"), setting("RECORDINGS_BUCKET"))


def answer(event: dict[str, Any], dependencies: Dependencies, buckets: Buckets) -> dict[str, Any]:
    """Answer one SMA event."""
    said = read_invocation(event, dependencies.clock.now())
    return process_network_event(
        said,
        dependencies.calls,
        dependencies.flows,
        lambda actions, call_id: write_answer(actions, buckets, introduces=call_id),
        dependencies.pause,
    )


def answer_in_trouble(event: dict[str, Any]) -> dict[str, Any] | None:
    """The answer when something broke that nobody named. Made of nothing that could be missing."""
    said = read_invocation(event, datetime.fromtimestamp(0, UTC))
    return answer_unrecorded(said, lambda actions, call_id: write_answer(actions, Buckets("", ""), introduces=call_id))


@guarded("call_control", safe=answer_in_trouble)
def handler(event: dict[str, Any], context: object) -> dict[str, Any]:
    return answer(event, dependencies(), buckets())
