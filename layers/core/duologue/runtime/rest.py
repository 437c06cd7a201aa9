"""A request that came through the API, and the response to it (REST API proxy integration, payload version 1.0).

Header names are in lower case here, since clients and gateways spell them as they like. Nothing of this is ever logged
as it came: it carries tokens, passwords and numbers.
"""

import base64
import binascii
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qsl

from duologue.domain.errors import InvalidField
from duologue.wire.huawei.results import Answer

_MOST_FIELDS = 50


@dataclass(frozen=True, slots=True)
class Request:
    route: str
    """The path as the API declares it."""
    query: Mapping[str, str] = field(repr=False)
    headers: Mapping[str, str] = field(repr=False)
    body: bytes = field(repr=False)

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


def request_of(event: Mapping[str, Any]) -> Request:
    """Raises InvalidField: the body is said to be Base64 and is not."""
    body = (event.get("body") or "").encode(errors="surrogatepass")
    if event.get("isBase64Encoded"):
        try:
            body = base64.b64decode(body, validate=True)
        except binascii.Error as error:
            raise InvalidField("body", "is not Base64") from error
    headers = {name.lower(): value for name, value in (event.get("headers") or {}).items()}
    return Request(event["resource"], event.get("queryStringParameters") or {}, headers, body)


def response_of(answer: Answer) -> dict[str, Any]:
    return {
        "statusCode": answer.status,
        "headers": {
            "Content-Type": "application/json;charset=UTF-8",
            "Cache-Control": "no-store",
            **answer.headers,
        },
        "body": json.dumps(answer.body, ensure_ascii=False),
        "isBase64Encoded": False,
    }
