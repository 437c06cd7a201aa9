"""Options of the SIP line, and whether this machine can run one."""

from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path


def missing() -> str | None:
    """Why this machine cannot run a SIP line; None: it can."""
    if find_spec("baresip") is None:
        return "baresip-python is not installed (make install; it has wheels for some platforms only)"
    return None


@dataclass(frozen=True)
class SipSettings:
    """`numbers`: the file of external telephones; None: there are none. `sip_port` 0: any free one.

    `silence_s`: after so many seconds without RTP, a scripted phone or a browser page counts as lost: they send audio
    all the time. An external telephone may be silent, on hold or to save bandwidth (RFC 3264 §8.4, RFC 3551 §4.1).
    `listen`: keep what scripted phones hear.
    """

    numbers: Path | None = None
    sip_port: int = 0
    codecs: tuple[str, ...] = ("pcmu", "pcma")
    phone_codecs: tuple[str, ...] = ("pcmu", "pcma")
    silence_s: int = 10
    listen: bool = False
