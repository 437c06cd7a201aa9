"""Passwords of SP accounts, stored as scrypt hashes (RFC 7914).

A hash includes its parameters, `scrypt$<n>$<r>$<p>$<salt>$<key>`, so that they can be raised while old hashes stay
valid.
"""

import base64
import binascii
import hashlib
import hmac

_N, _R, _P = 2**14, 8, 5
"""16 MiB and about a quarter of a second (OWASP password storage cheat sheet, the row for a small Lambda)."""
_KEY_BYTES = 32
SALT_BYTES = 16


def hash_password(password: str, salt: bytes) -> str:
    """`salt`: `SALT_BYTES` random bytes, new for every password."""
    return f"scrypt${_N}${_R}${_P}${_text(salt)}${_text(_derive(password, salt, _N, _R, _P))}"


def password_matches(password: str, hashed: str) -> bool:
    """Compare in constant time. A malformed hash matches nothing."""
    try:
        scheme, n, r, p, salt, key = hashed.split("$")
        expected = base64.b64decode(key, validate=True)
        derived = _derive(password, base64.b64decode(salt, validate=True), int(n), int(r), int(p))
    except (ValueError, binascii.Error):
        return False
    return scheme == "scrypt" and hmac.compare_digest(derived, expected)


def _derive(password: str, salt: bytes, n: int, r: int, p: int) -> bytes:
    memory = 128 * n * r + 2**20
    raw = password.encode(errors="surrogatepass")
    return hashlib.scrypt(raw, salt=salt, n=n, r=r, p=p, maxmem=memory, dklen=_KEY_BYTES)


def _text(raw: bytes) -> str:
    return base64.b64encode(raw).decode()
