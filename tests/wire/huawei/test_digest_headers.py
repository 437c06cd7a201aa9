"""The headers of a digest: the worked numbers to the letter, and nothing that a client could send breaks the reader."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from duologue.domain.access.accounts import PushSignature
from duologue.domain.access.credentials import AccessToken, AppDigest
from duologue.domain.errors import InvalidField, RequestRefused, RequestStale
from duologue.domain.notifying.sp_url import SpUrl
from duologue.wire.huawei.credentials import read_credentials
from duologue.wire.huawei.digest_headers import read_digest
from duologue.wire.huawei.digests import aksk_digest, push_digest, wsse_digests
from duologue.wire.huawei.header_faults import Fault, HeaderFault
from duologue.wire.huawei.results import HEADER_ROWS, failure

SECRET = "ExampleSecret0123456789abcd"
NONCE = "66C92B11FF8A425FB8D4CCFE0ED9ED1F"
CREATED = "2026-01-15T09:30:00Z"
KIND = 'realm="SDP",profile="UsernameToken",type="Appkey"'
AKSK = "UWffVjdCq1KDoWTNtOkpgyeWHFzOID1YXcYANQI7jsY="
WSSE_HEX = "YzhmNmQyNmQzZWJkZmE3YTM0NjZkMmJhNWU4ZjNiMjBlZDMyOTA3MGExYTNiNTA4ZGU0MzFlMWViZWZhNDM1Nw=="
WSSE_RAW = "yPbSbT69+no0ZtK6Xo87IO0ykHCho7UI3kMeHr76Q1c="


def headers(scheme: str, digest: str, nonce: str = NONCE, created: str = CREATED) -> dict[str, str]:
    token = f'UsernameToken Username="k1",PasswordDigest="{digest}",Nonce="{nonce}",Created="{created}"'
    return {"authorization": f"{scheme} {KIND}", f"x-{scheme.lower()}": token}


@pytest.mark.parametrize(("scheme", "digest"), [("AKSK", AKSK), ("WSSE", WSSE_HEX), ("WSSE", WSSE_RAW)])
def test_the_worked_digests_to_the_letter(scheme, digest):
    read = read_digest(headers(scheme, digest))
    assert (read.app_key, read.nonce) == ("k1", NONCE)
    assert read.created == (datetime(2026, 1, 15, 9, 30, tzinfo=UTC), datetime(2026, 1, 15, 1, 30, tzinfo=UTC))
    assert read.proves(SECRET)
    assert not read.proves(SECRET.lower())
    for place in range(len(digest)):
        letter = "A" if digest[place] != "A" else "B"
        assert not read_digest(headers(scheme, digest[:place] + letter + digest[place + 1 :])).proves(SECRET)
    assert not read_digest(headers(scheme, digest, created="2026-01-15T09:30:01Z")).proves(SECRET)
    assert not read_digest(headers(scheme, digest, nonce=NONCE[:-1] + "0")).proves(SECRET)


def test_a_digest_and_its_proof_are_not_shown():
    shown = repr(read_digest(headers("AKSK", AKSK)))
    assert AKSK not in shown and SECRET not in shown


def test_every_fault_has_a_code_of_its_own_and_400():
    assert len({fault.code for fault in Fault}) == len(Fault) == len(HEADER_ROWS)
    for fault in Fault:
        answer = failure(HeaderFault(fault))
        assert (answer.status, answer.body) == (400, {"resultcode": fault.code, "resultdesc": fault.text})


_NAMES = "AKSK WSSE UsernameToken Username PasswordDigest Nonce Created realm profile type SDP Appkey".split()
_TIMES = [CREATED, "9999-12-31T23:59:59Z", "0001-01-01T00:00:00.5Z"]
WORDS = st.sampled_from([*_NAMES, *_TIMES, "=", '"', ",", " ", "\ud800", "é", ""])
HEADERS = st.dictionaries(
    st.sampled_from(["authorization", "x-aksk", "x-wsse", "x-other"]),
    st.lists(WORDS | st.text(max_size=5), max_size=40).map("".join),
)
QUERIES = st.dictionaries(st.sampled_from(["app_key", "access_token", "format"]), st.text(max_size=5) | WORDS)


@given(QUERIES, HEADERS)
def test_whatever_is_sent_is_read_or_refused_by_name(query, sent):
    try:
        read = read_credentials(query, sent)
    except RequestRefused as error:
        assert 400 <= failure(error).status < 500
        return
    assert isinstance(read, AccessToken) or read.proves(SECRET) in (True, False)


LONGEST = 2048


@pytest.mark.parametrize(
    ("name", "before", "header", "begins"),
    [
        ("Authorization", {}, "authorization", "AKSK "),
        ("X-AKSK", {"authorization": f"AKSK {KIND}"}, "x-aksk", "UsernameToken "),
        ("X-WSSE", {"authorization": f"WSSE {KIND}"}, "x-wsse", "UsernameToken "),
    ],
)
@pytest.mark.parametrize("run", ["a", " ", "a ", 'a="', "a="])
def test_a_header_longer_than_the_longest_is_refused_unread(name, before, header, begins, run):
    """Anybody may send one, and no pattern is tried on it: neither has proved anything yet. The longest is read."""
    longest = (begins + run * LONGEST)[:LONGEST]
    with pytest.raises(HeaderFault):
        read_digest(before | {header: longest})
    with pytest.raises(InvalidField, match=f"^{name} is longer than {LONGEST} characters"):
        read_digest(before | {header: longest + "a"})


def test_the_longest_parts_that_are_good_together_are_read():
    sent = headers("WSSE", WSSE_HEX, nonce="n" * 128)
    sent["x-wsse"] = sent["x-wsse"].replace('"k1"', f'"{"k" * 512}"')
    assert read_digest(sent).app_key == "k" * 512


@given(st.sampled_from(["AKSK", "WSSE"]), st.text(), st.text(), st.sampled_from([CREATED, "9999-12-31T23:59:59Z"]))
def test_a_whole_digest_of_any_text_is_read_or_refused_by_name(scheme, digest, nonce, created):
    try:
        read = read_digest(headers(scheme, digest, nonce, created))
    except RequestRefused:
        return
    assert isinstance(read, AppDigest)
    assert not read.proves(SECRET)


HALF_PAST_NINE = datetime(2026, 1, 15, 9, 30, tzinfo=UTC)
IN_CHINA = HALF_PAST_NINE - timedelta(hours=8)
MOMENTS = {
    "2026-01-15T09:30:00Z": {HALF_PAST_NINE, IN_CHINA},
    "2026-01-15t09:30:00z": {HALF_PAST_NINE, IN_CHINA},
    "2026-01-15 09:30:00Z": {HALF_PAST_NINE, IN_CHINA},
    "2026-01-15T09:30:00.1Z": {HALF_PAST_NINE, IN_CHINA},
    "2026-01-15T09:30:00.1234567Z": {HALF_PAST_NINE, IN_CHINA},  # .NET, "o"
    "2026-01-15T09:30:00.123456789Z": {HALF_PAST_NINE, IN_CHINA},  # Go, RFC3339Nano
    f"2026-01-15T09:30:00.{'9' * 100}Z": {HALF_PAST_NINE, IN_CHINA},
    "2026-01-15T09:29:60Z": {HALF_PAST_NINE, IN_CHINA},
    "2026-01-15T09:30:00+00:00": {HALF_PAST_NINE},  # Python, isoformat
    "2026-01-15T09:30:00.123456+00:00": {HALF_PAST_NINE},
    "2026-01-15T09:30:00-00:00": {HALF_PAST_NINE},
    "2026-01-15T09:30:00+0000": {HALF_PAST_NINE},  # Java, pattern Z
    "2026-01-15T17:30:00+08:00": {HALF_PAST_NINE},
    "2026-01-15T04:30:00-05:00": {HALF_PAST_NINE},
    "2026-01-16T09:29:00+23:59": {HALF_PAST_NINE},
}
NO_TIMES = """
2026-01-15T09:30:00
2026-01-15T9:30:00Z
2026-01-15T09:30Z
2026-01-15T09:30:00.Z
2026-01-15T09:30:61Z
2026-01-15T24:00:00Z
2026-02-30T09:30:00Z
2026-01-15T09:30:00+24:00
2026-01-15T09:30:00+00:60
2026-01-15T09:30:00+08
2026-01-15T09:30:00Z+08:00
２026-01-15T09:30:00Z
0001-01-01T00:00:00Z
0001-01-01T00:00:00+00:01
9999-12-31T23:59:59-00:01
""".split("\n")[1:-1]


@pytest.mark.parametrize("created", MOMENTS)
def test_a_time_as_libraries_write_it(created):
    assert set(read_digest(headers("AKSK", "d", created=created)).created) == MOMENTS[created]


@pytest.mark.parametrize("created", NO_TIMES)
def test_what_is_no_time(created):
    with pytest.raises(RequestStale):
        read_digest(headers("AKSK", "d", created=created))


@pytest.mark.parametrize("nonce", ["a\nb", "a\x00", "n" * 129])
@pytest.mark.parametrize("scheme", ["AKSK", "WSSE"])
def test_a_nonce_is_printable_and_not_long(scheme, nonce):
    with pytest.raises(InvalidField, match=r"^Nonce must have 1 to 128 printable characters$"):
        read_digest(headers(scheme, "d", nonce))


ODD_NONCES = ["12:30", "2026-01-15 09:30:00", "urn:uuid:1", "http", "http:", "a/b+c==", "{1}", "随机"]


@pytest.mark.parametrize("nonce", ODD_NONCES)
@pytest.mark.parametrize("scheme", ["AKSK", "WSSE"])
def test_a_nonce_that_no_signature_of_a_push_could_have_is_taken(scheme, nonce):
    assert read_digest(headers(scheme, "d", nonce)).nonce == nonce


_SCHEMES = st.sampled_from(["http://", "https://", "HTTP://", "HtTpS://"])
_HOSTS = st.sampled_from(["sp.example.com", "127.0.0.1:8080", "[::1]"])
_PATHS = st.text("abcXYZ019-._~/?&=%:", max_size=30)
URLS = st.builds("{}{}/{}".format, _SCHEMES, _HOSTS, _PATHS)
NONCES = st.text("abcdef0123456789", min_size=1, max_size=32)
TIMES = st.datetimes(datetime(1000, 1, 1)).map("{:%Y-%m-%dT%H:%M:%SZ}".format) | st.sampled_from(
    [CREATED, "2026-01-15T17:30:00.5+08:00"]
)


def divisions(text: str, glue: str = "") -> list[tuple[str, str]]:
    return [(text[:cut].removesuffix(glue), text[cut:]) for cut in range(1, len(text))]


@given(URLS, NONCES, TIMES, st.sampled_from(PushSignature), st.sampled_from(["AKSK", "WSSE"]))
@example("http://sp.example.com/s", "n1", CREATED, PushSignature.JOINED, "AKSK")
def test_the_signature_of_a_push_proves_no_request(url, nonce, created, signature, scheme):
    """However its receiver divides what was signed into a nonce and a time."""
    SpUrl.parse(url)
    digest = push_digest(SECRET, url, nonce, created, signature)
    glue = "\n" if signature is PushSignature.LINES else ""
    signed = glue.join((url, nonce, created))
    for one, other in [(nonce, created), (url, nonce + created), *divisions(signed, glue)]:
        try:
            read = read_digest(headers(scheme, digest, one, other))
        except RequestRefused:
            continue
        assert not read.proves(SECRET)


@given(st.sampled_from(["", "http://", "HTTPS://"]), st.text(max_size=40), TIMES, st.sampled_from(PushSignature))
@example("http://", "sp.example.com/n1", CREATED, PushSignature.JOINED)
def test_the_digest_of_a_request_signs_no_push(begins, nonce, created, signature):
    """However it is divided into a URL, a nonce and a time."""
    digest = aksk_digest(SECRET, begins + nonce, created)
    try:
        read_digest(headers("AKSK", digest, begins + nonce, created))
    except RequestRefused:
        return
    for url, rest in divisions(begins + nonce):
        try:
            SpUrl.parse(url)
        except RequestRefused:
            continue
        assert push_digest(SECRET, url, rest, created, signature) != digest


@given(st.sampled_from(["AKSK", "WSSE"]), st.text("2026-15T:. Z+", max_size=40) | NONCES, TIMES)
@example("AKSK", "a2026-01-15T09:30:00.", CREATED)
def test_a_used_digest_proves_no_other_nonce_and_time(scheme, nonce, created):
    """However what was signed is divided; else it could be used again."""
    digest = aksk_digest(SECRET, nonce, created) if scheme == "AKSK" else wsse_digests(SECRET, nonce, created)[0]
    for one, other in divisions(nonce + created):
        try:
            read = read_digest(headers(scheme, digest, one, other))
        except RequestRefused:
            continue
        assert (one, other) == (nonce, created)
        assert read.proves(SECRET)
