"""Recordings in S3, and presigned URLs to them.

The role needs `s3:ListBucket` besides `s3:GetObject`: without it S3 answers 403, not 404, for a missing key.
"""

from datetime import timedelta
from typing import TYPE_CHECKING

from botocore.exceptions import ClientError

from duologue.adapters.aws import outside

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

_ABSENT = 404
_WAV = "audio/wav"


class S3Recordings:
    """Implements `usecases.ports.recordings.Recordings`."""

    def __init__(self, client: "S3Client", bucket: str) -> None:
        self._client = client
        self._bucket = bucket

    def holds(self, key: str) -> bool:
        try:
            with outside("recordings bucket"):
                self._client.head_object(Bucket=self._bucket, Key=key)
        except ClientError as error:
            if error.response.get("ResponseMetadata", {}).get("HTTPStatusCode") == _ABSENT:
                return False
            raise
        return True

    def remove(self, key: str) -> None:
        with outside("recordings bucket"):
            self._client.delete_object(Bucket=self._bucket, Key=key)

    def url(self, key: str, good_for: timedelta) -> str:
        name = key.rsplit("/", 1)[-1]
        wanted = {
            "Bucket": self._bucket,
            "Key": key,
            "ResponseContentType": _WAV,
            "ResponseContentDisposition": f'attachment; filename="{name}"',
        }
        seconds = int(good_for.total_seconds())
        return self._client.generate_presigned_url("get_object", Params=wanted, ExpiresIn=seconds)
