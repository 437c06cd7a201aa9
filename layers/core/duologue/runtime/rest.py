"""A request that came through the API, and the response to it (REST API proxy integration, payload version 1.0).

Which route a request is for, the gateway has decided: docs/decisions/0011-powertools.md says why no resolver decides it
again. Header names are found in any spelling, since clients and gateways spell them as they like. Nothing of this is
ever logged as it came: it carries tokens, passwords and numbers.
"""

import base64
import binascii
import json
import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qsl

from aws_lambda_powertools.utilities.data_classes.api_gateway_proxy_event import APIGatewayProxyEvent

from duologue.domain.errors import DuologueError, InvalidField
from duologue.wire.huawei.results import Answer, failure

_log = logging.getLogger(__name__)
_MOST_FIELDS = 50


@dataclass(frozen=True, slots=True)
class Request:
    route: str
    """The path as the API declares it."""
    method: str
    query: Mapping[str, str] = field(repr=False)
    headers: Mapping[str, str] = field(repr=False)
    body: bytes = field(repr=False)
    path: Mapping[str, str] = field(default_factory=dict, repr=False)
    """The path's parameters, as the client spelled them."""
    base: str = field(default="", repr=False)
    """The API's own address as the client sees it: where our other paths begin."""
    source: str = field(default="", repr=False)
    """The address that the request came from, as the gateway saw it: no header says it."""

    @property
    def parameters(self) -> Mapping[str, str]:
        """The query, and what only a form in the body has. The content type is not asked: some clients misspell it.

        Raises:
            InvalidField: the body has far more fields than any request.
        """
        try:
            form = parse_qsl(self.body.decode(errors="replace"), max_num_fields=_MOST_FIELDS)
        except ValueError as error:
            raise InvalidField("body", "has too many fields") from error
        return dict(form) | dict(self.query)


def request_of(event: dict[str, Any]) -> Request:
    """Raises InvalidField: the body is said to be Base64 and is not."""
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
        source=sent.request_context.identity.source_ip or "",
    )


def _base(sent: APIGatewayProxyEvent) -> str:
    """Without a custom domain the API's paths begin below the stage's name, which only the context's path has.

    The gateway takes a path with a slash at its end for the same, and leaves the slash.
    """
    whole, route = sent.request_context.path.rstrip("/"), sent.resource
    prefix = whole.removesuffix(route) if whole.endswith(route) else ""
    return f"{sent.headers.get('x-forwarded-proto', 'https')}://{sent.headers.get('host', '')}{prefix}"


def answered(event: dict[str, Any], say: Callable[[Request], Answer]) -> dict[str, Any]:
    """What `say` answers a request, as the response to it. A refusal is said in the SP's format."""
    route = event["resource"]
    try:
        said = say(request_of(event))
    except DuologueError as error:
        said = failure(error)
        if said.is_ours:
            _log.warning("not now", extra={"route": route}, exc_info=True)
    _log.info("answered", extra={"route": route, "status": said.status, "result": said.code})
    return response_of(said)


def response_of(answer: Answer) -> dict[str, Any]:
    kind = {"Content-Type": "application/json;charset=UTF-8"} if answer.body else {}
    return {
        "statusCode": answer.status,
        "headers": {**kind, "Cache-Control": "no-store", **answer.headers},
        "body": json.dumps(answer.body, ensure_ascii=False) if answer.body else "",
        "isBase64Encoded": False,
    }
