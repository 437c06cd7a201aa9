"""The address that a request comes from, and lists of addresses.

Invariant: nothing that a client writes into X-Forwarded-For counts. Each proxy appends the address of its peer, so only
what trusted proxies have appended is read, from the right: the result is the rightmost address that is none of theirs.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network

Network = IPv4Network | IPv6Network


@dataclass(frozen=True, slots=True)
class TrustedProxies:
    """The proxies between clients and the API: their number, or their networks."""

    hops: int = 0
    networks: tuple[Network, ...] = ()

    @classmethod
    def parse(cls, text: str) -> "TrustedProxies":
        """A number of hops, or networks as CIDR (comma separated). Raises ValueError."""
        if text.isascii() and text.isdigit():
            return cls(hops=int(text))
        return cls(networks=tuple(map(network_of, text.split(","))))

    def client_of(self, peer: str, forwarded: str) -> str:
        """The address of the client. `peer`: whom the API was connected with. `forwarded`: X-Forwarded-For.

        It is the peer's if the header has not as many addresses as there are hops, or none that can be read.
        """
        addresses = [each.strip() for each in forwarded.split(",") if each.strip()]
        if addresses and addresses[-1] == peer:  # the gateway has appended it
            addresses.pop()
        if self.hops:
            appended = addresses[-self.hops :]
            return _written(appended[0]) or peer if len(appended) == self.hops else peer
        found = peer
        while addresses and self._trusts(found):
            before = _written(addresses.pop())
            if not before:
                break
            found = before
        return found

    def _trusts(self, address: str) -> bool:
        return is_in(address, self.networks)


def network_of(text: str) -> Network:
    """A network as CIDR, or one address. Raises ValueError: it is neither, or has bits beyond its prefix."""
    return ip_network(text.strip())


def is_in(address: str, networks: Iterable[Network]) -> bool:
    """Whether an address is in one of these networks; text that is no address is in none."""
    try:
        parsed = _plain(address)
    except ValueError:
        return False
    return any(parsed in network for network in networks)


def is_allowed(address: str, allowed: tuple[str, ...]) -> bool:
    """Whether requests may come from this address. `allowed`: networks as CIDR; empty: everywhere."""
    return not allowed or is_in(address, map(_network, allowed))


@cache
def _network(text: str) -> Network:
    return network_of(text)


def subscriber_of(address: str) -> str:
    """What one client has: an IPv4 address, or of IPv6 a /64, any of whose addresses it may use (RFC 6177, 4)."""
    try:
        plain = _plain(address)
    except ValueError:
        return address
    return str(plain if isinstance(plain, IPv4Address) else IPv6Network((int(plain) >> 64 << 64, 64)))


def _plain(text: str) -> IPv4Address | IPv6Address:
    """An IPv4 address in IPv6 is the IPv4 address. Raises ValueError."""
    address = ip_address(text)
    return getattr(address, "ipv4_mapped", None) or address


def _written(text: str) -> str:
    """An address as a proxy writes it, perhaps with a port; "" if it is none."""
    host, _, port = text.rpartition(":")
    bare = text
    if text.startswith("["):
        bare = text[1:].partition("]")[0]
    elif port.isdigit() and host.count(".") == 3:
        bare = host
    try:
        return str(_plain(bare))
    except ValueError:
        return ""
