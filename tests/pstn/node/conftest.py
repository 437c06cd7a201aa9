"""AWS in this process, and nodes over it."""

from collections.abc import Callable, Iterator

import pytest
from moto import mock_aws

from tests.pstn.node.fixtures import BUCKET, NODES, PROMPTS, Functions, Running, client, make_table, settings


@pytest.fixture
def aws(monkeypatch):
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "test")
    with mock_aws():
        yield


@pytest.fixture
def dynamodb(aws):
    made = client("dynamodb")
    make_table(made, NODES)
    return made


@pytest.fixture
def s3(aws):
    made = client("s3")
    for bucket in (BUCKET, PROMPTS):
        made.create_bucket(Bucket=bucket)
    return made


@pytest.fixture
def start(dynamodb, s3, tmp_path) -> Iterator[Callable[..., Running]]:
    """Starts a node; `changed`: of its settings."""
    running: list[Running] = []

    def begin(functions: Functions | None = None, **changed: object) -> Running:
        running.append(Running(settings(tmp_path, **changed), functions or Functions()))
        return running[-1]

    yield begin
    for each in running:
        each.close()
