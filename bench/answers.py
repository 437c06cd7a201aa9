"""Answers that stand for AWS's, for a handler of botocore's event `before-send`."""

from typing import Any

from botocore.awsrequest import AWSResponse


class Answer(AWSResponse):
    def __init__(self, status: int, headers: Any, body: bytes) -> None:
        super().__init__("https://aws.example.com/", status, headers, None)
        self._content = body


def header_text(value: str | bytes) -> str:
    """botocore gives headers as either."""
    return value.decode() if isinstance(value, bytes) else value
