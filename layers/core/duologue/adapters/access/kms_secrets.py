"""App secrets, encrypted by AWS KMS and bound to their app: copied to another app's row they do not decrypt."""

from typing import TYPE_CHECKING, Final

from duologue.adapters.basics.aws import outside

if TYPE_CHECKING:
    from mypy_boto3_kms import KMSClient

CONTEXT: Final = "app"
"""The encryption context's only key; roles in template.yaml name it."""
_MOST_REMEMBERED = 1000


class KmsSecrets:
    """Caches decrypted secrets for the life of the process: one KMS request per app, not per request."""

    def __init__(self, client: "KMSClient", key_id: str = "") -> None:
        """`key_id`: needed to encrypt, not to decrypt."""
        self._client = client
        self._key_id = key_id
        self._opened: dict[tuple[str, bytes], str] = {}

    def seal(self, app_key: str, secret: str) -> bytes:
        """Raises OutsideUnavailable."""
        with outside("key service"):
            sealed = self._client.encrypt(
                KeyId=self._key_id, Plaintext=secret.encode(), EncryptionContext={CONTEXT: app_key}
            )
        return sealed["CiphertextBlob"]

    def open(self, app_key: str, sealed: bytes) -> str:
        """Raises OutsideUnavailable."""
        if (app_key, sealed) not in self._opened:
            with outside("key service"):
                opened = self._client.decrypt(CiphertextBlob=sealed, EncryptionContext={CONTEXT: app_key})
            if len(self._opened) >= _MOST_REMEMBERED:
                self._opened.clear()
            self._opened[app_key, sealed] = opened["Plaintext"].decode()
        return self._opened[app_key, sealed]
