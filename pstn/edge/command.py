"""`duologue-pstn edge render trunks.yaml --out DIR …`: writes the configuration of an edge."""

import argparse
import sys
from collections.abc import Sequence
from datetime import UTC, datetime
from ipaddress import AddressValueError, IPv4Address, IPv4Network
from pathlib import Path

from pstn.edge.check import check, ending
from pstn.edge.reload import ReloadError, reload
from pstn.edge.render import EdgeError, Place, mask_key, render, write
from pstn.trunks.trunk_file import TrunkFileError, read


def main(arguments: Sequence[str]) -> int:
    given = _parser().parse_args(arguments)
    run = (given.run or given.out).absolute()
    try:
        key = mask_key(run)
    except OSError as error:
        print(f"{error.filename}: {error.strerror}", file=sys.stderr)
        return 1
    place = Place(
        out=given.out.absolute(),
        run=run,
        mask_key=key,
        inside=given.inside,
        outside=given.outside,
        public=given.public,
        control=given.control,
        rtpengine=given.rtpengine,
        nodes=tuple(given.node),
        nodes_from=tuple(given.nodes_from),
        certificate=given.certificate and given.certificate.absolute(),
        key=given.key and given.key.absolute(),
    )
    try:
        file = read(given.trunks.absolute())
        rendered = render(file, place)
        check(file, place)
        for warning in ending(file, place, datetime.now(UTC)):
            print(f"warning: {warning}", file=sys.stderr)
        changed = write(rendered, place)
        if given.reload:
            reload(rendered, changed, place.out, run)
    except (TrunkFileError, EdgeError, ReloadError) as error:
        print(error, file=sys.stderr)
        return 1
    except OSError as error:
        print(f"{error.filename} cannot be written: {error.strerror}", file=sys.stderr)
        return 1
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="duologue-pstn edge render", description="Write the configuration of Kamailio and rtpengine for an edge."
    )
    add = parser.add_argument
    add("trunks", type=Path, help="trunks.yaml")
    add("--out", type=Path, required=True, help="folder of the files; they may contain secrets and get mode 0600")
    add("--run", type=Path, help="folder of the control socket (default: that of the files)")
    add("--reload", action="store_true", help="have the Kamailio that runs read what is new; its calls go on")
    add("--inside", type=_Pair(5060), required=True, metavar="ADDRESS[:PORT]", help="towards the nodes")
    add("--outside", type=IPv4Address, required=True, metavar="ADDRESS", help="towards the trunks")
    add("--public", type=IPv4Address, metavar="ADDRESS", help="by which trunks reach --outside, if it is another")
    add("--node", type=_Pair(None), action="append", default=[], metavar="ADDRESS:PORT", help="takes inbound calls")
    add("--nodes-from", type=IPv4Network, action="append", default=[], metavar="NETWORK", help="where nodes call from")
    add("--control", type=_Pair(9101), default="127.0.0.1:9101", metavar="ADDRESS:PORT", help="of the metrics")
    add("--rtpengine", type=_Pair(22222), default="127.0.0.1:22222", metavar="ADDRESS:PORT", help="of rtpengine")
    add("--certificate", type=Path, help="shown to trunks that call over TLS")
    add("--key", type=Path, help="of the certificate")
    return parser


class _Pair:
    """The type of an option: an address with a port; `port` is the default, None: it must be written."""

    def __init__(self, port: int | None) -> None:
        self._port = port

    def __call__(self, written: str) -> tuple[IPv4Address, int]:
        address, _, port = written.partition(":")
        number = int(port) if port.isascii() and port.isdigit() else None if port else self._port
        try:
            known = IPv4Address(address)
        except AddressValueError:
            number = None
        if number is None or not 0 < number < 65_536:
            raise argparse.ArgumentTypeError(f"{written!r} is not an IPv4 address with a port")
        return known, number
