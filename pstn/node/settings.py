"""The settings of a node: environment variables DUOLOGUE_PSTN_…, read once at the start.

Every fault is reported at once, with its variable and the rule. Secrets are named here, not written: each is in a file
or in a variable of its own, and no text of these objects contains it. README.md has the table.
"""

import os
import re
from collections.abc import Callable, Mapping
from dataclasses import MISSING, dataclass, field, fields
from pathlib import Path
from typing import Any

from pstn.node import signature

PREFIX = "DUOLOGUE_PSTN_"
_HOST_PORT = re.compile(r"(?P<host>[A-Za-z0-9](?:[A-Za-z0-9.-]{0,252}[A-Za-z0-9])?):(?P<port>[0-9]{1,5})")
_ARN = re.compile(
    r"arn:aws[a-z-]*:lambda:(?P<region>[a-z0-9-]+):(?P<account>[0-9]{12}):function:[\w-]{1,64}:[\w-]{1,128}"
)
_EVERY_ADDRESS = "0.0.0.0"  # noqa: S104 - refused as an address by which others reach this node


class SettingsError(Exception):
    """One line for each fault."""


@dataclass(frozen=True)
class HostPort:
    host: str
    port: int

    def __str__(self) -> str:
        return f"{self.host}:{self.port}"


Environ = Mapping[str, str]
Read = Callable[[str, Environ], Any]
"""(text of the variable, all variables) → the value. Raises: ValueError: the rule that the text breaks."""


def _setting(about: str, read: Read, **more: Any) -> Any:
    return field(metadata={"about": about, "read": read}, **more)


def _text(pattern: str, rule: str) -> Read:
    def read(text: str, _: Environ) -> str:
        if not re.fullmatch(pattern, text):
            raise ValueError(rule)
        return text

    return read


def _whole(least: int, most: int) -> Read:
    def read(text: str, _: Environ) -> int:
        if not re.fullmatch("[0-9]{1,9}", text) or not least <= int(text) <= most:
            raise ValueError(f"a whole number from {least} to {most}")
        return int(text)

    return read


def _host_port(text: str, _: Environ) -> HostPort:
    found = _HOST_PORT.fullmatch(text)
    if found is None or not 0 <= int(found["port"]) < 65_536:
        raise ValueError("host:port, with a name or an IPv4 address")
    return HostPort(found["host"], int(found["port"]))


def _host_ports(text: str, environ: Environ) -> tuple[HostPort, ...]:
    return tuple(_host_port(each.strip(), environ) for each in text.split(","))


def _path(text: str, _: Environ) -> Path:
    return Path(text)


def _secrets(text: str, environ: Environ) -> tuple[str, ...]:
    found = tuple(_secret(each.strip(), environ) for each in text.split(","))
    if faults := signature.faults(found):
        raise ValueError("; ".join(faults))
    return found


def _secret(source: str, environ: Environ) -> str:
    """`source` with a slash: a file, whose last line break does not count; without: a variable."""
    if "/" not in source:
        if not environ.get(source):
            raise ValueError(f"the variable {source} is not set")
        return environ[source]
    try:
        return Path(source).read_text(encoding="utf-8").rstrip("\r\n")
    except (OSError, UnicodeDecodeError) as error:
        raise ValueError(f"{source} cannot be read: {type(error).__name__}") from None


@dataclass(frozen=True)
class NodeSettings:
    """What a node needs to know. The comments of each are its row in README.md."""

    trunks: Path = _setting("the trunk file, `trunks.yaml`", _path)
    lambda_arn: str = _setting(
        "ARN of the function that controls calls, with its alias (`…:function:NAME:live`)",
        _text(_ARN.pattern, "the ARN of a Lambda function with its alias"),
    )
    nodes_table: str = _setting(
        "the DynamoDB table of the nodes", _text(r"[A-Za-z0-9_.-]{3,255}", "the name of a DynamoDB table")
    )
    secrets: tuple[str, ...] = _setting(
        "where the secrets of the API's signature are: one or two files or variables, comma separated. Both are "
        "accepted, the first one signs",
        _secrets,
        repr=False,
    )
    api: HostPort = _setting("where the API listens", _host_port)
    address: HostPort | None = _setting(
        "where others reach the API; by default the value of API", _host_port, default=None
    )
    admin: HostPort = _setting(
        "where /healthz, /readyz and /metrics listen", _host_port, default=HostPort("127.0.0.1", 9_443)
    )
    application_id: str = _setting(
        "id of the only SIP media application",
        _text(r"[A-Za-z0-9_.-]{1,64}", "1 to 64 letters, digits, dots, hyphens and underscores"),
        default="duologue",
    )
    edges: tuple[HostPort, ...] = _setting(
        "the edges through which calls go, comma separated; by default trunks are dialled directly",
        _host_ports,
        default=(),
    )
    recordings_bucket: str | None = _setting(
        "the S3 bucket of the recordings: while calls last, parts of them are kept there, which others put together "
        "when this node dies; by default they are not",
        _text(r"[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]", "the name of an S3 bucket"),
        default=None,
    )
    part_seconds: int = _setting(
        "how often a part of each recording is kept there: what a node that dies loses of one",
        _whole(1, 300),
        default=30,
    )
    spool: Path = _setting(
        "a folder for recordings that S3 did not take yet; they are sent again, also after a restart",
        _path,
        default=Path("unstored-recordings"),
    )
    stations: int = _setting(
        "processes that carry calls; by default the number of cores",
        _whole(1, 256),
        default_factory=lambda: os.cpu_count() or 1,
    )
    calls_per_station: int = _setting("calls that one of them carries", _whole(1, 1_000), default=60)
    drain_seconds: int = _setting(
        "after SIGTERM, for how long calls may go on before they are ended; by default a day, the longest call that an "
        "app can be given",
        _whole(0, 604_800),
        default=86_400,
    )

    @property
    def region(self) -> str:
        return self._of_arn("region")

    @property
    def account(self) -> str:
        return self._of_arn("account")

    @property
    def reached_at(self) -> HostPort:
        """What others find in the nodes table."""
        return self.address or self.api

    @property
    def most_calls(self) -> int:
        return self.stations * self.calls_per_station

    def _of_arn(self, part: str) -> str:
        found = _ARN.fullmatch(self.lambda_arn)
        assert found
        return found[part]


def read(environ: Environ) -> NodeSettings:
    """Raises: SettingsError."""
    faults: list[str] = []
    values: dict[str, Any] = {}
    for each in fields(NodeSettings):
        variable = variable_of(each.name)
        text = environ.get(variable, "").strip()
        if text:
            try:
                values[each.name] = each.metadata["read"](text, environ)
            except ValueError as error:
                faults.append(f"{variable}: {error}")
        elif each.default is MISSING and each.default_factory is MISSING:
            faults.append(f"{variable} is not set: {each.metadata['about']}")
    reached_at = values.get("address") or values.get("api")
    if reached_at and reached_at.host == _EVERY_ADDRESS:
        faults.append(f"{variable_of('address')}: others cannot reach {_EVERY_ADDRESS}; name this machine's address")
    known = {variable_of(each.name) for each in fields(NodeSettings)} | _named(environ)
    faults += [
        f"{name}: there is no such setting" for name in sorted(environ) if name.startswith(PREFIX) and name not in known
    ]
    if faults:
        raise SettingsError("\n".join(faults))
    return NodeSettings(**values)


def _named(environ: Environ) -> set[str]:
    """Variables that hold secrets."""
    return {each.strip() for each in environ.get(variable_of("secrets"), "").split(",")}


def variable_of(name: str) -> str:
    return f"{PREFIX}{name.upper()}"


def table() -> str:
    """The settings as a Markdown table, in the order of the class."""
    rows = ["| Variable | Default | What it is |", "| --- | --- | --- |"]
    for each in fields(NodeSettings):
        optional = each.default is not MISSING and each.default not in (None, ())
        default = f"`{each.default}`" if optional else "required" if each.default is MISSING else ""
        if each.default_factory is not MISSING:
            default = ""
        rows.append(f"| `{variable_of(each.name)}` | {default} | {each.metadata['about']} |")
    return "\n".join(rows)


if __name__ == "__main__":
    print(table())
