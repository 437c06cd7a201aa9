"""What is wrong with an answer to any request: 5xx, the inside of the platform, or not the format of the API."""

import builtins
import json
import re
from collections.abc import Iterator
from dataclasses import dataclass

import h11

from duologue.domain import errors

_CLASSES = {
    name
    for module in (errors, builtins)
    for name, value in vars(module).items()
    if isinstance(value, type) and issubclass(value, BaseException) and len(name) > 8
}
_PACKAGES = rb"duologue\.(?:adapters|call_control|domain|runtime|usecases|wire)"
_INSIDE = re.compile(
    rb"Traceback|File \"|line \d+, in|/var/task|arn:aws|"
    + _PACKAGES
    + rb"|\b(?:"
    + "|".join(_CLASSES).encode()
    + rb")\b"
)
_OF_THE_GATEWAY = {400, 403, 431, 501}
"""Statuses with which the edge itself refuses what is no request, before API Gateway has a route."""


@dataclass(frozen=True)
class Answer:
    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def code(self) -> str:
        """The result code; of what has none, what it is instead."""
        try:
            return str(json.loads(self.body)["resultcode"])
        except (ValueError, KeyError, TypeError):
            return self.headers.get("content-type", "") or "nothing"


def read(raw: bytes, method: str) -> Answer:
    """Parse what a client received until the connection's end. Raises h11.RemoteProtocolError."""
    wire = h11.Connection(h11.CLIENT)
    wire.send(h11.Request(method=method, target="/", headers=[("Host", "x")]))
    wire.send(h11.EndOfMessage())
    wire.receive_data(raw)
    wire.receive_data(b"")
    status, headers, body = 0, {}, bytearray()
    while not isinstance(event := wire.next_event(), h11.EndOfMessage | h11.ConnectionClosed):
        if isinstance(event, h11.Response):
            status = event.status_code
            headers = {name.decode().lower(): value.decode("latin-1") for name, value in event.headers}
        elif isinstance(event, h11.Data):
            body += event.data
    return Answer(status, headers, bytes(body))


def faults(answer: Answer, method: str) -> Iterator[str]:
    """None for an answer as the API promises it."""
    if not 200 <= answer.status < 500:
        yield f"status {answer.status}"
    everything = answer.body + repr(answer.headers).encode()
    if found := _INSIDE.search(everything):
        yield f"shows {found[0]!r}"
    if "x-injected" in answer.headers:
        yield "a header of the request's making"
    if method == "HEAD":
        if answer.body:
            yield "a body for HEAD"
    elif answer.status in (301, 302):
        if not answer.headers.get("location"):
            yield "leads nowhere"
    elif answer.headers.get("content-type") != "audio/wav" and not _is_in_format(answer):
        yield f"not the API's format: {answer.body[:200]!r}"


def _is_in_format(answer: Answer) -> bool:
    try:
        said = json.loads(answer.body)
    except ValueError:
        return answer.status in _OF_THE_GATEWAY and "resultcode" not in answer.body.decode(errors="replace")
    if not isinstance(said, dict) or "resultcode" not in said:
        return answer.status in _OF_THE_GATEWAY and answer.code != "0"
    code, description = said["resultcode"], said.get("resultdesc")
    fits = isinstance(code, str) and code.isdigit() and isinstance(description, str) and 0 < len(description) <= 128
    return fits and (answer.status == 200) == (code == "0")
