"""AWS clients, kept for the life of the process: a client costs tens of milliseconds to make.

Made by botocore alone: boto3 would load its transfer manager with itself, which nothing here uses (R17: one waits).
"""

from functools import cache
from typing import Any

from botocore.config import Config
from botocore.session import Session, get_session

from duologue.adapters.aws import BRISK, PATIENT, STEADY

SIGNING = STEADY.merge(Config(signature_version="s3v4"))
"""Version 4 is the one signature that every region takes."""


@cache
def _session() -> Session:
    """One for all clients: it keeps what they read from files, and the credentials."""
    return get_session()


@cache
def _client(service: str, config: Config) -> Any:
    return _session().create_client(service, config=config)


class _OnFirstUse:
    """Stands for a client until the first call to it."""

    def __init__(self, service: str, config: Config) -> None:
        self._service = service
        self._config = config

    def __getattr__(self, name: str) -> Any:
        return getattr(_client(self._service, self._config), name)


def brisk(service: str) -> Any:
    """For what the telephone network waits for."""
    return _client(service, BRISK)


def brisk_on_first_use(service: str) -> Any:
    """The same, where only some requests need it."""
    return _OnFirstUse(service, BRISK)


def steady(service: str) -> Any:
    """For what an SP waits for."""
    return _client(service, STEADY)


def steady_on_first_use(service: str) -> Any:
    """The same, where only some requests need it."""
    return _OnFirstUse(service, STEADY)


def patient(service: str) -> Any:
    """For what nobody waits for."""
    return _client(service, PATIENT)


def signing_urls() -> Any:
    """S3 for a person who waits, whose URLs for others are signed by version 4; on first use."""
    return _OnFirstUse("s3", SIGNING)
