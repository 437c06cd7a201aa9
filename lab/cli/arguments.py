"""Values on the command line: checked while it is read, so that argparse names the option and what is wrong."""

import argparse
import socket
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from lab.aws import switches
from lab.aws.ministack import LOOPBACK
from lab.aws.package import read
from lab.lab import ROOT


def port(text: str) -> int:
    """A port; 0: any free one."""
    if not text.isascii() or not text.isdigit() or int(text[:6]) > 65535:
        raise argparse.ArgumentTypeError(f"{text} is not a port: 1 to 65535, or 0 for any free one")
    return int(text)


def folder(text: str) -> Path:
    """A folder, which is created if it does not exist."""
    path = Path(text)
    try:
        path.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise argparse.ArgumentTypeError(f"{text} cannot be used: {error.strerror}; name another folder") from error
    return path


def parameter(text: str) -> tuple[str, str]:
    """NAME=VALUE of a parameter of template.yaml. CloudFormation checks the value."""
    name, sign, value = text.partition("=")
    if not sign:
        raise argparse.ArgumentTypeError(f"{text} is not NAME=VALUE")
    declared = read(ROOT / "template.yaml").get("Parameters") or {}
    if name not in declared:
        raise argparse.ArgumentTypeError(f"template.yaml has no parameter {name}; it has {', '.join(declared)}")
    return name, value


def cloud_switch(text: str) -> tuple[str, Any]:
    """NAME=VALUE of a switch of the cloud."""
    try:
        return switches.read(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(str(error)) from error


def in_use(arguments: argparse.Namespace, options: Iterable[str]) -> str:
    """What to do about those of these options whose port is in use; empty if all are free."""
    given = {option: getattr(arguments, option.strip("-").replace("-", "_")) for option in options}
    taken = {option: number for option, number in given.items() if number and not is_free(number)}
    if not taken:
        return ""
    numbers = [str(number) for number in taken.values()]
    ports = f"Port {numbers[0]} is" if len(numbers) == 1 else f"Ports {', '.join(numbers[:-1])} and {numbers[-1]} are"
    free = " ".join(f"{option} 0" for option in taken)
    return f'{ports} in use, perhaps by another lab. To take any that is free: make up ARGS="{free}"'


def is_free(port: int) -> bool:
    """For both TCP and UDP."""
    try:
        socket.create_server((LOOPBACK, port)).close()
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as udp:
            udp.bind((LOOPBACK, port))
    except OSError:
        return False
    return True
