"""What can be chosen of the SIP line, and whether this machine can have one."""

from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path


def missing() -> str | None:
    """Why there can be no SIP line on this machine."""
    if find_spec("baresip") is None:
        return "baresip-python is not installed (make install; it has wheels for some platforms only)"
    return None


@dataclass(frozen=True)
class SipSettings:
    """`numbers`: the file of telephones outside; None: there are none. `sip_port` 0: any free one.

    `silence_s`: a far end without RTP for so long has vanished. `listen`: keep what the built-in phones hear.
    """

    numbers: Path | None = None
    sip_port: int = 0
    codecs: tuple[str, ...] = ("pcmu", "pcma")
    phone_codecs: tuple[str, ...] = ("pcmu", "pcma")
    silence_s: int = 10
    listen: bool = False
