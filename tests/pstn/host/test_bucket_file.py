"""trunks.yaml comes from a bucket, and is root's alone."""

import io
from pathlib import Path

import botocore.session
import pytest
from botocore.response import StreamingBody
from botocore.stub import Stubber

from pstn.host.bucket_file import fetch


def test_it_replaces_the_file_at_once(tmp_path: Path):
    client = botocore.session.get_session().create_client("s3", region_name="us-east-1")
    into = tmp_path / "trunks.yaml"
    into.write_text("before")
    into.chmod(0o644)
    with Stubber(client) as stubber:
        stubber.add_client_error("get_object", "NoSuchKey", expected_params={"Bucket": "b", "Key": "trunks.yaml"})
        with pytest.raises(client.exceptions.ClientError):
            fetch(client, "b/trunks.yaml", into)
        assert into.read_text() == "before"
        body = StreamingBody(io.BytesIO(b"after"), 5)
        stubber.add_response("get_object", {"Body": body}, {"Bucket": "b", "Key": "a/trunks.yaml"})
        fetch(client, "b/a/trunks.yaml", into)
    assert (into.read_text(), into.stat().st_mode & 0o777, len([*tmp_path.iterdir()])) == ("after", 0o600, 1)


@pytest.mark.parametrize("place", ["", "bucket", "/key", "bucket/"])
def test_a_place_has_a_bucket_and_a_key(place: str, tmp_path: Path):
    with pytest.raises(ValueError, match="BUCKET/KEY"):
        fetch(None, place, tmp_path / "trunks.yaml")
