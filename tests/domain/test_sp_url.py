"""Which URLs and addresses the platform posts to."""

from ipaddress import IPv4Address, IPv6Address, ip_address

import pytest
from hypothesis import given
from hypothesis import strategies as st

from duologue.domain.errors import ForbiddenAddress, InvalidField
from duologue.domain.notifying.sp_url import SpUrl, check_addresses

NO_URL = {
    "must be an http or https URL": ["", "//sp.example.com/x", "/status", "sp.example.com"],
    "must be ASCII": ["http://пример.example/", "http://sp.example.com/ü"],
    "must not contain spaces": [
        "not a url",
        "http://sp.example.com/a b",
        "http://sp.example.com/\r\nX: y",
        "http://sp.exa\tmple.com/",
        "http://sp.example.com\\@127.0.0.1/",
        "http://sp.example.com/{id}",
    ],
    "must not have a fragment": ["http://sp.example.com/#", "http://sp.example.com/a#b?c"],
    "has no host": ["http://", "http:///path", "https:sp.example.com", "http://:80/"],
    "has a port that is not 1 to 65535": [
        "http://sp.example.com:0/",
        "http://sp.example.com:65536/",
        "http://sp.example.com:http/",
    ],
    "has a host that is neither a domain name nor an IP address": [
        "http://%31%32%37.0.0.1/",
        "http://-sp.example.com/",
        "http://sp..example.com/",
        "http://127.1/",
        "http://2130706433/",
        "http://0x7f000001/",
        "http://0x7f.0.0.1/",
        "http://0177.0.0.1/",
        "http://1.2.3/",
        "http://1.2.3.4.5/",
        "http://127.0.0.1./",
        "http://[::1",
        "http://[127.0.0.1]/",
        "http://[fe80::1%25eth0]/",
        "http://[v1.x]/",
        "http://[2606:4700::1111]x/",
        "http://[2606:4700::1111].example.com:80/",
        "http://x[2606:4700::1111]/",
        "http://" + "a." * 130 + "example/",
        "http://" + "a" * 64 + ".example/",
    ],
}
FORBIDDEN = [
    "ftp://sp.example.com/",
    "file:///etc/passwd",
    "gopher://sp.example.com:70/",
    "javascript:alert(1)",
    "ldap://sp.example.com/",
    "http://user@sp.example.com/",
    "http://user:secret@sp.example.com/",
    "http://sp.example.com@127.0.0.1/",
    *(f"https://sp.example.com:{port}/" for port in (22, 25, 79, 81, 442, 1023, 1720, 2049, 5060, 6667, 6669, 10080)),
]
HIDDEN = [
    "0.0.0.0",
    "10.0.0.1",
    "100.64.0.1",
    "100.100.100.200",
    "168.63.129.16",
    "169.254.169.254",
    "169.254.170.2",
    "172.16.0.1",
    "172.31.255.255",
    "192.0.0.1",
    "192.0.0.192",
    "192.0.2.1",
    "192.88.99.1",
    "192.168.1.1",
    "198.18.0.1",
    "198.19.255.255",
    "198.51.100.7",
    "203.0.113.7",
    "224.0.0.1",
    "239.255.255.250",
    "240.0.0.1",
    "255.255.255.255",
    "::",
    "::ffff:127.0.0.1",
    "::ffff:169.254.169.254",
    "::127.0.0.1",
    "64:ff9b::7f00:1",
    "64:ff9b::a9fe:a9fe",
    "64:ff9b:1::1",
    "100::1",
    "2001::1",
    "2001:db8::1",
    "2002:7f00:1::",
    "2002:808:808::1",
    "3fff::1",
    "fc00::1",
    "fd00:ec2::254",
    "fe80::1",
    "fec0::1",
    "ff02::1",
    "5f00::1",
]
PUBLIC = ["8.8.8.8", "1.1.1.1", "100.128.0.1", "172.32.0.1", "2606:4700::1111", "64:ff9b::808:808", "::ffff:8.8.8.8"]


@pytest.mark.parametrize(("why", "text"), [(why, text) for why, texts in NO_URL.items() for text in texts])
def test_what_is_no_url_is_refused_with_its_fault(why, text):
    with pytest.raises(InvalidField, match=f"^statusUrl {why}"):
        SpUrl.parse(text, field="statusUrl")


@pytest.mark.parametrize("text", FORBIDDEN)
def test_other_schemes_and_user_information_and_ports_of_other_protocols_are_forbidden(text):
    with pytest.raises(ForbiddenAddress, match=r"^feeUrl "):
        SpUrl.parse(text, field="feeUrl")


@pytest.mark.parametrize("port", [80, 443, 1024, 3000, 5000, 6664, 6670, 8080, 8443, 65535])
def test_ports_of_web_servers_are_not(port):
    assert SpUrl.parse(f"https://sp.example.com:{port}/").port == port


@pytest.mark.parametrize("address", HIDDEN)
@pytest.mark.parametrize("allow_loopback", [True, False])
def test_no_address_that_is_not_surely_public_is_posted_to(address, allow_loopback):
    with pytest.raises(ForbiddenAddress):
        check_addresses([ip_address(address)], field="url", allow_loopback=allow_loopback)


@pytest.mark.parametrize("address", PUBLIC)
def test_public_addresses_are_posted_to(address):
    check_addresses([ip_address(address)], field="url", allow_loopback=False)


@pytest.mark.parametrize("address", ["127.0.0.1", "127.0.0.9", "::1"])
def test_loopback_is_open_only_under_its_switch(address):
    check_addresses([ip_address(address)], field="url", allow_loopback=True)
    with pytest.raises(ForbiddenAddress):
        check_addresses([ip_address(address)], field="url", allow_loopback=False)


def test_one_forbidden_address_among_public_ones_is_enough():
    with pytest.raises(ForbiddenAddress):
        check_addresses([IPv4Address("8.8.8.8"), IPv4Address("10.0.0.1")], field="url", allow_loopback=False)


def test_a_host_without_an_address_is_refused():
    with pytest.raises(ForbiddenAddress, match=r"feeUrl .*no address"):
        check_addresses([], field="feeUrl", allow_loopback=False)


@pytest.mark.parametrize(
    ("text", "host", "port", "target", "authority"),
    [
        ("http://sp.example.com", "sp.example.com", 80, "/", "sp.example.com"),
        ("https://SP.example.com/a?b=c&d=%20", "sp.example.com", 443, "/a?b=c&d=%20", "SP.example.com"),
        ("https://sp.example.com:443/a?", "sp.example.com", 443, "/a?", "sp.example.com:443"),
        ("https://sp.example.com?x=1", "sp.example.com", 443, "/?x=1", "sp.example.com"),
        ("http://127.0.0.1:9999/status", "127.0.0.1", 9999, "/status", "127.0.0.1:9999"),
        ("https://[2606:4700::1111]:8443/", "2606:4700::1111", 8443, "/", "[2606:4700::1111]:8443"),
        ("HTTPS://https:80/https", "https", 80, "/https", "https:80"),
        ("HTTPS://sp.example.com:80/", "sp.example.com", 80, "/", "sp.example.com:80"),
        ("http://localhost/", "localhost", 80, "/", "localhost"),
        ("http://sp_1.example.com./x", "sp_1.example.com.", 80, "/x", "sp_1.example.com."),
    ],
)
def test_a_good_url_keeps_its_text(text, host, port, target, authority):
    url = SpUrl.parse(text)
    assert (url.text, url.host, url.port, url.target, url.authority) == (text, host, port, target, authority)


@given(st.text(max_size=80) | st.text(alphabet="htps:/@[]%.0123456789xabcdef-", max_size=40).map("http://".__add__))
def test_any_text_is_a_url_or_refused_by_name(text):
    try:
        url = SpUrl.parse(text)
    except InvalidField:
        return
    assert url.scheme in ("http", "https")
    assert url.host and url.target.startswith("/") and 1 <= url.port <= 65535
    assert "\r" not in url.target + url.authority and " " not in url.target + url.authority
    rest = text.partition("://")[2]
    assert url.authority + url.target in (rest, f"{url.authority}/{rest.removeprefix(url.authority)}"), "signed is sent"


@given(st.ip_addresses())
def test_an_ipv4_address_does_not_become_public_by_being_wrapped(address):
    if isinstance(address, IPv6Address):
        return

    def public(candidate) -> bool:
        try:
            check_addresses([candidate], field="url", allow_loopback=False)
        except ForbiddenAddress:
            return False
        return True

    mapped = IPv6Address(int(IPv6Address("::ffff:0:0")) | int(address))
    nat64 = IPv6Address(int(IPv6Address("64:ff9b::")) | int(address))
    assert public(mapped) == public(nat64) == public(address)
    assert not public(IPv6Address(int(address)))
    if public(address):
        assert address.is_global
