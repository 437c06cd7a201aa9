"""The digests, against numbers that were worked out apart from this code (HMAC-SHA256, SHA-256, Base64)."""

from hypothesis import given
from hypothesis import strategies as st

from duologue.domain.access.accounts import PushSignature
from duologue.wire.huawei.digests import push_digest, same, username_token

SECRET = "ExampleSecret0123456789abcd"
NONCE = "66C92B11FF8A425FB8D4CCFE0ED9ED1F"
CREATED = "2026-01-15T09:30:00Z"
URL = "http://127.0.0.1:9999/status"


def test_the_signature_of_a_push_with_and_without_line_feeds():
    assert push_digest(SECRET, URL, NONCE, CREATED) == "ULg6MNVhxpSrS+o69tJxcjCOh0eVcRntSnXbHXcFvE0="
    assert (
        push_digest(SECRET, URL, NONCE, CREATED, PushSignature.JOINED) == "OIQXB9XPQXLacGbC8Snkfy+jKQo42/g06uyrQtpOPYc="
    )


def test_the_header_that_carries_a_digest():
    assert (
        username_token("key", "d=", "n", "t")
        == 'UsernameToken Username="key",PasswordDigest="d=",Nonce="n",Created="t"'
    )


@given(st.text(), st.text())
def test_comparing_is_equality_of_any_text(one, other):
    assert same(one, one)
    assert same(one, other) == (one == other)
