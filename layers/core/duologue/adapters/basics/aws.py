"""AWS basics: client time-outs, translation of errors, DynamoDB item values."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any
from urllib.parse import urlsplit

from botocore.config import Config
from botocore.exceptions import (
    BotoCoreError,
    ClientError,
    ConnectTimeoutError,
    EndpointConnectionError,
    InvalidRegionError,
    NoCredentialsError,
    NoRegionError,
    PartialCredentialsError,
    ProfileNotFound,
    SSOError,
    TokenRetrievalError,
)

from duologue.domain.errors import OutsideUnavailable

Timeouts = Config
"""Time-outs and attempts of a client."""

THREADS = 32
"""Of the sweeper. As many connections are kept, once they were needed."""

_OURS = Config(parameter_validation=False, max_pool_connections=THREADS)
"""The parameters are made by this package. That the SDK checks them too costs an eighth of a request's CPU."""

FAST = _OURS.merge(Config(connect_timeout=0.5, read_timeout=1, retries={"total_max_attempts": 2, "mode": "standard"}))
"""For call_control: the telephone network retries after 5 s (R17)."""

NORMAL = _OURS.merge(Config(connect_timeout=1, read_timeout=3, retries={"total_max_attempts": 2, "mode": "standard"}))
"""For requests of an SP: better a short wait than an error."""

ONCE = Config(connect_timeout=1, read_timeout=5, retries={"total_max_attempts": 1, "mode": "standard"})
"""For a dial, which must not be repeated."""

PATIENT = Config(connect_timeout=2, read_timeout=10, retries={"total_max_attempts": 4, "mode": "standard"})
"""For background work."""

_TEMPORARY = {
    "BandwidthLimitExceeded",
    "ExecutionLimitExceeded",  # of Step Functions: too many executions are open
    "InternalFailure",
    "InternalServerError",
    "InternalServiceError",
    "KMSInternalException",
    "KmsInternalException",
    "LimitExceededException",
    "OverLimit",  # of SQS: too many messages are in flight
    "PriorRequestNotComplete",
    "ProvisionedThroughputExceededException",
    "RequestLimitExceeded",
    "RequestThrottled",  # of SQS
    "RequestThrottledException",
    "ServiceFailureException",
    "ServiceUnavailable",
    "ServiceUnavailableException",
    "SlowDown",
    "ThrottledException",
    "Throttling",
    "ThrottlingException",
    "ThrottledClientException",
    "TooManyRequestsException",
    "TransactionInProgressException",  # the SDK's retry met its own first attempt, which was still running
}


def code_of(error: ClientError) -> str:
    return str(error.response.get("Error", {}).get("Code", ""))


def status_of(error: ClientError) -> int:
    """The HTTP status; 0 if there is none."""
    return int(error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0))


@contextmanager
def outside(what: str) -> Iterator[None]:
    """Translate temporary errors into OutsideUnavailable; other errors pass unchanged.

    Raises:
        OutsideUnavailable: `what` throttled us, failed internally, or did not respond.
    """
    try:
        yield
    except ClientError as error:
        if code_of(error) in _TEMPORARY or status_of(error) >= 500:
            raise OutsideUnavailable(f"{what}: {code_of(error)}") from error
        raise
    except BotoCoreError as error:  # no connection, time-out, no credentials
        raise OutsideUnavailable(_reason(what, error)) from error


@contextmanager
def always_outside(what: str, but: str = "") -> Iterator[None]:
    """As `outside`, and errors that will not pass by themselves, such as a missing permission, are translated too.

    `but`: the code of the one that passes unchanged.

    Raises:
        OutsideUnavailable.
    """
    try:
        with outside(what):
            yield
    except ClientError as error:
        if code_of(error) == but:
            raise
        raise OutsideUnavailable(f"{what}: {code_of(error)}") from error


_CURES = {
    "its permissions are those of AWS_PROFILE or AWS_ACCESS_KEY_ID": {"AccessDenied", "AccessDeniedException"},
    "renew the credentials": {"ExpiredToken", "ExpiredTokenException", "RequestExpired"},
    "check AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY": {
        "InvalidAccessKeyId",
        "InvalidClientTokenId",
        "InvalidSignatureException",
        "SignatureDoesNotMatch",
        "UnrecognizedClientException",
    },
    "check --stack, or what was named in place of its outputs": {
        "NoSuchBucket",
        "NotFoundException",
        "ResourceNotFoundException",
    },
}


@contextmanager
def refusals() -> Iterator[None]:
    """Translate the errors that `outside` passes on, for the operator, who can act on them.

    Raises:
        OutsideUnavailable: AWS refused a request for good.
    """
    try:
        yield
    except ClientError as error:
        cures = [cure for cure, codes in _CURES.items() if code_of(error) in codes]
        raise OutsideUnavailable("; ".join([str(error), *cures])) from error


def _reason(what: str, error: BotoCoreError) -> str:
    match error:
        case NoRegionError():
            return "no AWS region: set AWS_DEFAULT_REGION or AWS_PROFILE"
        case NoCredentialsError():
            return "no AWS credentials: set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or AWS_PROFILE"
        case PartialCredentialsError():
            return f"{error}: set it, or AWS_PROFILE"
        case ProfileNotFound():
            return f"{error}: set AWS_PROFILE to a profile in ~/.aws/config"
        case InvalidRegionError():
            return f"{error}: set AWS_DEFAULT_REGION to a region such as us-east-1"
        case SSOError() | TokenRetrievalError():
            return "the AWS SSO session is not valid: run aws sso login"
        case EndpointConnectionError() | ConnectTimeoutError():
            url = urlsplit(str(error.kwargs["endpoint_url"]))  # its path may contain an object's key
            return f"{what}: cannot reach {url.scheme}://{url.netloc}; is the network up, and AWS_ENDPOINT_URL right?"
    return f"{what}: {type(error).__name__}"


def to_item(row: Mapping[str, Any]) -> dict[str, Any]:
    """Plain values to DynamoDB's: only str, int, bool and bytes."""
    return {name: to_value(value) for name, value in row.items()}


def to_value(value: Any) -> dict[str, Any]:
    if isinstance(value, bool):
        return {"BOOL": value}
    if isinstance(value, bytes):
        return {"B": value}
    return {"N": str(value)} if isinstance(value, int) else {"S": str(value)}


def from_item(item: Mapping[str, Mapping[str, Any]]) -> dict[str, Any]:
    """DynamoDB's values to plain ones; sets and lists are not converted."""
    return {name: _from_value(value) for name, value in item.items()}


def _from_value(value: Mapping[str, Any]) -> Any:
    if "N" in value:
        return int(value["N"])
    return next(iter(value.values()))
