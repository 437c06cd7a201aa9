"""A password hash that costs next to nothing to check: a hash carries its own parameters."""

import base64
import hashlib


def cheap_hash(password: str) -> str:
    salt = bytes(16)
    key = hashlib.scrypt(password.encode(), salt=salt, n=2, r=1, p=1, dklen=32)
    return f"scrypt$2$1$1${base64.b64encode(salt).decode()}${base64.b64encode(key).decode()}"
