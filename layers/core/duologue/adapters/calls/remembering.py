"""The transaction of a call that dials its callee, with the memory of it. A memory never costs a call."""

import logging
from typing import TYPE_CHECKING

from duologue.adapters.basics.dynamo_writes import Write, transact
from duologue.adapters.basics.metrics import count
from duologue.adapters.rows.memory_rows import remembered
from duologue.domain.memory.call_memory import CallMemory

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

_log = logging.getLogger(__name__)


def write_remembering(client: "DynamoDBClient", what: str, accounts: str, memory: CallMemory, *writes: Write) -> None:
    """Write all or nothing, but without the memory if its pair has a newer one.

    `accounts`: the table of memories. If the memory alone cannot be written, the rest is, and it is counted.
    Raises as `transact`.
    """
    reason = transact(client, what, *writes, besides=remembered(accounts, memory))
    if reason == "ConditionalCheckFailed":
        _log.info("a newer memory of the pair stands", extra={"call_id": memory.session})
    elif reason is not None:
        _log.error("call memory not kept", extra={"call_id": memory.session, "why": reason})
        count("MemoryNotKept")
