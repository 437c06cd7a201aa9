"""The digests, against numbers that were worked out apart from this code (HMAC-SHA256, SHA-256, Base64)."""

from hypothesis import given
from hypothesis import strategies as st

from duologue.domain.accounts import PushSignature
from duologue.wire.huawei.digests import aksk_digest, push_digest, same, username_token, wsse_digests

SECRET = "ExampleSecret0123456789abcd"
NONCE = "66C92B11FF8A425FB8D4CCFE0ED9ED1F"
CREATED = "2026-01-15T09:30:00Z"
URL = "http://127.0.0.1:9999/status"


def test_the_current_scheme():
    assert aksk_digest(SECRET, NONCE, CREATED) == "UWffVjdCq1KDoWTNtOkpgyeWHFzOID1YXcYANQI7jsY="


def test_the_older_scheme_in_both_spellings():
    assert wsse_digests(SECRET, NONCE, CREATED) == (
        "YzhmNmQyNmQzZWJkZmE3YTM0NjZkMmJhNWU4ZjNiMjBlZDMyOTA3MGExYTNiNTA4ZGU0MzFlMWViZWZhNDM1Nw==",
        "yPbSbT69+no0ZtK6Xo87IO0ykHCho7UI3kMeHr76Q1c=",
    )


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
