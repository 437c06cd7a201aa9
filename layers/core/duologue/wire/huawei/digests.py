"""The format's digests: two that authenticate an SP, one that signs notifications.

Each takes the app's secret and returns standard Base64 with padding. Comparison is constant-time.

Invariant: the signature of a notification authenticates no request, and the digest of a request signs no notification.
AKSK and both forms of the signature are HMACs with the same key, and the format has no room for a label in what they
sign. But a signature's message begins with a URL, so a request whose message begins with one is refused
(`may_sign_push`). WSSE is not an HMAC; the same rule applies to it, so that there is one.
"""

import base64
import hashlib
import hmac
import re

from duologue.domain.access.accounts import PushSignature

# What every `domain.notifying.sp_url.SpUrl` begins with.
_URL = re.compile(r"https?://", re.IGNORECASE)

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


def may_sign_push(nonce: str) -> bool:
    """Whether an AKSK digest with this nonce could be the signature of a notification."""
    return bool(_URL.match(nonce))


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
