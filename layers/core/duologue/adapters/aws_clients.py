"""AWS clients, made on first use and kept for the life of the process: a client costs tens of milliseconds to make."""

from functools import cache
from typing import Any

import boto3
from botocore.config import Config

from duologue.adapters.aws import BRISK, PATIENT


@cache
def _client(service: str, config: Config) -> Any:
    return boto3.client(service, config=config)  # type: ignore[call-overload]


def brisk(service: str) -> Any:
    """For what a person or the telephone network waits for."""
    return _client(service, BRISK)


def patient(service: str) -> Any:
    """For what nobody waits for."""
    return _client(service, PATIENT)


SIGNING = BRISK.merge(Config(signature_version="s3v4"))
"""Version 4 is the one signature that every region takes."""


def signing_urls() -> Any:
    """S3 for a person who waits, whose URLs for others are signed by version 4."""
    return _client("s3", SIGNING)
