"""The headers by which a trunk is told who calls, for one display number (rows `from`, `identity`, `numbers`)."""

from pstn.trunks.trunk_file import Trunk


def from_uri(trunk: Trunk, display_number: str) -> str:
    return f"sip:{from_user(trunk, display_number)}@{domain(trunk)}"


def from_user(trunk: Trunk, display_number: str) -> str:
    return trunk.from_.user or trunk.numbers.to_trunk(display_number)


def domain(trunk: Trunk) -> str:
    return trunk.from_.domain or trunk.hosts[0].host


def identity_headers(trunk: Trunk, display_number: str) -> dict[str, str]:
    """Name → value (RFC 3325, RFC 3323, RFC 5806; Remote-Party-ID was never standardised)."""
    uri, shown = f"<sip:{trunk.numbers.to_trunk(display_number)}@{domain(trunk)}>", trunk.identity
    headers: dict[str, str] = {}
    if shown.pai:
        headers["P-Asserted-Identity"] = uri
    if shown.ppi:
        headers["P-Preferred-Identity"] = uri
    if shown.rpid:
        headers["Remote-Party-ID"] = f"{uri};party=calling;privacy={'full' if shown.privacy else 'off'};screen=no"
    if shown.privacy:
        headers["Privacy"] = "id"
    if shown.diversion:
        headers["Diversion"] = f"<sip:{trunk.numbers.to_trunk(shown.diversion)}@{domain(trunk)}>;reason=unconditional"
    return headers
