"""The HTTP protocol of chime-sdk-voice: routing, validation of parameters, responses and errors.

Routes, required members, lengths and patterns come from the service model in botocore. So this server and a client made
from the same model can differ only where the service differs from its model.
"""

import json
import re
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from typing import Any
from urllib.parse import parse_qs, unquote

import botocore.session
from botocore.model import ListShape, MapShape, OperationModel, Shape, StructureShape
from botocore.validate import ParamValidator

from pstn.refusals import ServiceRefusal

Answer = tuple[int, dict[str, str], bytes]


@dataclass(frozen=True)
class Route:
    method: str
    path: "re.Pattern[str]"
    fixed_query: dict[str, str]
    operation: OperationModel


@lru_cache(maxsize=1)
def routes() -> tuple[Route, ...]:
    """Every operation of the model; those with a fixed query (`?operation=…`) come first."""
    model = botocore.session.get_session().get_service_model("chime-sdk-voice")
    found = []
    for name in model.operation_names:
        operation = model.operation_model(name)
        path, _, query = operation.http["requestUri"].partition("?")
        pattern = re.sub(r"\\\{(\w+)\\\}", r"(?P<\1>[^/]+)", re.escape(path))
        fixed = {key: values[0] for key, values in parse_qs(query, keep_blank_values=True).items()}
        found.append(Route(operation.http["method"], re.compile(pattern), fixed, operation))
    return tuple(sorted(found, key=lambda route: -len(route.fixed_query)))


def read_request(method: str, path: str, query: dict[str, list[str]], body: bytes) -> tuple[str, dict[str, Any]]:
    """Returns the operation's name and its parameters, named as in the model.

    Raises: ServiceRefusal: 404 no such route, 400 malformed or not valid by the model.
    """
    for route in routes():
        match = route.path.fullmatch(path.rstrip("/") or "/")
        fixed = all(query.get(key, [None])[0] == value for key, value in route.fixed_query.items())
        if route.method == method and match and fixed:
            parameters = _parameters(route.operation, match.groupdict(), query, body)
            _check(route.operation.input_shape, parameters)
            return route.operation.name, parameters
    raise ServiceRefusal("NotFound", f"No operation at {method} {path}")


def _parameters(
    operation: OperationModel, in_path: dict[str, str], query: dict[str, list[str]], body: bytes
) -> dict[str, Any]:
    shape = operation.input_shape
    if shape is None:
        return {}
    try:
        payload = json.loads(body) if body.strip() else {}
    except (ValueError, RecursionError) as error:  # RecursionError: thousands of nested brackets
        raise ServiceRefusal("BadRequest", "The request body is not valid JSON") from error
    if not isinstance(payload, dict):
        raise ServiceRefusal("BadRequest", "The request body is not a JSON object")
    parameters: dict[str, Any] = {}
    for name, member in shape.members.items():
        place = member.serialization.get("location")
        wire_name = member.serialization.get("name", name)
        if place == "uri":
            parameters[name] = unquote(in_path[wire_name])
        elif place == "querystring":
            if wire_name in query:
                parameters[name] = _from_query(member, query[wire_name])
        elif payload.get(wire_name) is not None:
            parameters[name] = payload[wire_name]
    return parameters


def _from_query(shape: Shape, values: list[str]) -> Any:
    if shape.type_name == "list":
        return values
    if shape.type_name != "integer":
        return values[0]
    try:
        return int(values[0])
    except ValueError as error:
        raise ServiceRefusal("BadRequest", f"{values[0]} is not a number") from error


def _check(shape: Shape | None, parameters: dict[str, Any]) -> None:
    if shape is None:
        return
    report = ParamValidator().validate(parameters, shape)
    if report.has_errors():
        raise ServiceRefusal("BadRequest", report.generate_report().replace("\n", "; "))
    _check_values(shape, parameters, "")


def _check_values(shape: Shape, value: Any, where: str) -> None:
    """Checks patterns, enumerations and upper bounds, which botocore's own validation leaves to the service."""
    fault = None
    if isinstance(shape, StructureShape):
        for name, each in value.items():
            _check_values(shape.members[name], each, f"{where}.{name}".lstrip("."))
    elif isinstance(shape, ListShape):
        for each in value:
            _check_values(shape.member, each, where)
    elif isinstance(shape, MapShape):
        for each in value.values():
            _check_values(shape.value, each, where)
    elif shape.type_name == "string":
        pattern, choices = shape.metadata.get("pattern"), shape.metadata.get("enum")
        if pattern and not re.fullmatch(pattern, value, re.DOTALL):
            fault = f"does not match {pattern}"
        elif choices and value not in choices:
            fault = f"is none of {', '.join(choices)}"
    size = value if shape.type_name == "integer" else len(value) if hasattr(value, "__len__") else 0
    most = shape.metadata.get("max")
    if fault is None and most is not None and shape.type_name != "structure" and size > most:
        fault = f"is larger than {most}"
    if fault:
        raise ServiceRefusal("BadRequest", f"{where}: {fault}")


def success(operation: str, result: dict[str, Any] | None) -> Answer:
    """The status is the model's; 204 has no body."""
    model = next(route.operation for route in routes() if route.operation.name == operation)
    status = model.http.get("responseCode", 200)
    if result is None or status == 204:
        return status, {}, b""
    return status, {"Content-Type": "application/json"}, json.dumps(result, default=_timestamp).encode()


def error(refusal: ServiceRefusal) -> Answer:
    headers = {"Content-Type": "application/json", "x-amzn-ErrorType": refusal.exception}
    return refusal.status, headers, json.dumps({"Code": refusal.code, "Message": refusal.message}).encode()


def _timestamp(value: object) -> str:
    """The model's timestamps are ISO 8601."""
    assert isinstance(value, datetime)
    return f"{value:%Y-%m-%dT%H:%M:%S}.{value.microsecond // 1000:03d}Z"
