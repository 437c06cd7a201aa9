"""The tables that the edge's program reads: db_text files of Kamailio, one line a row.

https://www.kamailio.org/docs/modules/5.6.x/modules/db_text.html. Everything of the trunk file that is free text
(secrets, realms, paths, header lines) is written in hexadecimal, which the program decodes: no character of it can mean
something in a table or in the program.
"""

import re
from collections.abc import Iterable, Mapping
from ipaddress import IPv4Address, IPv4Network

from pstn.edge.rewriting import rules
from pstn.trunks.headers import domain, from_uri, identity_headers
from pstn.trunks.trunk_file import Codec, Trunk

Row = tuple[str | int, ...]

HTABLE = "id(int,auto) key_name(string) key_type(int) value_type(int) key_value(string) expires(int)"
DIALPLAN = (
    "id(int,auto) dpid(int) pr(int) match_op(int) match_exp(string) match_len(int) subst_exp(string) repl_exp(string) "
    "attrs(string)"
)
DIALOGS = {
    "version": "table_name(string) table_version(int)\nversion:1\ndialog:7\ndialog_vars:1\n",
    "dialog": "id(int,auto) hash_entry(int) hash_id(int) callid(string) from_uri(string) from_tag(string) "
    "to_uri(string) to_tag(string) caller_cseq(string) callee_cseq(string) caller_route_set(string,null) "
    "callee_route_set(string,null) caller_contact(string) callee_contact(string) caller_sock(string) "
    "callee_sock(string) state(int) start_time(int) timeout(int) sflags(int) iflags(int) toroute_name(string,null) "
    "req_uri(string) xdata(string,null)\n",
    "dialog_vars": "id(int,auto) hash_entry(int) hash_id(int) dialog_key(string) dialog_value(string,null)\n",
}
"""The empty tables into which Kamailio writes its dialogs when it stops."""
VERSION = "table_name(string) table_version(int)"

NODES, FIRST_TRUNK, FIRST_HOST = 1, 100, 200
"""Groups of addresses: the nodes; from where trunk 0 calls; the hosts of trunk 0, if they are no such place."""

TO_NODE = "RTP/AVP replace-origin replace-session-connection ICE=remove rtcp-mux-demux"
"""What rtpengine makes of media towards nodes: plain RTP, whatever the trunk has."""

_ADDRESS = re.compile(r"[0-9.]+")
_CODECS: dict[Codec, str] = {"pcmu": "PCMU", "pcma": "PCMA", "g722": "G722", "opus": "opus"}
_SUITES = ("AES_192_CM_HMAC_SHA1_80", "AES_192_CM_HMAC_SHA1_32", "F8_128_HMAC_SHA1_80", "F8_128_HMAC_SHA1_32")
_NO_SUITES = " ".join(f"SDES-no-{each}" for each in (*_SUITES, "NULL_HMAC_SHA1_80", "NULL_HMAC_SHA1_32"))
"""Suites that rtpengine would offer too: two encrypt nothing, the others nobody has."""
_TRANSPORT = {
    "off": "RTP/AVP",
    "optional": f"RTP/AVP OSRTP-offer DTLS=off {_NO_SUITES}",
    "mandatory": f"RTP/SAVP DTLS=off {_NO_SUITES}",
}


def tables(trunks: list[Trunk], public: object, ports: Mapping[str, int]) -> dict[str, str]:
    """Name → the text of the table. `public`: our address as trunks see it; `ports`: ours, by transport."""
    return {
        "version": _table(VERSION, [("version", 1), ("htable", 2), ("dialplan", 2)]),
        "trunks": _strings(
            pair for index, trunk in enumerate(trunks) for pair in _trunk(index, trunk, public, ports[trunk.transport])
        ),
        "names": _strings((key, "1") for key in _names(trunks)),
        "numbers": _strings(_numbers(trunks)),
        "callers": _strings(pair for trunk in trunks for pair in _callers(trunk)),
        "dialplan": _table(DIALPLAN, _dialplan(trunks)),
    }


def media(trunk: Trunk) -> str:
    """rtpengine's flags for media towards a trunk: SRTP, and the codecs that may be offered, in their order."""
    codecs = " ".join(f"codec-offer-{_CODECS[each]}" for each in trunk.codecs)
    return (
        f"{_TRANSPORT[trunk.srtp]} replace-origin replace-session-connection ICE=remove rtcp-mux-demux "
        f"codec-strip-all {codecs} codec-offer-telephone-event"
    )


def uri(trunk: Trunk, host: object) -> str:
    return f"sip:{host};transport={trunk.transport}"


def _trunk(index: int, trunk: Trunk, public: object, port: int) -> Iterable[tuple[str, str]]:
    rows = {
        "plan_out": str(2 * index + 1),
        "plan_in": str(2 * index + 2),
        "group": str(FIRST_TRUNK + index),
        "transport": trunk.transport,
        "domain": domain(trunk),
        "media": media(trunk),
        "srtp": trunk.srtp,
        "calls": str(trunk.calls),
        "calls_per_second": str(trunk.calls_per_second),
        "no_answer": str(round(trunk.no_answer_seconds * 1000)),
        "options_every": str(trunk.options_every),
    }
    if not trunk.inbound_from:
        rows["calls_from_hosts"] = "yes"
    if _is_verified(trunk):
        rows["verify"] = "yes"
    if trunk.digest:
        rows["user"] = trunk.digest.user
        rows["secret"] = hexadecimal(trunk.digest.secret.get_secret_value())
        if trunk.digest.realm is not None:
            rows["realm"] = hexadecimal(trunk.digest.realm)
    if trunk.registration and trunk.digest:
        rows["registrar"] = uri(trunk, trunk.registrar)
        contact = f"<sip:{trunk.name}@{public}:{port};transport={trunk.transport}>"
        lines = (f"Contact: {contact}", f"Expires: {trunk.registration.expires}", "")
        rows["contact"] = hexadecimal("\r\n".join(lines))
        rows["first_number"] = trunk.display_numbers[0]
    if trunk.signing:
        rows["x5u"] = hexadecimal(trunk.signing.x5u)
        rows["attest"] = trunk.signing.attestation
        rows["key"] = hexadecimal(str(trunk.signing.key))
    rows.update({f"{place}:uri": uri(trunk, host) for place, host in enumerate(trunk.hosts)})
    yield str(index), trunk.name
    for name, value in rows.items():
        yield f"{trunk.name}:{name}", value


def _is_verified(trunk: Trunk) -> bool:
    return trunk.transport == "tls" and trunk.tls.verify


def _names(trunks: list[Trunk]) -> Iterable[str]:
    """Names that a certificate may bear: of any trunk, and of one as `trunk:name`. `any`: one's are not checked."""
    keys: dict[str, None] = {}
    for trunk in trunks:
        if trunk.transport == "tls" and not trunk.tls.verify:
            keys["any"] = None
        if _is_verified(trunk):
            for name in [trunk.tls.name] if trunk.tls.name else [host.host for host in trunk.hosts]:
                above = name.partition(".")[2]
                wildcard = [] if _ADDRESS.fullmatch(name) or "." not in above else [f"*.{above}"]
                for each in (name, *wildcard):
                    keys.update({each: None, f"{trunk.name}:{each}": None})
    return keys


def _numbers(trunks: list[Trunk]) -> Iterable[tuple[str, str]]:
    """Display number → the names of its trunks, in their order."""
    of: dict[str, list[str]] = {}
    for trunk in trunks:
        for number in trunk.display_numbers:
            of.setdefault(number, []).append(trunk.name)
    return ((number, ",".join(names)) for number, names in of.items())


def _callers(trunk: Trunk) -> Iterable[tuple[str, str]]:
    """What a trunk is sent of each display number."""
    for number in trunk.display_numbers:
        yield f"{trunk.name}:{number}:from", hexadecimal(from_uri(trunk, number))
        headers = identity_headers(trunk, number)
        if headers:
            lines = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
            yield f"{trunk.name}:{number}:headers", hexadecimal(lines)


def _dialplan(trunks: list[Trunk]) -> list[Row]:
    """Plan 2i + 1: numbers towards trunk i; 2i + 2: numbers from it. Operator 1: a regular expression (PCRE)."""
    return [
        (plan, priority, 1, match, 0, match, replace, "-")
        for index, trunk in enumerate(trunks)
        for plan, written in ((2 * index + 1, trunk.numbers.outbound), (2 * index + 2, trunk.numbers.inbound))
        for priority, (match, replace) in enumerate(rules(written), start=1)
    ]


def addresses(trunks: list[Trunk], nodes: Iterable[IPv4Address | IPv4Network]) -> str:
    """Who may send anything at all: a line of the permissions module for each address and network.

    The program looks up hosts that are names.

    https://www.kamailio.org/docs/modules/5.6.x/modules/permissions.html#permissions.p.address_file
    """
    places: list[tuple[int, str]] = [(NODES, _network(IPv4Network(each))) for each in nodes]
    for index, trunk in enumerate(trunks):
        places += [(FIRST_TRUNK + index, _network(network)) for network in trunk.inbound_from]
        group = FIRST_HOST if trunk.inbound_from else FIRST_TRUNK
        hosts = (*trunk.hosts, *([trunk.registrar] if trunk.registration else []))
        places += [(group + index, f"{host.host} 32") for host in hosts if _ADDRESS.fullmatch(host.host)]
    return "".join(f"{group} {place}\n" for group, place in dict.fromkeys(places))


def _network(network: IPv4Network) -> str:
    return f"{network.network_address} {network.prefixlen}"


def hexadecimal(text: str) -> str:
    return text.encode().hex()


def _strings(pairs: Iterable[tuple[str, str]]) -> str:
    return _table(HTABLE, [(key, 0, 0, value, 0) for key, value in pairs])


def _table(columns: str, rows: Iterable[Row]) -> str:
    """The first column of a table with `id` is its row number."""
    numbered = columns.startswith("id(")
    lines = [columns]
    for number, row in enumerate(rows, start=1):
        lines.append(":".join(_field(each) for each in ((number, *row) if numbered else row)))
    return "\n".join(lines) + "\n"


def _field(value: str | int) -> str:
    text = str(value)
    if not text.isprintable():
        raise ValueError("a table takes printable text only")
    return text.replace("\\", "\\\\").replace(":", "\\:")
