"""What an OpenAPI body says besides its paths.

AWS: importing a REST API takes over `x-amazon-apigateway-gateway-responses`, which is where AWS SAM writes the
GatewayResponses of an Api.
https://docs.aws.amazon.com/apigateway/latest/developerguide/api-gateway-swagger-extensions-gateway-responses.html

MiniStack: imports the paths only, so that an unknown route and a throttled request answer with AWS's own bodies.
"""

from __future__ import annotations

from typing import Any

from lab.aws.engine import part

_EXTENSION = "x-amazon-apigateway-gateway-responses"


def _import(stock: Any) -> Any:
    def import_api(spec: dict[str, Any], *more: Any) -> Any:
        api = part("services.apigateway_v1")
        api_id = stock(spec, *more)
        for kind, response in (spec.get(_EXTENSION) or {}).items():
            status, _, body = api._put_gateway_response(api_id, kind, response)
            if status >= 400:
                raise ValueError(f"Gateway response {kind}: {body.decode()}")
        return api_id

    return import_api


def apply() -> None:
    """Take over the gateway responses of an imported API."""
    api = part("services.apigateway_v1")
    api._import_rest_api = _import(api._import_rest_api)
