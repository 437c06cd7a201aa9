"""The event that a function gets for a REST request, and the response to the client if the function fails.

AWS: header names reach the function as the client wrote them; for repeated headers and query parameters the
single-value maps have the last; `sourceIp` is the peer, whatever X-Forwarded-For says; with a custom domain the
context's path has no stage; a function that raises, dies or returns an invalid response is 502 through the gateway
response DEFAULT_5XX, without its error text; so is one whose response exceeds 6 MB; a throttled function is 500; a
function that is not finished after 29 s is 504, and keeps running. The binary media type `*/*` is every type.
https://docs.aws.amazon.com/apigateway/latest/developerguide/set-up-lambda-proxy-integrations.html
https://docs.aws.amazon.com/apigateway/latest/developerguide/supported-gateway-response-types.html
https://docs.aws.amazon.com/apigateway/latest/developerguide/api-gateway-payload-encodings.html
https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html

Not documented, inferred: `*/*` also matches a request that has no Accept or Content-Type header.

MiniStack: header names are lower-cased, the first query value is used, X-Forwarded-For is trusted, and the error of the
function is sent to the client without the gateway responses; a response may have any size; the answer to a request
without Accept stays Base64, whatever the binary media types are.

The client's own header names are known only for requests through `lab.aws.edge`.
"""

from __future__ import annotations

import asyncio
import json
import re
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Any
from uuid import uuid4

from lab.aws import switches
from lab.aws.ministack import ministack

INTEGRATION_SECONDS = 29.0
"""https://docs.aws.amazon.com/apigateway/latest/developerguide/api-gateway-execution-service-limits-table.html"""

MOST_BYTES = 6_291_556
"""Of a function's response, as JSON."""

_UNKNOWN = "MISSING_AUTHENTICATION_TOKEN"
_STATUS = re.compile("[1-5][0-9]{2}")
_RESPONSE_KEYS = {"statusCode", "headers", "multiValueHeaders", "body", "isBase64Encoded"}


@dataclass(frozen=True)
class Client:
    """One request as it arrived: header lines in order with the client's own spelling, and the peer's address."""

    headers: tuple[tuple[str, str], ...]
    address: str


CLIENT: ContextVar[Client | None] = ContextVar("rest_client", default=None)


class _Failed(Exception):
    """The function returned no valid response; `status` is for the client."""

    def __init__(self, status: int) -> None:
        super().__init__(status)
        self.status = status


def _event(stock: Any) -> Any:
    def build(*args: Any, **more: Any) -> dict[str, Any]:
        event: dict[str, Any] = stock(*args, **more)
        many = event["multiValueQueryStringParameters"]
        if many:
            event["queryStringParameters"] = {name: values[-1] for name, values in many.items()}
        client = CLIENT.get()
        if client is not None:
            spelled: dict[str, list[str]] = {}
            for name, value in client.headers:
                spelled.setdefault(name, []).append(value)
            event["multiValueHeaders"] = spelled
            event["headers"] = {name: values[-1] for name, values in spelled.items()}
            event["requestContext"]["identity"]["sourceIp"] = client.address
            event["requestContext"]["path"] = event["path"]
        return event

    return build


def well_formed(answer: Any) -> bool:
    """Whether a function's result is a response of the proxy integration."""
    if not isinstance(answer, dict) or set(answer) - _RESPONSE_KEYS:
        return False
    status, body = answer.get("statusCode", 200), answer.get("body")
    if not _STATUS.fullmatch(str(status)):
        return False
    return body is None or isinstance(body, str)


def _response(_: Any) -> Any:
    def shape(result: dict[str, Any]) -> tuple[dict[str, Any] | None, str | None]:
        if result.get("throttle"):
            raise _Failed(500)
        if result.get("error") or not well_formed(result.get("body")):
            raise _Failed(502)
        answer = result["body"]
        if len(json.dumps(answer)) > MOST_BYTES:
            raise _Failed(502)
        return {**answer, "statusCode": int(answer.get("statusCode", 200)), "body": answer.get("body") or ""}, None

    return shape


def _matches(stock: Any) -> Any:
    def matches(media_type: str | None, binary_media_types: list[str] | None) -> bool:
        return "*/*" in (binary_media_types or []) or bool(stock(media_type, binary_media_types))

    return matches


def _invoke(stock: Any) -> Any:
    async def invoke(*args: Any, **more: Any) -> Any:
        api = ministack("services.apigateway_v1")
        try:
            return await asyncio.wait_for(stock(*args, **more), INTEGRATION_SECONDS)
        except TimeoutError:
            return api._gw_error("INTEGRATION_TIMEOUT", "Endpoint request timed out")
        except _Failed as failed:
            error = api._gw_error("DEFAULT_5XX", "Internal server error")
            error.lab_status = failed.status
            return error

    return invoke


def _render(stock: Any) -> Any:
    """DEFAULT_5XX has no status of its own: it keeps the status of the error. An unknown route's Authorization is read
    as a signature.
    """

    def render(error: Any, request: Any) -> Any:
        said = next((value for name, value in request["headers"].items() if name.lower() == "authorization"), "")
        if said and error.response_type == _UNKNOWN and switches.cloud().authorization_of_unknown_routes == "parsed":
            error = unsigned(said)
        status, headers, body = stock(error, request)
        own = getattr(error, "lab_status", None)
        api = ministack("services.apigateway_v1")
        deployed = api._deployed_gateway_responses.get(request["api_id"], {})
        customised = deployed.get((request["stage"] or {}).get("deploymentId")) or {}
        if own is not None and not (customised.get("DEFAULT_5XX") or {}).get("statusCode"):
            status = own
        return status, headers, body.replace(b'"message": "Internal', b'"message":"Internal')

    return render


def unsigned(authorization: str) -> Any:
    """What the gateway says of an Authorization header that is no signature."""
    kind, _, parameters = authorization.partition(" ")
    bad = next((part for part in (parameters or kind).split(",") if "=" not in part), None)
    message = "Authorization header requires 'Credential' parameter."
    if bad is not None:
        message = f"'{bad}' not a valid key=value pair (missing equal-sign) in Authorization header: '{authorization}'"
    api = ministack("services.apigateway_v1")
    return api._GatewayError("DEFAULT_4XX", message, "IncompleteSignatureException")


def gateway_answer(api_id: str, stage: str, kind: str, message: str) -> tuple[int, dict[str, Any], bytes]:
    """The gateway's own response, as configured in the API, to a request that reaches no integration."""
    api = ministack("services.apigateway_v1")
    request = {"api_id": api_id, "stage_name": stage, "stage": api.stages_for_api(api_id)[stage], "headers": {}}
    request |= {"query_params": {}, "path_params": {}, "resource_path": "", "request_id": str(uuid4())}
    with api.request_scope(*api.find_api_scope(api_id)):
        answer: tuple[int, dict[str, Any], bytes] = api._gateway_error_response(api._gw_error(kind, message), request)
    return answer


def apply() -> None:
    """Replace the proxy event, the parsing of its response, and the response to a failure."""
    api = ministack("services.apigateway_v1")
    api._build_lambda_event_v1 = _event(api._build_lambda_event_v1)
    api._lambda_proxy_response = _response(api._lambda_proxy_response)
    api._invoke_lambda_proxy_v1 = _invoke(api._invoke_lambda_proxy_v1)
    api._gateway_error_response = _render(api._gateway_error_response)
    api._media_type_matches = _matches(api._media_type_matches)
