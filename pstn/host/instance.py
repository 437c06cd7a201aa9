"""The instance metadata service of EC2, version 2 only (a token for each session).

https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/configuring-instance-metadata-service.html
"""

import urllib.error
import urllib.request

ADDRESS = "http://169.254.169.254"
_TIMEOUT_S = 2.0
_TOKEN_S = 21_600


class Instance:
    def __init__(self, address: str = ADDRESS) -> None:
        self._address = address

    def get(self, path: str) -> str | None:
        """An item below `latest/meta-data/`; None: there is none. Raises: OSError (the service does not answer)."""
        request = urllib.request.Request(  # noqa: S310 - http, to an address of this machine's own
            f"{self._address}/latest/api/token",
            method="PUT",
            headers={"X-aws-ec2-metadata-token-ttl-seconds": str(_TOKEN_S)},
        )
        token = _read(request)
        asked = f"{self._address}/latest/meta-data/{path}"
        try:
            return _read(urllib.request.Request(asked, headers={"X-aws-ec2-metadata-token": token}))  # noqa: S310
        except urllib.error.HTTPError as error:
            if error.code == 404:
                return None
            raise

    def must(self, path: str) -> str:
        """Raises: LookupError (there is no such item), OSError."""
        found = self.get(path)
        if found is None:
            raise LookupError(f"no {path} in the metadata of the instance")
        return found


def _read(request: urllib.request.Request) -> str:
    with urllib.request.urlopen(request, timeout=_TIMEOUT_S) as answer:  # noqa: S310
        text: str = answer.read().decode()
        return text
