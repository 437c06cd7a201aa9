"""The tokens of the links in CDRs: an HMAC of the call, with a key that never leaves AWS KMS.

So a token is not stored, is the same in every repeat, and cannot be created by someone with access to our tables.
"""

import base64
import re
from typing import TYPE_CHECKING, Final

from botocore.exceptions import ClientError

from duologue.adapters.basics.aws import code_of, outside

if TYPE_CHECKING:
    from mypy_boto3_kms import KMSClient

_ALGORITHM: Final = "HMAC_SHA_256"
_TOKEN = re.compile(r"[0-9A-Za-z_-]{43}")
"""256 bits in URL-safe Base64, without padding."""
_WHAT = "key service"


class KmsLinkTokens:
    """Implements `usecases.ports.recordings.LinkTokens`."""

    def __init__(self, client: "KMSClient", key_id: str) -> None:
        self._client = client
        self._key_id = key_id

    def token_of(self, app: str, call_id: str) -> str:
        """Raises OutsideUnavailable."""
        with outside(_WHAT):
            made = self._client.generate_mac(
                KeyId=self._key_id, MacAlgorithm=_ALGORITHM, Message=_message(app, call_id)
            )
        return base64.urlsafe_b64encode(made["Mac"]).rstrip(b"=").decode()

    def proves(self, token: str, app: str, call_id: str) -> bool:
        """Raises OutsideUnavailable."""
        if not _TOKEN.fullmatch(token):
            return False
        mac = base64.urlsafe_b64decode(token + "=")
        try:
            with outside(_WHAT):
                self._client.verify_mac(
                    KeyId=self._key_id, MacAlgorithm=_ALGORITHM, Message=_message(app, call_id), Mac=mac
                )
        except ClientError as error:
            if code_of(error) == "KMSInvalidMacException":
                return False
            raise
        return True


def _message(app: str, call_id: str) -> bytes:
    """States the purpose, so that no other use of the key can create a link."""
    return f"link in the CDR: {app} {call_id}".encode()
