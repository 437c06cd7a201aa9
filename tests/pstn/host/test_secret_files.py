"""Secrets of Secrets Manager become files that only their owner can read."""

import json
from pathlib import Path

import botocore.session
import pytest
from botocore.exceptions import ClientError
from botocore.stub import Stubber

from pstn.host.secret_files import BadSecret, write


@pytest.fixture
def secrets():
    client = botocore.session.get_session().create_client("secretsmanager", region_name="us-east-1")
    with Stubber(client) as stubber:
        yield client, stubber


def _has(stubber: Stubber, name: str, text: str, **version: str) -> None:
    stubber.add_response("get_secret_value", {"Name": name, "SecretString": text}, {"SecretId": name, **version})


def _lacks(stubber: Stubber, name: str, stage: str) -> None:
    asked = {"SecretId": name, "VersionStage": stage}
    stubber.add_client_error("get_secret_value", "ResourceNotFoundException", expected_params=asked)


def test_each_member_becomes_a_file_and_an_old_one_goes(secrets, tmp_path: Path):
    client, stubber = secrets
    folder = tmp_path / "secrets"
    _has(stubber, "node", json.dumps({"NODE_SECRET": "new", "NODE_SECRET_BEFORE": "old"}))
    _has(stubber, "trunks", json.dumps({"TRUNK_SECRET": 'quote" and\nline'}))
    assert write(client, ["node", "trunks"], folder) == ["NODE_SECRET", "NODE_SECRET_BEFORE", "TRUNK_SECRET"]
    assert (folder / "TRUNK_SECRET").read_text() == 'quote" and\nline'
    assert {path.stat().st_mode & 0o777 for path in folder.iterdir()} == {0o600}
    assert folder.stat().st_mode & 0o777 == 0o700

    _has(stubber, "node", json.dumps({"NODE_SECRET": "newer"}))
    write(client, ["node"], folder)
    assert {path.name: path.read_text() for path in folder.iterdir()} == {"NODE_SECRET": "newer"}


@pytest.mark.parametrize(
    "text", ["hush", '["hush"]', '{"A": 7}', '{"A": ""}', '{"../hush": "hush"}', '{".hush": "hush"}']
)
def test_what_is_no_object_of_texts_is_refused_without_a_word_of_it(secrets, tmp_path: Path, text: str):
    client, stubber = secrets
    _has(stubber, "node", text)
    with pytest.raises(BadSecret, match="node: ") as refused:
        write(client, ["node"], tmp_path / "secrets")
    assert '"hush"' not in str(refused.value)
    assert not (tmp_path / "secrets").exists()


@pytest.mark.parametrize(("stages", "other"), [([], "a"), (["AWSPREVIOUS"], "b"), (["AWSPENDING", "AWSPREVIOUS"], "b")])
def test_a_secret_that_is_exchanged_has_two_files(secrets, tmp_path: Path, stages: list[str], other: str):
    """A node accepts both: the next one before the platform signs with it, and the last one after that."""
    client, stubber = secrets
    _has(stubber, "node", "a")
    for stage in ("AWSPENDING", "AWSPREVIOUS"):
        if stage in stages:
            _has(stubber, "node", "b", VersionStage=stage)
            break
        _lacks(stubber, "node", stage)
    write(client, ["NODE_SECRET=node"], tmp_path)
    assert {path.name: path.read_text() for path in tmp_path.iterdir()} == {
        "NODE_SECRET": "a",
        "NODE_SECRET.other": other,
    }
    stubber.assert_no_pending_responses()


def test_two_values_for_one_name_are_refused(secrets, tmp_path: Path):
    client, stubber = secrets
    _has(stubber, "one", '{"A": "x"}')
    _has(stubber, "other", '{"A": "y"}')
    with pytest.raises(BadSecret, match="A: two secrets"):
        write(client, ["one", "other"], tmp_path / "secrets")


def test_a_secret_that_cannot_be_read_changes_no_file(secrets, tmp_path: Path):
    client, stubber = secrets
    (tmp_path / "A").write_text("before")
    _has(stubber, "one", '{"A": "after"}')
    stubber.add_client_error("get_secret_value", "AccessDeniedException", expected_params={"SecretId": "other"})
    with pytest.raises(ClientError):
        write(client, ["one", "other"], tmp_path)
    assert (tmp_path / "A").read_text() == "before"
