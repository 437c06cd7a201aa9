"""Parses a Lambda's answer, or says why it is invalid.

Only the answer as a whole is validated here: schema version, the form and length of the list, the actions' names, the
attributes. An action's parameters are validated when its turn comes (`actions`). Error types: SchemaVersionMismatch and
TransactionAttributesInvalidMapSize are the service's; the others are ours, after the messages of the
unexpected-hangups page.
"""

import json
from dataclasses import dataclass
from typing import Any

from pstn.actions import TABLE
from pstn.switches import Switches

IMITATED = frozenset(TABLE)
KNOWN_ONLY = frozenset(
    {
        "JoinChimeMeeting",
        "ModifyChimeMeetingAttendees",
        "StartBotConversation",
    }
)
"""Actions of the service that are not imitated: each fails with SystemException when its turn comes."""


@dataclass(frozen=True)
class Reply:
    """`attributes` None: keep those stored."""

    actions: tuple[dict[str, Any], ...] = ()
    attributes: dict[str, Any] | None = None


@dataclass(frozen=True)
class InvalidReply:
    error_type: str
    message: str


def read_reply(payload: Any, switches: Switches) -> Reply | InvalidReply:
    """Validate an answer as the service does. Never raises, whatever the payload is."""
    if payload is None or payload == "":
        return InvalidReply("InvalidLambdaResponse", "Response was blank or null")
    if not isinstance(payload, dict) or payload.get("SchemaVersion") != "1.0":
        return InvalidReply("SchemaVersionMismatch", "Schema version in the response is missing or not supported")
    actions = _without_nulls(payload.get("Actions"))
    error = _list_error(actions, switches.actions)
    if error:
        return error
    attributes = payload.get("TransactionAttributes")
    error = _attributes_error(attributes, switches)
    if error:
        return error
    return Reply(tuple(actions or ()), attributes)


def _list_error(actions: Any, most: int) -> InvalidReply | None:
    if actions is None:
        return None
    if not isinstance(actions, list) or not all(isinstance(each, dict) for each in actions):
        return InvalidReply("InvalidActionList", "Error while reading the list of actions")
    if len(actions) > most:
        return InvalidReply(
            "InvalidActionList", f"Too many actions in the response. Maximum number of actions is {most}"
        )
    for each in actions:
        name = each.get("Type")
        if not isinstance(name, str) or name not in IMITATED | KNOWN_ONLY:
            return InvalidReply("InvalidActionList", "Unsupported action name specified")
        if not isinstance(each.get("Parameters", {}), dict):
            return InvalidReply("InvalidActionList", "Error while reading the list of actions")
    return None


def _without_nulls(value: Any, depth: int = 0) -> Any:
    """A parameter that is null counts as absent (unexpected-action-fail page: "not set or is set to null")."""
    if depth > _DEEPEST:
        return value
    if isinstance(value, dict):
        return {name: _without_nulls(each, depth + 1) for name, each in value.items() if each is not None}
    return [_without_nulls(each, depth + 1) for each in value] if isinstance(value, list) else value


_DEEPEST = 10
"""No parameter is nested as deeply; an application's JSON may be nested without end."""


def _attributes_error(attributes: Any, switches: Switches) -> InvalidReply | None:
    if attributes is None:
        return None
    if not isinstance(attributes, dict):
        return InvalidReply("TransactionAttributesInvalid", "Transaction Attributes is not a map")
    most = switches.attribute_pairs
    if len(attributes) > most:
        return InvalidReply(
            "TransactionAttributesInvalidMapSize",
            f"Transaction Attributes has too many mappings. Maximum number of mappings is {most}",
        )
    try:
        size = len(json.dumps(attributes, ensure_ascii=False).encode("utf-8", "surrogatepass"))
    except (TypeError, ValueError):  # not JSON at all: only an in-process caller can send that
        return InvalidReply("TransactionAttributesInvalid", "Transaction Attributes is not a map")
    if size > switches.attribute_bytes:
        return InvalidReply("TransactionAttributesInvalidMapSize", "Transaction Attributes is too large")
    longest = switches.attribute_characters
    if longest is not None and any(len(str(part)) > longest for pair in attributes.items() for part in pair):
        return InvalidReply(
            "TransactionAttributesInvalidMapSize", f"A key or value is longer than {longest} characters"
        )
    return None
