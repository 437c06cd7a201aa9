"""`trunks.yaml`: the SIP trunks, the same file on a laptop and in production. docs/trunk.md describes each row.

    interface: 198.51.100.7
    trunks:
      - name: main
        hosts: [sip.example.net]
        transport: tls
        srtp: mandatory
        digest: {user: acme, secret: {env: TRUNK_SECRET}}
        display_numbers: ["+12025550100"]

The order of the trunks is the order in which they are tried. Unknown keys are refused. A secret is named, not written:
it is read from a file or from the environment when the file is read, and no text of these objects contains it.
"""

import os
import re
from collections.abc import Mapping
from ipaddress import IPv4Address, IPv4Network
from pathlib import Path
from typing import Annotated, Any, Literal, Self

import yaml
from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    SecretStr,
    StringConstraints,
    ValidationError,
    ValidationInfo,
    field_validator,
    model_validator,
)

from pstn.trunks.faults import between, lines_of, matching, nearest
from pstn.trunks.profiles import PROFILES


def _quoted(given: Any) -> Any:
    """YAML reads a plain +12025550100 as an integer."""
    if isinstance(given, int) and not isinstance(given, bool):
        raise ValueError(f'must be in quotes, "+{given}", or YAML takes it for a number')
    return given


def _switch(given: Any) -> Any:
    """YAML reads a plain `off` as false."""
    return "off" if given is False else given


E164 = Annotated[
    str, BeforeValidator(_quoted), matching(r"\+[1-9][0-9]{6,14}", 'a number in E.164, such as "+12025550100"')
]
Name = Annotated[str, matching(r"[a-z][a-z0-9-]{0,19}", "1 to 20 of a-z, 0-9 and -, and begin with a letter")]
_LABEL = r"[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?"
_HOST = re.compile(rf"(?P<host>{_LABEL}(?:\.{_LABEL})*)(?::(?P<port>[0-9]{{1,5}}))?")
_REPLACEMENT = re.compile(r"(?:[A-Za-z0-9+*#()!&=_.~-]|\\[1-9](?![0-9])|\\g<[A-Za-z1-9]\w*>)+")
HostPort = Annotated[str, StringConstraints(max_length=260)]
SipUser = Annotated[str, matching(r"[A-Za-z0-9+*#()!&=_.~-]{1,64}", "1 to 64 letters, digits and +*#()!&=_.~-")]


def _in_folder(path: Path, info: ValidationInfo) -> Path:
    folder: Path = (info.context or {}).get("folder", Path())
    return folder / path.expanduser()


BesideTheFile = Annotated[Path, AfterValidator(_in_folder)]
"""A relative path is relative to the folder of the trunk file."""
Domain = Annotated[
    str, matching(rf"(?=.{{1,253}}$){_LABEL}(?:\.{_LABEL})*", "a name or an address, such as sip.example.net")
]
Codec = Literal["pcmu", "pcma", "g722", "opus"]
PORTS = {"udp": 5060, "tcp": 5060, "tls": 5061}
"""The port of a host that names none (RFC 3261 §19.1.2)."""
MOST_TRUNKS, MOST_HOSTS, MOST_BYTES = 20, 8, 256 * 1024


class TrunkFileError(Exception):
    """The file cannot be used. One line for each fault: the place in the file, then the rule."""


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)


class Host(_Part):
    """One SIP server of a trunk. `port` is filled in from the transport where the file names none."""

    host: str
    port: int

    def __str__(self) -> str:
        return f"{self.host}:{self.port}"


class Digest(_Part):
    """The account at the trunk.

    `secret`: in the file where it is, `{env: NAME}` or `{file: PATH}` (without its last line break); here the secret.
    """

    user: SipUser
    secret: SecretStr
    realm: str | None = None
    """None: any realm that the trunk names."""

    @field_validator("secret", mode="before")
    @classmethod
    def _read(cls, given: Any, info: ValidationInfo) -> Any:
        known = isinstance(given, dict) and len(given) == 1 and next(iter(given.items()))
        if not known or known[0] not in ("env", "file") or not isinstance(known[1], str):
            raise ValueError("the secret is not written here, only where it is: {env: NAME} or {file: PATH}")
        context: Mapping[str, Any] = info.context or {}
        if known[0] == "env":
            secret = context.get("environ", os.environ).get(known[1], "")
            if not secret:
                raise ValueError(
                    f"the environment variable {known[1]} is not set: read -rs {known[1]} && export {known[1]}"
                )
            return secret
        path = context.get("folder", Path()) / Path(known[1]).expanduser()
        try:
            secret = path.read_text(encoding="utf-8").rstrip("\r\n")
        except (OSError, UnicodeDecodeError) as error:
            why = error.strerror if isinstance(error, OSError) else "it is not text in UTF-8"
            raise ValueError(f"the file {path} cannot be read: {why}") from None
        if not secret:
            raise ValueError(f"the file {path} is empty: its first line must be the secret")
        return secret


class Tls(_Part):
    """`ca`: certificates that vouch for the trunk; None: the system's. `certificate`, `key`: ours, if it wants one.

    `name`: the name that the trunk's certificate bears, if it is not the host's. An edge compares the certificate's
    common name and its first alternative name; a node that dials a trunk itself compares all alternative names.
    """

    ca: BesideTheFile | None = None
    name: Domain | None = None
    verify: bool = True
    certificate: BesideTheFile | None = None
    key: BesideTheFile | None = None

    @model_validator(mode="after")
    def _is_a_pair(self) -> Self:
        if (self.certificate is None) != (self.key is None):
            raise ValueError("certificate and key belong together: name both, or neither")
        return self


class Registration(_Part):
    """The trunk learns our address by REGISTER. `expires`: seconds for which one registration is asked."""

    expires: Annotated[int, between(60, 86_400)] = 600
    registrar: HostPort | None = None
    """None: the first host."""


class From(_Part):
    """The From header. `user` None: the display number. `domain` None: the first host's name."""

    user: SipUser | None = None
    domain: Domain | None = None


class Identity(_Part):
    """Which other headers name the caller; each has the display number but Diversion, which has a number of its own."""

    pai: bool = False
    ppi: bool = False
    rpid: bool = False
    privacy: bool = False
    """`Privacy: id` (RFC 3323): the trunk shows no number to the party that it rings."""
    diversion: E164 | None = None


class Signing(_Part):
    """STIR/SHAKEN (RFC 8588): an edge signs each call with the operator's certificate, which is published at `x5u`.

    `attestation`: A: the operator knows the customer and that the number is theirs, B: the customer, C: neither.
    Most trunks sign themselves.
    """

    certificate: BesideTheFile
    key: BesideTheFile
    x5u: Annotated[str, matching(r"https://[!-~]{1,500}", "a URL that begins with https://")]
    attestation: Literal["A", "B", "C"]


class Rewrite(_Part):
    """A regular expression that the whole number must match, and what replaces it (`\\1` is its first group)."""

    match: str
    replace: str

    @model_validator(mode="after")
    def _fits(self) -> Self:
        try:
            re.sub(f"(?:{self.match})|$", self.replace, "")
        except (re.error, IndexError) as error:
            raise ValueError(f"not a regular expression with its replacement: {error}") from None
        if not _REPLACEMENT.fullmatch(self.replace):
            raise ValueError("a replacement has characters of a SIP user, and \\1 to \\9 or \\g<name>")
        return self

    def apply(self, number: str) -> str | None:
        """None: the number does not match."""
        found = re.fullmatch(self.match, number)
        return found.expand(self.replace) if found else None


class Rewrites(_Part):
    """The first rule that matches counts; a number that none matches stays as it is.

    `outbound`: from E.164 to what the trunk is sent, for the called number and each display number.
    `inbound`: from what the trunk sends to E.164, for both numbers of a call.
    """

    outbound: tuple[Rewrite, ...] = ()
    inbound: tuple[Rewrite, ...] = ()

    def to_trunk(self, number: str) -> str:
        return _rewritten(self.outbound, number)

    def from_trunk(self, number: str) -> str:
        return _rewritten(self.inbound, number)


class Trunk(_Part):
    """One trunk. `calls`: at once, in both directions together."""

    name: Name
    profile: str | None = None
    hosts: Annotated[tuple[Host, ...], Field(min_length=1, max_length=MOST_HOSTS)]
    transport: Literal["udp", "tcp", "tls"] = "udp"
    tls: Tls = Tls()
    srtp: Annotated[Literal["off", "optional", "mandatory"], BeforeValidator(_switch)] = "off"
    digest: Digest | None = None
    registration: Registration | None = None
    signing: Signing | None = None
    from_: From = Field(From(), alias="from")
    identity: Identity = Identity()
    codecs: Annotated[tuple[Codec, ...], Field(min_length=1, max_length=4)] = ("pcmu", "pcma")
    display_numbers: Annotated[tuple[E164, ...], Field(min_length=1, max_length=1000)]
    calls: Annotated[int, between(1, 10_000)] = 30
    calls_per_second: Annotated[int, between(1, 1_000)] = 5
    no_answer_seconds: Annotated[float, between(0.5, 10)] = 3.0
    """How long a host may send nothing at all before the next one is tried."""
    numbers: Rewrites = Rewrites()
    inbound_from: tuple[IPv4Network, ...] = ()
    """Addresses from which its calls come; empty: those of its hosts."""
    options_every: Annotated[int, between(5, 3_600)] = 30
    """Seconds between two OPTIONS that ask whether a host is alive."""
    edge: bool = True
    """False: nodes dial it directly. On a laptop, which has no edge, every trunk is dialled directly."""

    @model_validator(mode="before")
    @classmethod
    def _as_written(cls, given: Any, info: ValidationInfo) -> Any:
        """The profile's values, a port for each host, and no account where edges dial the trunk."""
        if not isinstance(given, dict):
            return given
        profile = given.get("profile")
        if profile is not None and profile not in PROFILES:
            raise ValueError(f"profile: there is no {profile!r}; {nearest(profile, PROFILES)}")
        merged = {**PROFILES.get(profile or "", {}), **given}
        if (info.context or {}).get("beside_edges") and merged.get("edge", True) is not False:
            merged.pop("digest", None)
            merged.pop("registration", None)
        hosts, transport = merged.get("hosts"), merged.get("transport", "udp")
        if isinstance(hosts, list):
            port = PORTS.get(str(transport), 5060)
            merged["hosts"] = [_host(each, port, f"hosts[{at}]") for at, each in enumerate(hosts)]
        return merged

    @model_validator(mode="after")
    def _agrees(self) -> Self:
        if self.registration and self.registration.registrar:
            _host(self.registration.registrar, PORTS[self.transport], "registration.registrar")
        if self.registration and not self.digest:
            raise ValueError("registration: needs digest: a trunk registers nobody without user and secret")
        if self.srtp != "off" and self.transport != "tls":
            raise ValueError("srtp: needs transport: tls, since its keys are in the SIP messages")
        if self.transport != "tls" and self.tls != Tls():
            raise ValueError("tls: has a meaning with transport: tls only")
        if twice := [each for each in self.display_numbers if self.display_numbers.count(each) > 1]:
            raise ValueError(f"display_numbers: {twice[0]} is written twice")
        return self

    @property
    def registrar(self) -> Host:
        """Where it is registered at, if it is: the first host, or the one of the row `registration.registrar`."""
        named = self.registration.registrar if self.registration else None
        return Host(**_host(named, PORTS[self.transport], "registrar")) if named else self.hosts[0]


class TrunkFile(_Part):
    """The whole file.

    Attributes:
        interface: address or name of the interface for SIP and RTP: the only sockets that are not on loopback.
        public_address: the address by which the trunk reaches us, if it is not the interface's; None with `stun`.
        stun: server that tells the public address.
    """

    interface: Annotated[str, matching(r"[A-Za-z0-9.:_-]{1,45}", "an address of this machine, or an interface: eth0")]
    public_address: IPv4Address | None = None
    stun: HostPort | None = None
    sip_port: Annotated[int, between(1_024, 65_534)] = 5_060
    rtp_ports: Annotated[str, matching(r"[0-9]{1,5}-[0-9]{1,5}", "first and last port: 20000-29999")] = "20000-29999"
    trunks: Annotated[tuple[Trunk, ...], Field(min_length=1, max_length=MOST_TRUNKS)]

    @model_validator(mode="after")
    def _agrees(self) -> Self:
        if self.public_address and self.stun:
            raise ValueError("stun: write either public_address or stun, not both")
        least, most = map(int, self.rtp_ports.split("-"))
        if not 1_024 <= least < most <= 65_535:
            raise ValueError("rtp_ports: must be a smaller port and a larger one, both 1024 to 65535")
        names = [trunk.name for trunk in self.trunks]
        if len(set(names)) < len(names):
            raise ValueError("trunks: two have one name")
        return self

    @property
    def display_numbers(self) -> tuple[str, ...]:
        """All of them, each once, in the order of the file."""
        return tuple(dict.fromkeys(number for trunk in self.trunks for number in trunk.display_numbers))

    def trunks_for(self, display_number: str) -> tuple[Trunk, ...]:
        """Those that may show this number, in the order in which they are tried."""
        return tuple(trunk for trunk in self.trunks if display_number in trunk.display_numbers)


def read(path: Path, environ: Mapping[str, str] | None = None, *, beside_edges: bool = False) -> TrunkFile:
    """Read the file and the secrets that it names; relative paths are relative to its folder.

    Args:
        beside_edges: for a node whose edges dial the trunks: those have neither `digest` nor `registration` then, so no
            secret of theirs need be there. Trunks with `edge: false` are read whole.

    Raises:
        TrunkFileError: with a line for each fault; no line contains a secret.
    """
    try:
        if path.stat().st_size > MOST_BYTES:
            raise TrunkFileError(f"{path}: more than {MOST_BYTES} bytes")
        text = path.read_text(encoding="utf-8")
        given = yaml.safe_load(text)
    except OSError as error:
        raise TrunkFileError(f"{path} cannot be read: {error.strerror}") from None
    except (yaml.YAMLError, UnicodeDecodeError, RecursionError) as error:
        where, why = getattr(error, "problem_mark", None), getattr(error, "problem", None)
        line = f", line {where.line + 1}" if where else ""
        raise TrunkFileError(f"{path}{line}: not YAML{f': {why}' if why else ''}") from None
    if not isinstance(given, dict):
        raise TrunkFileError(f"{path}: must have the rows interface and trunks (docs/trunk.md)")
    context = {"environ": os.environ if environ is None else environ, "folder": path.parent}
    context["beside_edges"] = beside_edges
    try:
        return TrunkFile.model_validate(given, context=context)
    except ValidationError as error:
        raise TrunkFileError(
            "\n".join(
                f"{path}{f', line {line}' if line else ''}: {place}: {rule}"
                for line, place, rule in lines_of(error, TrunkFile, text)
            )
        ) from None


def _host(written: Any, port: int, row: str) -> Any:
    """Raises: ValueError."""
    found = _HOST.fullmatch(written) if isinstance(written, str) else None
    if found is None:
        raise ValueError(
            f"{row}: must be a name or an IPv4 address, with or without :port, such as sip.example.net:5061; "
            f"{written!r} is neither"
        )
    if not 0 < int(found["port"] or port) < 65_536:
        raise ValueError(f"{row}: the port must be 1 to 65535, and is {found['port']}")
    return {"host": found["host"], "port": int(found["port"] or port)}


def _rewritten(rules: tuple[Rewrite, ...], number: str) -> str:
    return next((new for rule in rules if (new := rule.apply(number)) is not None), number)
