"""AWS that cannot be used is said so that an operator can mend it."""

import pytest
from botocore.exceptions import ConnectTimeoutError, EndpointConnectionError, NoCredentialsError, NoRegionError

from duologue.adapters.aws import outside
from duologue.domain.errors import OutsideUnavailable

URL = "https://bucket.s3.amazonaws.com/apps/key/hello.wav"


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (NoRegionError(), "no AWS region: set AWS_DEFAULT_REGION or AWS_PROFILE"),
        (NoCredentialsError(), "no AWS credentials: set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or AWS_PROFILE"),
        (EndpointConnectionError(endpoint_url=URL), "prompts: cannot reach https://bucket.s3.amazonaws.com"),
        (ConnectTimeoutError(endpoint_url=URL), "prompts: cannot reach https://bucket.s3.amazonaws.com"),
    ],
)
def test_what_is_missing_is_named(error, said):
    with pytest.raises(OutsideUnavailable) as raised, outside("prompts"):
        raise error
    assert str(raised.value) == said
