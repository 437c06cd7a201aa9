"""Recordings in S3, and presigned URLs to them.

The role needs `s3:ListBucket` besides `s3:GetObject`: without it S3 answers 403, not 404, for a missing key.
"""

from datetime import timedelta
from typing import TYPE_CHECKING

from botocore.exceptions import ClientError

from duologue.adapters.basics.aws import outside, status_of
from duologue.domain.errors import UnknownLink
from duologue.domain.media.byte_range import ByteRange
from duologue.domain.media.recording_link import file_name

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

_ABSENT = 404
_WAV = "audio/wav"


class S3Recordings:
    """Implements `usecases.ports.recordings.Recordings`."""

    def __init__(self, client: "S3Client", bucket: str) -> None:
        self._client = client
        self._bucket = bucket

    def size(self, key: str) -> int | None:
        try:
            with outside("recordings bucket"):
                return self._client.head_object(Bucket=self._bucket, Key=key)["ContentLength"]
        except ClientError as error:
            if status_of(error) == _ABSENT:
                return None
            raise

    def read(self, key: str, part: ByteRange) -> bytes:
        asked = f"bytes={part.first}-{part.last}"
        try:
            with outside("recordings bucket"):
                return self._client.get_object(Bucket=self._bucket, Key=key, Range=asked)["Body"].read()
        except ClientError as error:
            if status_of(error) == _ABSENT:
                raise UnknownLink("the recording was deleted") from error
            raise

    def remove(self, key: str) -> None:
        with outside("recordings bucket"):
            self._client.delete_object(Bucket=self._bucket, Key=key)

    def erase(self, key: str) -> None:
        """It needs `s3:ListBucketVersions` and `s3:DeleteObjectVersion`, which no function has.

        A bucket without versions lists each file as the version `null`.
        """
        with outside("recordings bucket"):
            pages = self._client.get_paginator("list_object_versions").paginate(Bucket=self._bucket, Prefix=key)
            for page in pages:
                for each in (*page.get("Versions", []), *page.get("DeleteMarkers", [])):
                    if each["Key"] == key:
                        self._client.delete_object(Bucket=self._bucket, Key=key, VersionId=each["VersionId"])

    def url(self, key: str, good_for: timedelta, *, is_head: bool = False) -> str:
        """For HEAD without the headers of a download: older versions of boto3 cannot ask for them there."""
        wanted, seconds = {"Bucket": self._bucket, "Key": key}, int(good_for.total_seconds())
        if is_head:
            return self._client.generate_presigned_url("head_object", Params=wanted, ExpiresIn=seconds)
        saved_as = f'attachment; filename="{file_name(key)}"'
        wanted |= {"ResponseContentType": _WAV, "ResponseContentDisposition": saved_as}
        return self._client.generate_presigned_url("get_object", Params=wanted, ExpiresIn=seconds)
