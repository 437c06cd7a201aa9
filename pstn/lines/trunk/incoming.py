"""Whom a call from a trunk is for, and who calls, by the trunk's rules."""

from collections.abc import Mapping

from pstn.lines.sip.directory import ADDRESS, E164
from pstn.trunks.trunk_file import Trunk


def caller_of(trunk: Trunk, event: Mapping[str, str]) -> str:
    """The caller's number in E.164, or "anonymous" where the call withholds it (RFC 3323, RFC 3325 §9.1)."""
    withheld = any(each.strip() in ("id", "user", "full") for each in event["privacy"].lower().split(";"))
    asserted = "" if withheld else _user(event["asserted"]) or _user(event["from"])
    number = trunk.numbers.from_trunk(asserted)
    return number if E164.fullmatch(number) else "anonymous"


def number_in(trunk: Trunk, uri: str) -> str:
    """The number that a URI stands for, in E.164 if the trunk's rules make it so."""
    return trunk.numbers.from_trunk(_user(uri))


def _user(header: str) -> str:
    match = ADDRESS.search(header.replace("sips:", "sip:").replace("tel:", "sip:"))
    if match is None:
        return ""
    user = match["user"] or match["host"]  # tel: has no host
    return user.partition(";")[0].replace("%2B", "+").replace("%2b", "+").replace("-", "")
