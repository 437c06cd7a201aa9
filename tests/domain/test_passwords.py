"""Password hashes."""

import base64
import hashlib

import pytest

from duologue.domain.access.passwords import hash_password, password_matches

SALT = bytes(range(16))


def test_only_the_password_matches_its_hash():
    hashed = hash_password("correct horse", SALT)
    assert password_matches("correct horse", hashed)
    assert not password_matches("correct horsf", hashed)
    assert "correct" not in hashed


def test_to_guess_one_costs_as_much_as_is_said():
    assert hash_password("x", SALT).startswith("scrypt$16384$8$5$")


def test_the_hash_carries_its_parameters_so_that_older_ones_stay_good():
    key = hashlib.scrypt(b"old", salt=SALT, n=2**4, r=8, p=1, dklen=32)
    old = f"scrypt$16$8$1${base64.b64encode(SALT).decode()}${base64.b64encode(key).decode()}"
    assert password_matches("old", old)


@pytest.mark.parametrize(
    "broken", ["", "scrypt", "md5$1$1$1$AA==$AA==", "scrypt$x$8$1$AA==$AA==", "scrypt$3$8$1$AA==$AA=="]
)
def test_a_hash_that_cannot_be_read_matches_nothing(broken):
    assert not password_matches("x", broken)


def test_another_scheme_is_not_read_as_this_one():
    hashed = hash_password("x", SALT)
    assert not password_matches("x", hashed.replace("scrypt", "argon2"))


def test_a_password_of_any_text_is_hashed():
    assert password_matches("päss\ud800", hash_password("päss\ud800", SALT))
