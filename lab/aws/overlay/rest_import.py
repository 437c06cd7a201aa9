"""Imports more than the paths of an OpenAPI body.

AWS: importing a REST API includes `x-amazon-apigateway-gateway-responses`, where AWS SAM puts the GatewayResponses of
an Api, and `x-amazon-apigateway-binary-media-types`, where it puts its BinaryMediaTypes.
https://docs.aws.amazon.com/apigateway/latest/developerguide/api-gateway-swagger-extensions-gateway-responses.html
https://docs.aws.amazon.com/apigateway/latest/developerguide/api-gateway-swagger-extensions-binary-media-types.html

MiniStack: imports the paths only, so that an unknown route and a throttled request answer with AWS's own bodies.
"""

from __future__ import annotations

from typing import Any

from lab.aws.ministack import ministack

_EXTENSION = "x-amazon-apigateway-gateway-responses"
_BINARY = "x-amazon-apigateway-binary-media-types"


def _import(stock: Any) -> Any:
    def import_api(spec: dict[str, Any], *more: Any) -> Any:
        api = ministack("services.apigateway_v1")
        api_id = stock(spec, *more)
        for kind, response in (spec.get(_EXTENSION) or {}).items():
            status, _, body = api._put_gateway_response(api_id, kind, response)
            if status >= 400:
                raise ValueError(f"Gateway response {kind}: {body.decode()}")
        if _BINARY in spec:
            api._rest_apis[api_id]["binaryMediaTypes"] = list(spec[_BINARY])
        return api_id

    return import_api


def apply() -> None:
    """Take over the gateway responses and the binary media types of an imported API."""
    api = ministack("services.apigateway_v1")
    api._import_rest_api = _import(api._import_rest_api)
