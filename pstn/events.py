"""The JSON of an SMA event, as the service writes it.

Sources: pstn-invocations page and real logs. `Status` is absent until a leg is answered, `TransactionAttributes` until
set for the first time. Times are epoch milliseconds in a string; `SipResponseCode` of HANGUP is a number.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from pstn.legs import Leg, LegState

NEW_OUTBOUND_CALL = "NEW_OUTBOUND_CALL"
NEW_INBOUND_CALL = "NEW_INBOUND_CALL"
RINGING = "RINGING"
CALL_ANSWERED = "CALL_ANSWERED"
ACTION_SUCCESSFUL = "ACTION_SUCCESSFUL"
ACTION_FAILED = "ACTION_FAILED"
ACTION_INTERRUPTED = "ACTION_INTERRUPTED"
DIGITS_RECEIVED = "DIGITS_RECEIVED"
CALL_UPDATE_REQUESTED = "CALL_UPDATE_REQUESTED"
INVALID_LAMBDA_RESPONSE = "INVALID_LAMBDA_RESPONSE"
HANGUP = "HANGUP"

EVENT_TYPES = (
    NEW_OUTBOUND_CALL,
    NEW_INBOUND_CALL,
    RINGING,
    CALL_ANSWERED,
    ACTION_SUCCESSFUL,
    ACTION_FAILED,
    ACTION_INTERRUPTED,
    DIGITS_RECEIVED,
    CALL_UPDATE_REQUESTED,
    INVALID_LAMBDA_RESPONSE,
    HANGUP,
)
ACTIONS_IGNORED = frozenset({NEW_OUTBOUND_CALL, RINGING, ACTION_INTERRUPTED})
"""Events whose answer may set attributes, but whose actions are ignored."""


def application_arn(region: str, account: str, application_id: str) -> str:
    """The ARN of a SIP media application, for which the service acts: policies see it as `aws:SourceArn`."""
    return f"arn:aws:chime:{region}:{account}:sma/{application_id}"


@dataclass(frozen=True)
class CallIdentity:
    """What every event of a call repeats."""

    transaction_id: str
    account: str
    region: str
    application_id: str
    sip_rule_id: str | None = None

    @property
    def application_arn(self) -> str:
        return application_arn(self.region, self.account, self.application_id)


def participant(leg: Leg) -> dict[str, Any]:
    body: dict[str, Any] = {
        "CallId": leg.call_id,
        "ParticipantTag": leg.tag.value,
        "To": leg.to,
        "From": leg.caller_id,
        "Direction": leg.direction,
        "StartTimeInMilliseconds": str(int(leg.started_at.timestamp() * 1000)),
    }
    if leg.state is not LegState.RINGING:
        body["Status"] = "Connected" if leg.up else "Disconnected"
    if leg.sip_headers:
        body["SipHeaders"] = dict(leg.sip_headers)
    return body


def event(
    call: CallIdentity,
    sequence: int,
    event_type: str,
    legs: Iterable[Leg],
    attributes: Mapping[str, Any] | None,
    action_data: Mapping[str, Any] | None = None,
    error: tuple[str, str] | None = None,
) -> dict[str, Any]:
    """One invocation's payload.

    `error` (type, message) is for INVALID_LAMBDA_RESPONSE, where it is at the top level.
    """
    details: dict[str, Any] = {"TransactionId": call.transaction_id}
    if attributes is not None:
        details["TransactionAttributes"] = dict(attributes)
    details["AwsAccountId"] = call.account
    details["AwsRegion"] = call.region
    if call.sip_rule_id:
        details["SipRuleId"] = call.sip_rule_id
    details["SipMediaApplicationId"] = call.application_id
    details["Participants"] = [participant(leg) for leg in legs]
    body: dict[str, Any] = {"SchemaVersion": "1.0", "Sequence": sequence, "InvocationEventType": event_type}
    if action_data is not None:
        body["ActionData"] = dict(action_data)
    body["CallDetails"] = details
    if error is not None:
        body["ErrorType"], body["ErrorMessage"] = error
    return body


def hangup_data(leg: Leg, sip_code: int) -> dict[str, Any]:
    return {
        "Type": "Hangup",
        "Parameters": {"SipResponseCode": sip_code, "CallId": leg.call_id, "ParticipantTag": leg.tag.value},
    }
