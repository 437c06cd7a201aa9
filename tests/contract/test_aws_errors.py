"""AWS that cannot be used is said so that an operator can mend it."""

import pytest
from botocore.exceptions import (
    ClientError,
    ConnectTimeoutError,
    EndpointConnectionError,
    InvalidRegionError,
    NoCredentialsError,
    NoRegionError,
    PartialCredentialsError,
    ProfileNotFound,
    ReadTimeoutError,
    UnauthorizedSSOTokenError,
)
from botocore.retries.standard import ThrottledRetryableChecker

from duologue.adapters.basics.aws import NORMAL, outside, refusals
from duologue.adapters.basics.aws_clients import client
from duologue.domain.errors import OutsideUnavailable

URL = "https://bucket.s3.amazonaws.com/apps/key/hello.wav"
UNREACHED = "prompts: cannot reach https://bucket.s3.amazonaws.com; is the network up, and AWS_ENDPOINT_URL right?"


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (NoRegionError(), "no AWS region: set AWS_DEFAULT_REGION or AWS_PROFILE"),
        (NoCredentialsError(), "no AWS credentials: set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or AWS_PROFILE"),
        (EndpointConnectionError(endpoint_url=URL), UNREACHED),
        (
            PartialCredentialsError(provider="env", cred_var="AWS_SECRET_ACCESS_KEY"),
            "Partial credentials found in env, missing: AWS_SECRET_ACCESS_KEY: set it, or AWS_PROFILE",
        ),
        (
            ProfileNotFound(profile="nobody"),
            "The config profile (nobody) could not be found: set AWS_PROFILE to a profile in ~/.aws/config",
        ),
        (
            InvalidRegionError(region_name="no/region"),
            "Provided region_name 'no/region' doesn't match a supported format.:"
            " set AWS_DEFAULT_REGION to a region such as us-east-1",
        ),
        (UnauthorizedSSOTokenError(), "the AWS SSO session is not valid: run aws sso login"),
        (ReadTimeoutError(endpoint_url=URL), "prompts: ReadTimeoutError"),
        (ConnectTimeoutError(endpoint_url=URL), UNREACHED),
    ],
)
def test_what_is_missing_is_named(error, said):
    with pytest.raises(OutsideUnavailable) as raised, outside("prompts"):
        raise error
    assert str(raised.value) == said


_BUSY = {
    *ThrottledRetryableChecker._THROTTLED_ERROR_CODES,  # type: ignore[attr-defined]  # the SDK's own list
    "ThrottledClientException",
    "ExecutionLimitExceeded",
    "OverLimit",
} - {"EC2ThrottledException"}


@pytest.mark.parametrize("code", sorted(_BUSY))
def test_a_service_that_is_busy_is_unavailable_whatever_it_calls_that(code):
    refusal = ClientError({"Error": {"Code": code}, "ResponseMetadata": {"HTTPStatusCode": 400}}, "Any")  # type: ignore[typeddict-item]
    with pytest.raises(OutsideUnavailable), outside("anything"):
        raise refusal


@pytest.mark.parametrize(
    ("code", "cure"),
    [
        ("AccessDeniedException", "its permissions are those of AWS_PROFILE or AWS_ACCESS_KEY_ID"),
        ("ExpiredTokenException", "renew the credentials"),
        ("UnrecognizedClientException", "check AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY"),
        ("ResourceNotFoundException", "check --stack, or what was named in place of its outputs"),
        ("ValidationException", ""),
    ],
)
def test_what_aws_refuses_is_said_in_its_words_and_with_what_to_do(code, cure):
    refused = ClientError({"Error": {"Code": code, "Message": "No."}}, "GetItem")
    with pytest.raises(OutsideUnavailable) as raised, refusals(), outside("accounts"):
        raise refused
    assert str(raised.value) == f"{refused}; {cure}".removesuffix("; ")


def test_an_endpoint_that_is_no_url_is_said(monkeypatch):
    monkeypatch.setenv("AWS_ENDPOINT_URL_SWF", "nonsense")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    with pytest.raises(
        OutsideUnavailable, match=r"^Invalid endpoint: nonsense: set AWS_ENDPOINT_URL to a URL, or unset"
    ):
        client("swf", NORMAL)
