"""The configuration of one edge, from `trunks.yaml` and where the edge is. The same input gives the same bytes."""

import os
import secrets
import ssl
from dataclasses import dataclass
from importlib.resources import files
from ipaddress import IPv4Address, IPv4Network
from pathlib import Path

from jinja2 import Environment, FunctionLoader, StrictUndefined

from pstn.edge.tables import DIALOGS, TO_NODE, addresses, tables
from pstn.trunks.failover import Then, then
from pstn.trunks.trunk_file import Signing, TrunkFile

SYSTEM_CA = Path("/etc/ssl/certs/ca-certificates.crt")
FINAL_CODES = range(300, 700)


class EdgeError(Exception):
    """The file cannot be rendered for this edge; the reason in one line."""


@dataclass(frozen=True)
class Place:
    """Where an edge is.

    Attributes:
        out: the folder of the rendered files; Kamailio and rtpengine read them there.
        run: folder of Kamailio's control socket.
        inside: address and port towards the nodes.
        outside: address of the interface towards the trunks; its ports are the file's.
        public: the address by which trunks reach `outside`; None: the file's public_address, else `outside` itself.
        control: address and port of the metrics, on loopback.
        rtpengine: address and port at which Kamailio asks rtpengine, on loopback.
        nodes: SIP address and port of each node that takes inbound calls.
        nodes_from: networks from which nodes call, besides the addresses of `nodes`.
        mask_key: what hides the nodes' addresses from trunks, in hexadecimal; it stays while there are calls.
        certificate, key: what trunks that connect over TLS are shown; needed as soon as one trunk uses TLS.
    """

    out: Path
    run: Path
    inside: tuple[IPv4Address, int]
    outside: IPv4Address
    mask_key: str
    public: IPv4Address | None = None
    control: tuple[IPv4Address, int] = (IPv4Address("127.0.0.1"), 9101)
    rtpengine: tuple[IPv4Address, int] = (IPv4Address("127.0.0.1"), 22222)
    nodes: tuple[tuple[IPv4Address, int], ...] = ()
    nodes_from: tuple[IPv4Network, ...] = ()
    certificate: Path | None = None
    key: Path | None = None


def render(file: TrunkFile, place: Place) -> dict[str, str]:
    """Path below `place.out` → text.

    Raises:
        EdgeError
    """
    trunks = [trunk for trunk in file.trunks if trunk.edge]
    if not trunks:
        raise EdgeError("no trunk of the file goes through an edge (edge: false)")
    if file.stun and not (place.public or file.public_address):
        raise EdgeError("an edge asks no STUN server: name public_address in the file or give --public")
    transports = {trunk.transport for trunk in trunks}
    if "tls" in transports and not (place.certificate and place.key):
        raise EdgeError("a trunk uses TLS: give --certificate and --key, which trunks are shown that connect to us")
    public = place.public or file.public_address or place.outside
    ports = {"udp": file.sip_port, "tcp": file.sip_port, "tls": file.sip_port + 1}
    try:
        written = tables(trunks, public, ports)
    except ValueError as error:
        raise EdgeError(str(error)) from None
    values = {
        "out": place.out,
        "run": place.run,
        "tables": place.out / "tables",
        "inside": _pair(place.inside),
        "inside_host": place.inside[0],
        "outside": place.outside,
        "public": public,
        "outside_sockets": [(each, ports[each]) for each in ("udp", "tcp", "tls") if each in transports],
        "control": _pair(place.control),
        "rtpengine": _pair(place.rtpengine),
        "rtp_ports": file.rtp_ports.split("-"),
        "tls": "tls" in transports,
        "signs": any(trunk.signing for trunk in trunks),
        "trunks": [trunk for trunk in trunks if trunk.transport == "tls"],
        "system_ca": SYSTEM_CA,
        "certificate": place.certificate,
        "key": place.key,
        "mask_key": place.mask_key,
        "to_node": TO_NODE,
        "try_next": _codes(Then.NEXT),
        "refused_us": _codes(Then.NEXT_AND_ALARM),
    }
    for path in (place.out, place.run, place.certificate, place.key):
        _plain(path)
    for trunk in trunks:
        for path in (trunk.tls.ca, trunk.tls.certificate, trunk.tls.key):
            _plain(path)
        if trunk.signing:
            _check_pair(trunk.signing)
    templates = Environment(
        loader=FunctionLoader(lambda name: (files("pstn.edge") / "templates" / name).read_text(encoding="utf-8")),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
        autoescape=False,  # noqa: S701 - no HTML; what goes in is addresses, ports, words of our own, and plain paths
    )
    names = ["kamailio.cfg", "rtpengine.conf", *(["tls.cfg"] if "tls" in transports else [])]
    return {
        **{name: templates.get_template(name).render(values) for name in names},
        "address.list": addresses(trunks, (*(address for address, _ in place.nodes), *place.nodes_from)),
        "dispatcher.list": "".join(f"1 sip:{_pair(node)} 0 0\n" for node in place.nodes),
        **{f"tables/{name}": text for name, text in written.items()},
    }


def write(rendered: dict[str, str], place: Place) -> set[str]:
    """Each file is replaced whole, readable by its owner alone: it may contain secrets.

    Returns the names of those that changed. Kamailio's own tables of dialogs, below `place.run`, are left as they are;
    so is the list of nodes where none is named, which something else keeps then.
    """
    if not place.nodes and (place.out / "dispatcher.list").exists():
        rendered = {name: text for name, text in rendered.items() if name != "dispatcher.list"}
    changed = {name for name, text in rendered.items() if _text(place.out / name) != text}
    files_of_ours = {place.out / name: text for name, text in rendered.items()}
    dialogs = {place.run / "dialogs" / name: text for name, text in DIALOGS.items()}
    for path, text in files_of_ours.items() | {pair for pair in dialogs.items() if not pair[0].exists()}:
        if _text(path) == text:
            continue
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        new = path.with_name(f".{path.name}.new")
        new.unlink(missing_ok=True)
        with os.fdopen(os.open(new, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="utf-8") as target:
            target.write(text)
        # Kamailio compares whole seconds to see whether a table is another (db_text).
        before = path.stat().st_mtime if path.exists() else 0.0
        if int(new.stat().st_mtime) <= int(before):
            os.utime(new, (before + 1, before + 1))
        new.replace(path)
    return changed


def mask_key(run: Path) -> str:
    """The one in `run`, made the first time."""
    path = run / "mask.key"
    known = _text(path)
    if known is None:
        run.mkdir(mode=0o700, parents=True, exist_ok=True)
        known = secrets.token_hex(32)
        with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="utf-8") as target:
            target.write(known)
    return known


def _text(path: Path) -> str | None:
    return path.read_text(encoding="utf-8") if path.exists() else None


def _codes(what: Then) -> str:
    """A regular expression of the final codes before an 18x that lead to `what`."""
    return "|".join(str(code) for code in FINAL_CODES if then(code, rang=False) is what)


def _pair(address: tuple[IPv4Address, int]) -> str:
    return f"{address[0]}:{address[1]}"


def _check_pair(signing: Signing) -> None:
    """Verifiers fetch the certificate at x5u: a signature of another key fails there, in each call."""
    try:
        ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER).load_cert_chain(signing.certificate, signing.key)
    except (OSError, ssl.SSLError):
        raise EdgeError(f"signing: {signing.key} is not the key of {signing.certificate}") from None


def _plain(path: Path | None) -> None:
    """Paths stand in the configuration as they are."""
    allowed = set("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789/._-+@~,")
    if path is not None and not set(str(path)) <= allowed:
        raise EdgeError(f"{str(path)!r}: a path of the edge has letters, digits and / . _ - + @ ~ , only")
