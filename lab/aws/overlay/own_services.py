"""Services that MiniStack does not have, on the same port.

A request belongs to the service for which it is signed: Amazon Chime SDK Voice signs as `chime`. With AUTH, the
caller's policies must allow the IAM action `<signing name>:<operation>`.
https://docs.aws.amazon.com/service-authorization/latest/reference/list_amazonchime.html
"""

from __future__ import annotations

import re
from typing import Any

import botocore.session

from lab.aws.ministack import ministack
from lab.aws.overlay import metrics
from lab.aws.overlay.requests import Handler, watched
from lab.aws.overlay.throttling import Answer

_OPERATIONS: dict[str, list[tuple[str, re.Pattern[str], dict[str, list[str]], str]]] = {}


def _operations(model_name: str) -> list[tuple[str, re.Pattern[str], dict[str, list[str]], str]]:
    """Each operation's method, path and fixed query; the longest path first."""
    model = botocore.session.Session().get_service_model(model_name)
    found = []
    for name in model.operation_names:
        http = model.operation_model(name).http
        path, _, query = http["requestUri"].partition("?")
        pattern = re.compile("/?".join([re.sub(r"\{[^}]+\}", "[^/]+", path), ""]) + "$")
        fixed = dict((item.partition("=")[0], [item.partition("=")[2]]) for item in query.split("&") if item)
        found.append((http["method"], pattern, fixed, name))
    return sorted(found, key=lambda operation: (-len(operation[1].pattern), not operation[2]))


def operation(service: str, method: str, path: str, query: dict[str, list[str]]) -> str | None:
    """The operation of a request to a registered service."""
    for its_method, pattern, fixed, name in _OPERATIONS.get(service, ()):
        if its_method == method and pattern.match(path) and fixed.items() <= query.items():
            return name
    return None


def register(service: str, handler: Handler, *, model: str) -> None:
    """Serve requests that are signed for `service`; `model` is its boto3 name."""
    app, router, actions = ministack("app"), ministack("core.router"), ministack("core.iam_actions")
    key = f"own:{service}"

    def asked(method: str, path: str, _: dict[str, str], query: Any) -> str:
        return operation(service, method, path, query) or ""

    async def counted(method: str, path: str, headers: dict[str, str], body: bytes, query: Any) -> Answer:
        answer = await handler(method, path, headers, body, query)
        metrics.network_answered(asked(method, path, headers, query), answer[0])
        return answer

    app.SERVICE_HANDLERS[key] = watched(service, counted, asked)
    if service in _OPERATIONS:
        return
    _OPERATIONS[service] = _operations(model)
    scope = f"/{service}/aws4_request"
    stock_detect, stock_action = router.detect_service, actions.extract_iam_action
    stock_arn = actions.extract_resource_arn

    def detect(method: str, path: str, headers: dict[str, str], query: Any) -> Any:
        return key if scope in headers.get("authorization", "") else stock_detect(method, path, headers, query)

    def action(which: str, method: str, path: str, headers: Any, body: bytes, query: Any) -> Any:
        if which != key:
            return stock_action(which, method, path, headers, body, query)
        name = operation(service, method, path, query)
        return f"{service}:{name}" if name else None

    def arn(which: str, method: str, path: str, *more: Any) -> Any:
        if which != key:
            return stock_arn(which, method, path, *more)
        sma = re.match(r"/sip-media-applications/([^/]+)", path)
        region, account = more[-2:]
        return f"arn:aws:chime:{region}:{account}:sma/{sma[1]}" if sma else "*"

    app.detect_service = router.detect_service = detect
    actions.extract_iam_action, actions.extract_resource_arn = action, arn


def mount(prefix: str, handler: Handler) -> None:
    """Serve every path that begins with `prefix`, signed or not."""
    app = ministack("app")
    stock = app._handle_special_data_plane_request

    async def serve(
        method: str,
        path: str,
        headers: dict[str, str],
        body: bytes,
        query: dict[str, list[str]],
        *more: Any,
        **named: Any,
    ) -> Any:
        if path.startswith(prefix):
            return await handler(method, path, headers, body, query)
        return await stock(method, path, headers, body, query, *more, **named)

    app._handle_special_data_plane_request = serve
