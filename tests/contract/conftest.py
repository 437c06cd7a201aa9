"""The AWS services that an adapter must work with alike: moto's, and the local cloud's.

A test that asks for `aws` runs with each. It gets a maker of clients; what it needs in them it makes itself.
"""

from collections.abc import Callable, Iterator
from typing import Any

import boto3
import pytest
from moto import mock_aws

from lab.aws.cloud import Cloud
from tests.light_moto import lighten

lighten()

Clients = Callable[[str], Any]


@pytest.fixture(scope="module", params=["moto", "lab"])
def aws(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Clients]:
    if request.param == "moto":
        with mock_aws():
            yield lambda service: boto3.client(
                service, region_name="us-east-1", aws_access_key_id="testing", aws_secret_access_key="testing"
            )
    else:
        with Cloud(auth=True, state_dir=tmp_path_factory.mktemp("lab")) as cloud:
            yield cloud.client
