"""API requests and responses (REST API proxy integration, payload version 1.0).

API Gateway has already chosen the route; docs/decisions/0011-powertools.md says why no resolver does it again. Header
names are case-insensitive. Requests are never logged as they are: they contain tokens, passwords and numbers.

Which proxies are trusted is a variable of the stage, which every event has: it needs no new version of a function.
"""

import base64
import binascii
import json
import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cache
from typing import Any
from urllib.parse import parse_qsl

from aws_lambda_powertools.utilities.data_classes.api_gateway_proxy_event import APIGatewayProxyEvent

from duologue.domain.access.source_address import TrustedProxies
from duologue.domain.errors import DuologueError, InvalidField, UnreadableCall
from duologue.wire.huawei.results import Answer, failure

_log = logging.getLogger(__name__)
_MOST_FIELDS = 50


@dataclass(frozen=True, slots=True)
class Request:
    route: str
    """The path as declared in the API."""
    method: str
    query: Mapping[str, str] = field(repr=False)
    headers: Mapping[str, str] = field(repr=False)
    body: bytes = field(repr=False)
    path: Mapping[str, str] = field(default_factory=dict, repr=False)
    """The path's parameters, still percent-encoded."""
    base: str = field(default="", repr=False)
    """The API's base URL as the client sees it."""
    source: str = field(default="", repr=False)
    """The client's address: of API Gateway's peer, or what trusted proxies say of theirs."""
    id: str = ""
    """API Gateway's id of the request, which the client gets in the header `x-amzn-RequestId`."""

    @property
    def parameters(self) -> Mapping[str, str]:
        """The query, and a form in the body, whatever its content type, which some clients misspell.

        Raises:
            InvalidField: the body has far more fields than any request.
        """
        try:
            form = parse_qsl(self.body.decode(errors="replace"), max_num_fields=_MOST_FIELDS)
        except ValueError as error:
            raise InvalidField("body", "has too many fields") from error
        return dict(form) | dict(self.query)


def request_of(event: dict[str, Any]) -> Request:
    """Raises InvalidField: the body is marked as Base64 but is not."""
    sent = APIGatewayProxyEvent(event)
    body = (sent.body or "").encode(errors="surrogatepass")
    if sent.is_base64_encoded:  # its decoded_body is text, and raises where a body is none
        try:
            body = base64.b64decode(body, validate=True)
        except binascii.Error as error:
            raise InvalidField("body", "is not Base64") from error
    return Request(
        route=sent.resource,
        method=sent.http_method,
        query=sent.query_string_parameters,
        headers=sent.headers,
        body=body,
        path=sent.path_parameters,
        base=_base(sent),
        source=_source(sent),
        id=sent.request_context.request_id or "",
    )


def _base(sent: APIGatewayProxyEvent) -> str:
    """Without a custom domain the API's paths begin below the stage's name, which only the context's path has.

    The gateway takes a path with a slash at its end for the same, and leaves the slash.
    """
    whole, route = sent.request_context.path.rstrip("/"), sent.resource
    prefix = whole.removesuffix(route) if whole.endswith(route) else ""
    return f"{sent.headers.get('x-forwarded-proto', 'https')}://{sent.headers.get('host', '')}{prefix}"


def _source(sent: APIGatewayProxyEvent) -> str:
    peer = sent.request_context.identity.source_ip or ""
    trusted = _trusted(sent.stage_variables.get("TrustedProxies", "0"))
    return trusted.client_of(peer, sent.headers.get("x-forwarded-for", ""))


@cache
def _trusted(text: str) -> TrustedProxies:
    try:
        return TrustedProxies.parse(text)
    except ValueError:
        _log.error("TrustedProxies cannot be read; no proxy is trusted", exc_info=True)
        return TrustedProxies()


def answered(event: dict[str, Any], say: Callable[[Request], Answer]) -> dict[str, Any]:
    """The response with the answer of `say` to the request. A refusal is in the SP's format."""
    route = event["resource"]
    try:
        said = say(request_of(event))
    except UnreadableCall:  # the operator's to look at: the last resort answers, and counts it for the alarm
        raise
    except DuologueError as error:
        said = failure(error)
        if said.is_ours:
            _log.warning("request failed", extra={"route": route}, exc_info=True)
    _log.info("request answered", extra={"route": route, "status": said.status, "result": said.code})
    return response_of(said)


def response_of(answer: Answer) -> dict[str, Any]:
    """The same for HEAD as for GET: the gateway leaves the body out and keeps its length."""
    kind = {"Content-Type": "application/json;charset=UTF-8"} if answer.body else {}
    text = json.dumps(answer.body, ensure_ascii=False) if answer.body else ""
    return {
        "statusCode": answer.status,
        "headers": {**kind, "Cache-Control": "no-store", **answer.headers},
        "body": base64.b64encode(answer.content).decode() if answer.content else text,
        "isBase64Encoded": bool(answer.content),
    }
