"""How we talk to AWS: one place for time-outs, for the one translation of its errors, and for item values."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

from duologue.domain.errors import OutsideUnavailable

Timeouts = Config
"""How long a client waits, and how often it tries."""

FAST = Config(connect_timeout=0.5, read_timeout=1, retries={"total_max_attempts": 2, "mode": "standard"})
"""For call_control: the telephone network asks again after 5 s (R17)."""

NORMAL = Config(connect_timeout=1, read_timeout=3, retries={"total_max_attempts": 2, "mode": "standard"})
"""For what an SP waits for: it would rather wait a moment longer than be told to come back."""

ONCE = Config(connect_timeout=1, read_timeout=5, retries={"total_max_attempts": 1, "mode": "standard"})
"""For a request that must not be repeated: a dial."""

PATIENT = Config(connect_timeout=2, read_timeout=10, retries={"total_max_attempts": 4, "mode": "standard"})
"""For what nobody waits for."""

_FOR_NOW = {
    "InternalFailure",
    "InternalServerError",
    "InternalServiceError",
    "KMSInternalException",
    "KmsInternalException",
    "LimitExceededException",
    "ProvisionedThroughputExceededException",
    "RequestLimitExceeded",
    "ServiceFailureException",
    "ServiceUnavailable",
    "ServiceUnavailableException",
    "Throttling",
    "ThrottlingException",
    "ThrottledClientException",
    "TooManyRequestsException",
    "TransactionInProgressException",  # the SDK's own repeat met its first try, which had not answered in time
}


def code_of(error: ClientError) -> str:
    return str(error.response.get("Error", {}).get("Code", ""))


def status_of(error: ClientError) -> int:
    """The HTTP status; 0 if there is none."""
    return int(error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0))


@contextmanager
def outside(what: str) -> Iterator[None]:
    """Translate what says "not now" into OutsideUnavailable; every other error goes on as it is.

    Raises:
        OutsideUnavailable: `what` refused for now, failed inside, or did not answer.
    """
    try:
        yield
    except ClientError as error:
        if code_of(error) in _FOR_NOW or status_of(error) >= 500:
            raise OutsideUnavailable(f"{what}: {code_of(error)}") from error
        raise
    except BotoCoreError as error:  # no connection, time-outs, no credentials for now
        raise OutsideUnavailable(f"{what}: {type(error).__name__}") from error


def to_item(row: Mapping[str, Any]) -> dict[str, Any]:
    """Plain values to DynamoDB's: str, int and bool only."""
    return {name: to_value(value) for name, value in row.items()}


def to_value(value: Any) -> dict[str, Any]:
    if isinstance(value, bool):
        return {"BOOL": value}
    return {"N": str(value)} if isinstance(value, int) else {"S": str(value)}


def from_item(item: Mapping[str, Mapping[str, Any]]) -> dict[str, Any]:
    """Back again; sets and lists are not ours and stay as they are."""
    return {name: _from_value(value) for name, value in item.items()}


def _from_value(value: Mapping[str, Any]) -> Any:
    if "N" in value:
        return int(value["N"])
    return next(iter(value.values()))
