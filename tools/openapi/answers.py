"""Responses: what an operation answers when all is well, and what each of its refusals becomes."""

import re
from collections import defaultdict
from collections.abc import Iterable
from http import HTTPStatus
from typing import Any

from duologue.wire.huawei.header_faults import Fault
from duologue.wire.huawei.results import ERROR_ROWS, HEADER_ROWS, UNEXPECTED, ErrorRow
from tools.template import read_template

Refusals = Iterable[type[Exception]]

_GATEWAY_4XX = ("400", "413", "415", "429")
"""What the gateway answers by itself under its one name for all of a kind: not read, too large, too many."""


_RENAMED = {413: "Content Too Large", 416: "Range Not Satisfiable"}
"""Python 3.13 took the phrases of RFC 9110; the page is the same whichever Python writes it."""


def phrase(status: int) -> str:
    return _RENAMED.get(status, HTTPStatus(status).phrase)


def refused(errors: Refusals, *, digests: bool) -> dict[str, Any]:
    """Responses by status. `digests`: the request may prove itself by headers, which can be wrong in many ways."""
    rows: list[ErrorRow] = [*(ERROR_ROWS[error] for error in errors), UNEXPECTED, *_gateways_own()]
    if digests:
        rows += [HEADER_ROWS[fault] for fault in Fault]
    by_status: dict[int, list[ErrorRow]] = defaultdict(list)
    for row in rows:
        by_status[row.status].append(row)
    return {str(status): _refusal(status, by_status[status]) for status in sorted(by_status)}


def _refusal(status: int, rows: list[ErrorRow]) -> dict[str, Any]:
    codes = sorted({row.code for row in rows})
    said = "\n".join(sorted({f"* `{row.code}` {row.text.strip()}{' …' if row.says_why else ''}" for row in rows}))
    response: dict[str, Any] = {
        "description": f"{phrase(status)}\n\n{said}",
        "content": {"application/json": {"schema": _envelope(codes)}},
    }
    if any(row.again_after for row in rows):
        response["headers"] = {"Retry-After": {"$ref": "#/components/headers/RetryAfter"}}
    return response


def _envelope(codes: list[str]) -> dict[str, Any]:
    of_these = {"type": "object", "properties": {"resultcode": {"enum": codes}}}
    return {"allOf": [{"$ref": "#/components/schemas/Envelope"}, of_these]}


def _gateways_own() -> Iterable[ErrorRow]:
    """The gateway's answers, as the template has them: they come without any function of ours."""
    gateway = read_template()["Resources"]["Api"]["Properties"]["GatewayResponses"]
    for name, response in gateway.items():
        code, text = re.findall(r'"result(?:code|desc)":"([^"]*)"', response["ResponseTemplates"]["application/json"])
        again = 60 if "Retry-After" in str(response) else None
        for status in [response["StatusCode"]] if "StatusCode" in response else _GATEWAY_4XX:
            yield ErrorRow(int(status), code, text, f"the gateway's {name}", again_after=again)


def succeeded(schema: str, headers: dict[str, str] | None = None) -> dict[str, Any]:
    """200 with a body. `headers`: component by the header's name."""
    response: dict[str, Any] = {
        "description": "Done",
        "content": {"application/json": {"schema": {"$ref": f"#/components/schemas/{schema}"}}},
    }
    if headers:
        response["headers"] = {name: {"$ref": f"#/components/headers/{part}"} for name, part in headers.items()}
    return {"200": response}


def heard() -> dict[str, Any]:
    """A recording, or part of it, or where it can be fetched."""
    content = {"audio/wav": {"schema": {"type": "string", "format": "binary"}}}
    parts = {"Accept-Ranges": {"$ref": "#/components/headers/AcceptRanges"}}
    of_part = {"Content-Range": {"$ref": "#/components/headers/ContentRange"}, **parts}
    return {
        "200": {"description": "The recording: WAV, A-law, 8 kHz, mono (or as the app has it)", "headers": parts}
        | {"content": content},
        "206": {"description": "The part of it that `Range` asks for", "headers": of_part, "content": content},
        "416": {"description": "It has no such part", "headers": of_part},
        **led(302, "It is too large for a response. Where it can be fetched within some minutes, by the same method."),
    }


def led(status: int, said: str) -> dict[str, Any]:
    """A status with an empty body and a `Location`."""
    headers = {"Location": {"$ref": "#/components/headers/Location"}}
    return {str(status): {"description": said, "headers": headers}}
