"""Whose address a request is counted under, behind proxies, and which addresses an app may come from."""

from ipaddress import ip_address

import pytest
from hypothesis import given
from hypothesis import strategies as st

from duologue.domain.access.attempts import Attempt, Proof
from duologue.domain.access.source_address import TrustedProxies, is_allowed

NEAR, FAR = "10.0.0.1", "2001:db8::7"
BY_NETWORK = TrustedProxies.parse("10.0.0.0/8, 2001:db8::/32")
PEER, CLIENT, CLAIMED = "198.51.100.66", "198.51.100.20", "203.0.113.9"

CASES = {
    # How proxies are trusted, the peer, X-Forwarded-For as the function gets it, and the client.
    "nobody is trusted": ("0", PEER, f"{CLAIMED}, {PEER}", PEER),
    "a trusted proxy": ("10.0.0.0/8", NEAR, f"{CLIENT}, {NEAR}", CLIENT),
    "one address as a network": (NEAR, NEAR, f"{CLIENT}, {NEAR}", CLIENT),
    "what its client claimed": ("10.0.0.0/8", NEAR, f"{CLAIMED}, {CLIENT}, {NEAR}", CLIENT),
    "a client that claims a proxy before it": ("10.0.0.0/8", NEAR, f"{CLAIMED}, {NEAR}, {CLIENT}, {NEAR}", CLIENT),
    "a client around the proxy": ("10.0.0.0/8", PEER, f"{CLAIMED}, {NEAR}, {PEER}", PEER),
    "two proxies": ("10.0.0.0/8,2001:db8::/32", NEAR, f"{CLAIMED}, {CLIENT}, {FAR}, {NEAR}", CLIENT),
    "of two proxies one is trusted": ("10.0.0.0/8", NEAR, f"{CLIENT}, {FAR}, {NEAR}", FAR),
    "a gateway that does not append": ("10.0.0.0/8", NEAR, f"{CLAIMED}, {CLIENT}", CLIENT),
    "no header": ("10.0.0.0/8", NEAR, "", NEAR),
    "only proxies": ("10.0.0.0/8", NEAR, f"10.0.0.3, {NEAR}", "10.0.0.3"),
    "what is no address": ("10.0.0.0/8", NEAR, f"{CLIENT}, unknown, {NEAR}", NEAR),
    "an address with its port": ("10.0.0.0/8", NEAR, f"{CLIENT}:49152, {NEAR}", CLIENT),
    "IPv6 with its port": ("10.0.0.0/8", NEAR, f"[2001:db8::20]:49152, {NEAR}", "2001:db8::20"),
    "IPv6 in another spelling": ("10.0.0.0/8", NEAR, f"2001:DB8:0::20, {NEAR}", "2001:db8::20"),
    "IPv4 in IPv6": ("10.0.0.0/8", NEAR, f"::ffff:{CLIENT}, {NEAR}", CLIENT),
    "one hop": ("1", PEER, f"{CLAIMED}, {CLIENT}, {PEER}", CLIENT),
    "two hops": ("2", PEER, f"{CLAIMED}, {CLIENT}, {FAR}, {PEER}", CLIENT),
    "fewer hops than there should be": ("2", PEER, f"{CLAIMED}, {PEER}", PEER),
    "a hop that is no address": ("1", PEER, f"unknown, {PEER}", PEER),
}


@pytest.mark.parametrize("case", CASES)
def test_the_client_is_whom_the_trusted_proxies_name(case):
    trusted, peer, forwarded, client = CASES[case]
    assert TrustedProxies.parse(trusted).client_of(peer, forwarded) == client


ADDRESSES = st.ip_addresses().map(str)
CLAIMS = st.lists(ADDRESSES | st.text(max_size=20) | st.sampled_from([NEAR, FAR, "10.9.9.9"]), max_size=5)
CLIENTS = ADDRESSES.filter(lambda text: not any(ip_address(text) in each for each in BY_NETWORK.networks))


@given(CLAIMS, CLIENTS.filter(lambda text: getattr(ip_address(text), "ipv4_mapped", None) is None))
def test_whatever_a_client_claims_it_is_counted_under_its_own_address(claims, client):
    claimed = ", ".join([*claims, ""])
    assert BY_NETWORK.client_of(client, f"{claimed}{client}") == client
    assert BY_NETWORK.client_of(NEAR, f"{claimed}{client}, {FAR}, {NEAR}") == client
    assert TrustedProxies(hops=2).client_of(NEAR, f"{claimed}{client}, {FAR}, {NEAR}") == client


@pytest.mark.parametrize("text", ["", "-1", "proxy.example.com", "10.0.0.0/33", "10.0.0.1/8", "10.0.0.0/8,,"])
def test_what_is_neither_a_number_of_hops_nor_networks(text):
    with pytest.raises(ValueError, match=r"does not appear to be|has host bits set"):
        TrustedProxies.parse(text)


@pytest.mark.parametrize(
    ("address", "expected"),
    [
        ("198.51.100.20", True),
        ("::ffff:198.51.100.20", True),
        ("198.51.101.1", False),
        ("2001:db8::20", True),
        ("2001:DB8:0:0::20", True),
        ("2001:db9::20", False),
        ("", False),
        ("unknown", False),
    ],
)
def test_an_address_is_on_the_list_of_an_app(address, expected):
    assert is_allowed(address, ("198.51.100.0/24", "2001:db8::/32")) is expected
    assert is_allowed(address, ())


@pytest.mark.parametrize(
    ("address", "counted"),
    [
        ("198.51.100.20", "198.51.100.20"),
        ("::ffff:198.51.100.20", "198.51.100.20"),
        ("2001:db8:0:7::1", "2001:db8:0:7::/64"),
        ("2001:DB8:0:7:ffff:ffff:ffff:ffff", "2001:db8:0:7::/64"),
        ("2001:db8:0:8::1", "2001:db8:0:8::/64"),
        ("fe80::1%eth0", "fe80::/64"),
        ("2001:db8:0:7::/64", "2001:db8:0:7::/64"),
        ("unknown", "unknown"),
    ],
)
def test_wrong_credentials_are_counted_for_all_addresses_of_one_client(address, counted):
    """A client with one IPv6 address has 2^64 of them: a lock of one would not stop it from guessing."""
    assert Attempt("app-1", Proof.PASSWORD, address).source == counted
