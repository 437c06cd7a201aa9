"""The format's digests: two that authenticate an SP, one that signs notifications.

Each takes the app's secret and returns standard Base64 with padding. Comparison is constant-time.
"""

import base64
import hashlib
import hmac

from duologue.domain.accounts import PushSignature

AUTHORIZATION = 'AKSK realm="SDP",profile="UsernameToken",type="Appkey"'


def aksk_digest(secret: str, nonce: str, created: str) -> str:
    """The current scheme: HMAC-SHA256 of nonce and time with the secret."""
    return _hmac(secret, nonce + created)


def wsse_digests(secret: str, nonce: str, created: str) -> tuple[str, str]:
    """The older scheme in the two encodings that clients use: of the hexadecimal digest, and of the raw bytes."""
    digest = hashlib.sha256((nonce + created + secret).encode())
    return _base64(digest.hexdigest().encode()), _base64(digest.digest())


def push_digest(secret: str, url: str, nonce: str, created: str, signature: PushSignature = PushSignature.LINES) -> str:
    """The signature of one notification. `url`: as the SP configured it, decoded.

    The format's pages of 2026 put line feeds between the parts, those of 2022 to 2024 concatenate them.
    """
    glue = "\n" if signature is PushSignature.LINES else ""
    return _hmac(secret, glue.join((url, nonce, created)))


def username_token(app_key: str, digest: str, nonce: str, created: str) -> str:
    """The header value with a digest."""
    return f'UsernameToken Username="{app_key}",PasswordDigest="{digest}",Nonce="{nonce}",Created="{created}"'


def same(given: str, expected: str) -> bool:
    """Compare two digests or secrets in constant time."""
    return hmac.compare_digest(given.encode(errors="surrogatepass"), expected.encode(errors="surrogatepass"))


def _hmac(secret: str, message: str) -> str:
    return _base64(hmac.digest(secret.encode(), message.encode(), "sha256"))


def _base64(raw: bytes) -> str:
    return base64.b64encode(raw).decode()
