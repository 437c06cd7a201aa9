"""Notification URLs, and the addresses that the platform may post to.

Invariant: a host name is judged by all addresses it resolves to, when the URL is saved and again when it is used, and
the connection goes to an address that was judged. Any address that is not known to be public is forbidden. If DNS does
not respond when the URL is saved, which is not the SP's fault, the URL is judged when it is used.

Ranges: the IANA special-purpose registries of IPv4 and IPv6 (RFC 6890), listed here so that they do not change with the
Python version.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address
from urllib.parse import SplitResult, urlsplit

from duologue.domain.errors import ForbiddenAddress, InvalidField

Address = IPv4Address | IPv6Address

_NEVER_IN_A_URL = re.compile(r"[\x00-\x20\x7f\\\"<>^`{|}]")
_LABEL = re.compile(r"[A-Za-z0-9_](?:[A-Za-z0-9_-]{0,61}[A-Za-z0-9_])?")
# A name whose last label is a number is an IPv4 address in an unusual notation (WHATWG URL, "ends in a number").
_ENDS_IN_A_NUMBER = re.compile(r"(?:.*\.)?(?:[0-9]+|0[xX][0-9A-Fa-f]*)\.?")

# urlsplit ignores text beside the brackets of an address.
_AUTHORITY = re.compile(r"(?:\[[^\[\]]*\]|[^\[\]:]*)(?::.*)?")
_HOST = "has a host that is neither a domain name nor an IP address"

_LOW_PORTS = (80, 443)
_LEAST_OTHER_PORT = 1024
# Of the bad ports of https://fetch.spec.whatwg.org/#port-blocking those from 1024: servers of other protocols.
_OTHER_PROTOCOLS = frozenset(
    {
        1719,  # h323gatestat
        1720,  # h323hostcall
        1723,  # pptp
        2049,  # nfs
        3659,  # apple-sasl
        4045,  # npp
        4190,  # sieve
        5060,  # sip
        5061,  # sips
        6000,  # x11
        6566,  # sane-port
        *range(6665, 6670),  # ircu
        6679,  # osaut
        6697,  # ircs-u
        10080,  # amanda
    }
)

_FORBIDDEN_4 = tuple(
    IPv4Network(text)
    for text in (
        "0.0.0.0/8",  # this network
        "10.0.0.0/8",  # private
        "100.64.0.0/10",  # behind a carrier's NAT
        "127.0.0.0/8",  # loopback
        "168.63.129.16/32",  # a cloud's metadata host at a public address
        "169.254.0.0/16",  # link-local, with the metadata service
        "172.16.0.0/12",  # private
        "192.0.0.0/24",  # protocol assignments
        "192.0.2.0/24",  # documentation
        "192.31.196.0/24",  # AS112
        "192.52.193.0/24",  # AMT
        "192.88.99.0/24",  # 6to4 relays
        "192.168.0.0/16",  # private
        "192.175.48.0/24",  # AS112
        "198.18.0.0/15",  # benchmarks
        "198.51.100.0/24",  # documentation
        "203.0.113.0/24",  # documentation
        "224.0.0.0/4",  # multicast
        "240.0.0.0/4",  # reserved, broadcast
    )
)
_LOOPBACK_4 = IPv4Network("127.0.0.0/8")
_LOOPBACK_6 = IPv6Address("::1")
_GLOBAL_UNICAST_6 = IPv6Network("2000::/3")
_FORBIDDEN_6 = tuple(
    IPv6Network(text)
    for text in (
        "2001::/23",  # protocol assignments, with Teredo
        "2001:db8::/32",  # documentation
        "2002::/16",  # 6to4: wraps an IPv4 address
        "2620:4f:8000::/48",  # AS112
        "3fff::/20",  # documentation
    )
)
_NAT64 = IPv6Network("64:ff9b::/96")


@dataclass(frozen=True, slots=True)
class SpUrl:
    """An http or https URL without user information. `text`: as the SP wrote it. `host`: without brackets.

    Notifications are signed over `text`. What their requests have of it (`scheme`, `authority`, `target`) is the same
    text, with `/` for an empty path.
    """

    text: str
    scheme: str
    host: str
    port: int
    authority: str
    """Host and port as in the Host header, which has to be as the URL has it (RFC 9112, 3.2)."""
    target: str
    """Path and query, as they go on the request line."""

    @classmethod
    def parse(cls, text: str, *, field: str = "url") -> "SpUrl":
        """Parse a URL.

        Raises:
            InvalidField: it has a character that no URL has, or a fragment, or host or port is missing or malformed.
            ForbiddenAddress: the scheme is not http or https, or there is user information, or the port is one of
                another protocol.
        """
        if not text.isascii():
            raise InvalidField(field, "must be ASCII: write its host in punycode, other characters as %-escapes")
        if _NEVER_IN_A_URL.search(text):
            raise InvalidField(
                field, 'must not contain spaces, control characters or \\ " < > ^ ` { | }: use %-escapes'
            )
        if "#" in text:
            raise InvalidField(field, "must not have a fragment (#), which would be signed but not sent")
        try:
            parts = urlsplit(text)
            host = parts.hostname
        except ValueError as error:
            raise InvalidField(field, _HOST) from error
        if parts.scheme not in ("http", "https"):
            raise ForbiddenAddress(field, "must be an http or https URL")
        if "@" in parts.netloc:
            raise ForbiddenAddress(field, "must not carry a user name or password")
        if not host:
            raise InvalidField(field, "has no host")
        if not _AUTHORITY.fullmatch(parts.netloc) or not _is_host(host, bracketed="[" in parts.netloc):
            raise InvalidField(field, _HOST)
        port = _port(parts, field)
        rest = text[len(parts.scheme) + len("://") + len(parts.netloc) :]
        return cls(text, parts.scheme, host, port, parts.netloc, rest if rest.startswith("/") else f"/{rest}")


def _port(parts: SplitResult, field: str) -> int:
    """The port, by default the scheme's. Raises InvalidField, ForbiddenAddress."""
    try:
        port = (443 if parts.scheme == "https" else 80) if parts.port is None else parts.port
    except ValueError:
        port = 0
    if not port:
        raise InvalidField(field, "has a port that is not 1 to 65535")
    if port not in _LOW_PORTS and (port < _LEAST_OTHER_PORT or port in _OTHER_PROTOCOLS):
        raise ForbiddenAddress(field, "has a port of another protocol: 80, 443 or one from 1024 is required")
    return port


def check_addresses(addresses: Sequence[Address], *, field: str, allow_loopback: bool) -> None:
    """Check all addresses of a host. `allow_loopback` allows loopback and nothing else.

    Raises:
        ForbiddenAddress: there is no address, or one is not public.
    """
    if not addresses:
        raise ForbiddenAddress(field, "names a host that has no address")
    if not all(_is_public(address) or (allow_loopback and _is_loopback(address)) for address in addresses):
        raise ForbiddenAddress(field, "resolves to an address that the platform does not post to")


def _is_loopback(address: Address) -> bool:
    return address == _LOOPBACK_6 or (isinstance(address, IPv4Address) and address in _LOOPBACK_4)


def _is_public(address: Address) -> bool:
    if isinstance(address, IPv4Address):
        return not any(address in network for network in _FORBIDDEN_4)
    if address.ipv4_mapped is not None:
        return _is_public(address.ipv4_mapped)
    if address in _NAT64:
        return _is_public(IPv4Address(int(address) & 0xFFFF_FFFF))
    return address in _GLOBAL_UNICAST_6 and not any(address in network for network in _FORBIDDEN_6)


def _is_host(host: str, *, bracketed: bool) -> bool:
    if bracketed or _ENDS_IN_A_NUMBER.fullmatch(host):
        try:
            address = ip_address(host)
        except ValueError:
            return False
        return bracketed == isinstance(address, IPv6Address) and "%" not in host
    return len(host) <= 253 and all(_LABEL.fullmatch(label) for label in host.removesuffix(".").split("."))
