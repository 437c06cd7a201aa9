"""The stub for the Lambda of a bench: a callback by the shortest way, and its events in words."""

from typing import Any


def next_actions(event: dict[str, Any], callee: str, shown: str, *, recorded: bool = False) -> list[dict[str, Any]]:
    """Bridges a caller who answers with `callee`, under the display number `shown`; ends all when one party goes."""
    legs = event["CallDetails"]["Participants"]
    match event["InvocationEventType"], event.get("ActionData", {}).get("Type"):
        case "CALL_ANSWERED", _:
            endpoints = [{"BridgeEndpointType": "PSTN", "Uri": callee}]
            bridge = {"CallerIdNumber": shown, "CallTimeoutSeconds": 20, "Endpoints": endpoints}
            return [{"Type": "CallAndBridge", "Parameters": bridge}]
        case "ACTION_SUCCESSFUL", "CallAndBridge" if recorded:
            place = {"Type": "S3", "Location": "recordings"}
            start = {"CallId": legs[0]["CallId"], "Track": "BOTH", "Destination": place}
            return [{"Type": "StartCallRecording", "Parameters": start}]
        case (("HANGUP" | "ACTION_FAILED" | "CALL_UPDATE_REQUESTED"), _):
            up = [leg["CallId"] for leg in legs if leg.get("Status") == "Connected"]
            return [{"Type": "Hangup", "Parameters": {"CallId": leg}} for leg in up]
    return []


def in_words(event: dict[str, Any]) -> str:
    """The event, what it is about, and its codes."""
    data = event.get("ActionData", {})
    parameters = data.get("Parameters", {})
    codes = (data.get("ErrorType"), data.get("SipResponseCode"), parameters.get("SipResponseCode"))
    about = (data.get("Type"), parameters.get("ParticipantTag"), *codes)
    return " ".join(str(each) for each in (event["InvocationEventType"], *about) if each is not None)
