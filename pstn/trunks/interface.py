"""Our address on the interface that `trunks.yaml` names."""

import fcntl
import socket
import struct
import sys
from ipaddress import IPv4Address

SIOCGIFADDR = 0x8915
"""netdevice(7): the IPv4 address of an interface, 20 bytes into a struct ifreq."""


def address_of(interface: str) -> str:
    """Of an address, itself.

    Raises:
        ValueError: there is no such interface here, it has no IPv4 address, or no interface has this address; with
            those that there are.
    """
    try:
        address = str(IPv4Address(interface))
    except ValueError:
        if sys.platform != "linux":
            raise ValueError(f"interface {interface}: write its IPv4 address") from None
        try:
            return _address(interface)
        except OSError as error:
            why = "has no IPv4 address" if interface in dict(socket.if_nameindex()).values() else error.strerror
            raise ValueError(f"interface {interface}: {why}; this machine has {_all()}") from None
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as any_socket:
        try:
            any_socket.bind((address, 0))
        except OSError:
            raise ValueError(f"interface {interface}: no address of this machine, which has {_all()}") from None
    return address


def _all() -> str:
    found = []
    for _, name in socket.if_nameindex():
        try:
            found.append(f"{name} ({_address(name)})")
        except OSError:
            continue  # it has none
    return ", ".join(found) or "none"


def _address(name: str) -> str:
    """Raises: OSError."""
    request = struct.pack("256s", name.encode()[:15])
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as any_socket:
        return socket.inet_ntoa(fcntl.ioctl(any_socket.fileno(), SIOCGIFADDR, request)[20:24])
