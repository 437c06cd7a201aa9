"""Prompts as objects in the bucket that the telephone network reads."""

from collections.abc import Callable
from typing import TYPE_CHECKING

from botocore.exceptions import ClientError

from duologue.adapters.basics.aws import code_of, outside
from duologue.call_control.prompts import PromptAudio
from duologue.domain.errors import OutsideUnavailable

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

_WHAT = "prompts bucket"


class S3Prompts:
    """Implements `usecases.ports.outside.Prompts`."""

    def __init__(self, client: "S3Client", bucket: str, key_of: Callable[[PromptAudio], str]) -> None:
        """`key_of`: the key at which calls look for a prompt."""
        self._client = client
        self._bucket = bucket
        self._key_of = key_of

    def put(self, prompt: PromptAudio, wav: bytes) -> None:
        """Raises OutsideUnavailable, also if the bucket does not exist or access is denied."""
        try:
            with outside(_WHAT):
                self._client.put_object(
                    Bucket=self._bucket, Key=self._key_of(prompt), Body=wav, ContentType="audio/wav"
                )
        except ClientError as error:
            raise OutsideUnavailable(f"{_WHAT}: {code_of(error)}") from error

    def remove(self, prompt: PromptAudio) -> None:
        """Raises as `put`."""
        try:
            with outside(_WHAT):
                self._client.delete_object(Bucket=self._bucket, Key=self._key_of(prompt))
        except ClientError as error:
            raise OutsideUnavailable(f"{_WHAT}: {code_of(error)}") from error
