"""The signature of requests to a node. VECTORS are the values by which another implementation is checked."""

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass

import pytest

from pstn.node.signature import BEFORE, FORWARDED, NONCE, SIGNATURE, TIME, Verifier, faults, sign

SECRET, OTHER = "an-example-secret-of-32-characters", "another-secret-with-enough-characters"
ADDRESS, NOW = "10.0.1.5:8443", 1_795_000_000
CALLS = "/sip-media-applications/duologue/calls"
CALL = f"{CALLS}/1a2b3c4d-7d9f0a52-5a0e-4d7a-9d3e-0f6a1b2c3d4e"
DIAL = b'{"FromPhoneNumber":"+12025550100","ToPhoneNumber":"+12025550110","ArgumentsMap":{"callId":"c1"}}'

# (secret, method, address, path, body, time, nonce, forwarded by) → signature; the first one by `openssl dgst` too
VECTORS = {
    "v1=a2786060f5819ac402d18290da2e9066980f6718a4917728172458b77db15d4b": (
        SECRET,
        "POST",
        ADDRESS,
        CALLS,
        DIAL,
        NOW,
        "0123456789abcdef" * 2,
        None,
    ),
    "v1=42c63c9cf3670973ba9933666b2ecf991bc88986372a144dd7a7379ec43de450": (
        SECRET,
        "POST",
        ADDRESS,
        CALL,
        b'{"Arguments":{"ask":"end"}}',
        NOW,
        "fedcba9876543210" * 2,
        "1a2b3c4d",
    ),
    "v1=77d31afcc961996679d249d288ad5b3eca9ac2637006170601062db479419f72": (
        SECRET,
        "POST",
        ADDRESS,
        CALL,
        b"",
        0,
        "0" * 32,
        None,
    ),
}


@pytest.mark.parametrize(("signature", "signed_values"), VECTORS.items())
def test_a_signature_is_that_of_the_published_values(signature, signed_values):
    secret, method, address, path, body, time, nonce, forwarded_by = signed_values
    headers = sign(secret, method, address, path, body, time=time, nonce=nonce, forwarded_by=forwarded_by)
    assert (headers[TIME], headers[NONCE]) == (str(time), nonce)
    assert headers[SIGNATURE] == signature
    assert headers.get(FORWARDED) == forwarded_by


@dataclass(frozen=True)
class Received:
    """A request that is signed as it should be, but for what a test changes."""

    headers: Mapping[str, str]
    method: str = "POST"
    path: str = CALL
    body: bytes = DIAL
    at: float = NOW
    secrets: tuple[str, ...] = (SECRET,)
    address: str = ADDRESS

    def refusal(self) -> str | None:
        verifier = Verifier(self.secrets, self.address, lambda: self.at)
        return self.by(verifier)

    def by(self, verifier: Verifier) -> str | None:
        return verifier.refusal(
            self.method, self.path, {name.lower(): value for name, value in self.headers.items()}, self.body
        )


def signed(
    secret: str = SECRET, nonce: str = "ab" * 16, forwarded_by: str | None = None, **changed: object
) -> Received:
    """`changed` after it was signed; a header by its name, None: left out."""
    headers = sign(secret, "POST", ADDRESS, CALL, DIAL, time=NOW, nonce=nonce, forwarded_by=forwarded_by)
    names = {each.lower().replace("-", "_"): each for each in (TIME, NONCE, SIGNATURE, FORWARDED)}
    for key in changed.keys() & names.keys():
        headers[names[key]] = str(changed.pop(key) or "")
    return dataclasses.replace(Received(headers), **changed)  # type: ignore[arg-type]


ACCEPTED = {
    "as signed": signed(),
    "a minute late": signed(at=NOW + 60.0),
    "a minute ahead": signed(at=NOW - 60.0),
    "by the newer of two secrets": signed(secrets=(OTHER, SECRET)),
    "by the older of two secrets": signed(OTHER, secrets=(OTHER, SECRET)),
    "passed on by a node": signed(forwarded_by="1a2b3c4d"),
}
REFUSED = {
    "by an unknown secret": (signed(OTHER), "does not match"),
    "another method": (signed(method="GET"), "does not match"),
    "another path": (signed(path=CALLS), "does not match"),
    "a query": (signed(path=f"{CALL}?operation=x"), "does not match"),
    "another body": (signed(body=DIAL + b" "), "does not match"),
    "for another node": (signed(address="10.0.1.6:8443"), "does not match"),
    "another time": (signed(x_duologue_time=str(NOW + 1)), "does not match"),
    "another nonce": (signed(x_duologue_nonce="cd" * 16), "does not match"),
    "said to be passed on": (signed(x_duologue_forwarded="1a2b3c4d"), "does not match"),
    "passed on, and hidden": (signed(forwarded_by="1a2b3c4d", x_duologue_forwarded="1a2b3c4e"), "does not match"),
    "a minute and a second late": (signed(at=NOW + 61.0), "compare the clocks"),
    "a minute and a second ahead": (signed(at=NOW - 61.0), "compare the clocks"),
    "no time": (signed(x_duologue_time=None), "not signed"),
    "a time with a fraction": (signed(x_duologue_time=f"{NOW}.0"), "not signed"),
    "no nonce": (signed(x_duologue_nonce=None), "not signed"),
    "a short nonce": (signed(x_duologue_nonce="ab"), "not signed"),
    "no signature": (signed(x_duologue_signature=None), "not signed"),
    "another version": (signed(x_duologue_signature="v2=" + "0" * 64), "not signed"),
    "letters beyond ASCII": (signed(x_duologue_signature="v1=" + "é" * 64), "not signed"),
    "a malformed node": (signed(x_duologue_forwarded="node 1"), "not the id"),
}


@pytest.mark.parametrize("received", ACCEPTED.values(), ids=ACCEPTED)
def test_a_request_is_accepted(received: Received):
    assert received.refusal() is None


@pytest.mark.parametrize(("received", "why"), REFUSED.values(), ids=REFUSED)
def test_a_request_is_refused(received: Received, why: str):
    refusal = received.refusal()
    assert refusal and why in refusal
    assert SECRET not in refusal


def test_a_nonce_is_accepted_once_for_as_long_as_its_request_would_be():
    times = [NOW - 60.0]
    verifier = Verifier((SECRET,), ADDRESS, lambda: times[0])
    assert signed().by(verifier) is None
    for times[0] in (NOW - 60.0, float(NOW), NOW + 60.0):
        assert signed().by(verifier) == "The request was received before"
        assert signed(nonce=f"{int(times[0]):032x}").by(verifier) is None


def test_a_refused_request_uses_up_no_nonce_and_old_ones_are_forgotten():
    times = [float(NOW)]
    verifier = Verifier((SECRET,), ADDRESS, lambda: times[0])
    assert signed(body=b"").by(verifier) == "The signature does not match"
    for number in range(100):
        assert signed(nonce=f"{number:032x}").by(verifier) is None
    times[0] += 121
    later = sign(SECRET, "POST", ADDRESS, CALL, DIAL, time=int(times[0]), nonce="ef" * 16)
    assert Received(later).by(verifier) is None
    assert len(verifier._seen) == len(verifier._oldest) == 1


def test_a_request_from_before_the_start_is_refused_as_its_nonce_may_have_been_used_up():
    """The process before this one had the same address."""
    for since, refusal in ((NOW + 1, BEFORE), (NOW + 0.9, None), (NOW - 5.0, None)):
        assert signed().by(Verifier((SECRET,), ADDRESS, lambda: NOW + 2.0, since)) == refusal


def test_secrets_are_one_or_two_and_long_enough():
    assert faults([SECRET]) == faults([SECRET, OTHER]) == []
    assert len(faults([])) == len(faults([SECRET, OTHER, SECRET])) == len(faults(["short"])) == 1
    assert not any("short" in fault for fault in faults(["short"]))
