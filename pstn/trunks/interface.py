"""Our address on the interface that `trunks.yaml` names."""

import fcntl
import socket
import struct
import sys
from ipaddress import IPv4Address

SIOCGIFADDR = 0x8915
"""netdevice(7): the IPv4 address of an interface, 20 bytes into a struct ifreq."""


def address_of(interface: str) -> str:
    """Of an address, itself. Raises: ValueError: there is no such interface, or it has no IPv4 address."""
    try:
        return str(IPv4Address(interface))
    except ValueError:
        if sys.platform != "linux":
            raise ValueError(f"interface {interface}: write its IPv4 address") from None
    request = struct.pack("256s", interface.encode()[:15])
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as any_socket:
        try:
            return socket.inet_ntoa(fcntl.ioctl(any_socket.fileno(), SIOCGIFADDR, request)[20:24])
        except OSError as error:
            raise ValueError(f"interface {interface}: {error.strerror}") from None
