"""SIPp as an independent telephone: scenarios put together from steps, and a run whose own count is the verdict.

A scenario is strict: a message that does not come, or another one that does, is a failed call. Debian's sip-tester
3.6.1; `[name]` is filled in by SIPp.
"""

import re
import socket
import subprocess
import time
from array import array
from contextlib import nullcontext
from dataclasses import dataclass, field
from pathlib import Path

from lab.telco.namespaces import Namespace
from pstn.lines.sip.audio import tone
from pstn.lines.sip.child import free_port

LOOPBACK = "127.0.0.1"
PATIENCE_S = 60
DIGITS = Path("/usr/share/sip-tester")
"""RFC 4733 digits as captures, from the package."""
REPLY_HEADERS = """[last_Via:]
[last_Record-Route:]
[last_From:]
[last_To:];tag=phone-[pid]-[call_number]
[last_Call-ID:]"""
IN_DIALOGUE = """[last_Via:]
[last_From:]
[last_To:]
[last_Call-ID:]
[last_CSeq:]
Content-Length: 0"""


def sdp(payload: int, *, version: int = 1, host: str = "[media_ip]", port: str = "[rtpstream_audio_port]") -> str:
    codec = {0: "PCMU", 8: "PCMA", 9: "G722", 18: "G729"}[payload]
    return f"""v=0
o=phone 1 {version} IN IP4 [local_ip]
s=-
c=IN IP4 {host}
t=0 0
m=audio {port} RTP/AVP {payload} 101
a=rtpmap:{payload} {codec}/8000
a=rtpmap:101 telephone-event/8000
a=fmtp:101 0-15
"""


def send(text: str, retransmit: bool = False) -> str:
    again = ' retrans="500"' if retransmit else ""
    return f"<send{again}><![CDATA[\n{text}\n]]></send>"


def recv(request: str, more: str = "") -> str:
    return f'<recv request="{request}">{more}</recv>'


def reply(code: int, reason: str, payload: int | str | None = None) -> str:
    """To the INVITE, whatever came since; with SDP: the text, or that of a payload type."""
    head = (
        f"SIP/2.0 {code} {reason}\n{REPLY_HEADERS}\nCSeq: [$cseq] INVITE\nContact: <sip:phone@[local_ip]:[local_port]>"
    )
    if payload is None:
        return send(f"{head}\nContent-Length: 0\n\n", retransmit=code >= 300)
    description = payload if isinstance(payload, str) else sdp(payload)
    body = f"{head}\nContent-Type: application/sdp\nContent-Length: [len]\n\n{description}"
    return send(body, retransmit=code >= 200)


OK = send(f"SIP/2.0 200 OK\n{IN_DIALOGUE}\n\n")
INVITED = recv("INVITE", '<action><ereg regexp="[0-9]+" search_in="hdr" header="CSeq:" assign_to="cseq"/></action>')
RINGS = reply(180, "Ringing")
ACKED = recv("ACK")


def pause(milliseconds: int) -> str:
    return f'<pause milliseconds="{milliseconds}"/>'


def sounds(file: Path, payload: int) -> str:
    law = {0: "PCMU", 8: "PCMA"}[payload]
    return f'<nop><action><exec rtp_stream="{file},-1,{payload},{law}/8000"/></action></nop>'


def presses(digit: str) -> str:
    capture = DIGITS / f"dtmf_2833_{ {'#': 'pound', '*': 'star'}.get(digit, digit) }.pcap"
    return f'<nop><action><exec play_pcap_audio="{capture}"/></action></nop>'


KEPT_CALL = (
    '<recv request="INVITE" rrs="true"><action>'
    '<ereg regexp="[0-9]+" search_in="hdr" header="CSeq:" assign_to="cseq"/>'
    '<ereg regexp=".*" search_in="hdr" header="From" assign_to="theirs"/>'
    '</action></recv><Reference variables="theirs,cseq"/>'
)
KEPT_ACK = (
    '<recv request="ACK"><action><ereg regexp=".*" search_in="hdr" header="To" assign_to="mine"/></action></recv>'
    '<Reference variables="mine"/>'
)
"""An INVITE and an ACK of which is kept what a telephone's own requests in the dialogue need. (SIPp refuses a scenario
with a variable that is set and not read, hence Reference.)"""
KEPT = (KEPT_CALL, RINGS, reply(200, "OK", 0), KEPT_ACK)
_NAMES = """Via: SIP/2.0/[transport] [local_ip]:[local_port];branch=[branch]
[routes]
From[$mine]
To[$theirs]
[last_Call-ID:]
Max-Forwards: 70"""
HANGS_UP = (
    send(f"BYE [next_url] SIP/2.0\n{_NAMES}\nCSeq: 9 BYE\nContent-Length: 0\n\n", retransmit=True)
    + '<recv response="200"/>'
)
"""After `KEPT`."""


def invites_again(cseq: int, description: str) -> str:
    """A re-INVITE after `KEPT`; it is accepted and acknowledged."""
    body = f"Content-Type: application/sdp\nContent-Length: [len]\n\n{description}"
    head = f"{_NAMES}\nContact: <sip:phone@[local_ip]:[local_port]>\nCSeq: {cseq}"
    return (
        send(f"INVITE [next_url] SIP/2.0\n{head} INVITE\n{body}", retransmit=True)
        + '<recv response="100" optional="true"/><recv response="200"/>'
        + send(f"ACK [next_url] SIP/2.0\n{head} ACK\nContent-Length: 0\n\n")
    )


def answered_phone(*then: str, payload: int = 0, sound: Path | None = None, before: str = RINGS) -> list[str]:
    """Rings, answers after 300 ms, sounds its tone, and then."""
    tone_step = [sounds(sound, payload)] if sound else []
    return [INVITED, before, pause(300), reply(200, "OK", payload), ACKED, *tone_step, *then]


@dataclass
class Run:
    """What SIPp says of itself."""

    successful: int
    failed: int
    errors: str


@dataclass
class Sipp:
    """One scenario.

    Attributes:
        port, media: where this telephone is, for SIP and (the first port of its) RTP.
        calls: it is over after so many; 0: never.
        namespace: where it runs; None: beside this process.
    """

    folder: Path
    steps: list[str]
    towards: str = ""
    port: int = field(default_factory=free_port)
    host: str = LOOPBACK
    media: int = 0
    calls: int = 1
    namespace: Namespace | None = None

    def __enter__(self) -> "Sipp":
        file = self.folder / "scenario.xml"
        steps = "\n".join(self.steps)
        file.write_text(f'<?xml version="1.0" encoding="ISO-8859-1"?>\n<scenario name="phone">\n{steps}\n</scenario>\n')
        media = self.media or free_port() & ~1
        command = ["sipp", "-sf", str(file), "-i", self.host, "-mi", self.host, "-p", str(self.port), "-mp", str(media)]
        command += ["-nostdin", "-trace_err", "-error_file", str(self.folder / "errors.log")]
        if self.calls:
            command += ["-m", str(self.calls), "-timeout", f"{PATIENCE_S}s", "-timeout_error"]
            command += ["-trace_msg", "-message_file", str(self._messages)]
        command += [self.towards] if self.towards else []
        if self.namespace:
            command = self.namespace.command(*command)
        self._output = (self.folder / "output.txt").open("wb")
        self._process = subprocess.Popen(command, stdout=self._output, stderr=subprocess.STDOUT, cwd=self.folder)
        if not self.towards:
            self._listening()
        return self

    @property
    def _messages(self) -> Path:
        return self.folder / "messages.log"

    @property
    def messages(self) -> str:
        """Every SIP message that it sent or received."""
        return self._messages.read_text(errors="replace")

    def _listening(self) -> None:
        give_up = time.monotonic() + PATIENCE_S
        while time.monotonic() < give_up and self._process.poll() is None:
            with self.namespace.entered() if self.namespace else nullcontext():
                probe = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
            with probe:
                try:
                    probe.bind((self.host, self.port))
                except OSError:
                    return
            time.sleep(0.02)
        raise AssertionError(f"sipp did not start: {(self.folder / 'output.txt').read_text()}")

    def result(self) -> Run:
        self._process.wait(timeout=PATIENCE_S + 5)
        text = (self.folder / "output.txt").read_text(errors="replace")
        errors = self.folder / "errors.log"
        return Run(
            _count("Successful call", text),
            _count("Failed call", text),
            (errors.read_text(errors="replace") if errors.exists() else "") or text[-2000:],
        )

    def __exit__(self, *_: object) -> None:
        if self._process.poll() is None:
            self._process.kill()
            self._process.wait()
        self._output.close()


def _count(what: str, screen: str) -> int:
    """The last column of the last such line: since the start."""
    found = re.findall(rf"{what}\s*\|\s*\d+\s*\|\s*(\d+)", screen)
    return int(found[-1]) if found else -1


def mu_law(samples: "array[int]") -> bytes:
    """ITU-T G.711, µ-law."""
    out = bytearray()
    for sample in samples:
        sign, value = (0x80, -sample) if sample < 0 else (0, sample)
        value = min(value, 32635) + 132
        exponent = value.bit_length() - 8
        out.append(~(sign | exponent << 4 | value >> (exponent + 3) & 0x0F) & 0xFF)
    return bytes(out)


def a_law(samples: "array[int]") -> bytes:
    """ITU-T G.711, A-law; the even bits are inverted."""
    out = bytearray()
    for sample in samples:
        sign, value = (0, -sample - 1) if sample < 0 else (0x80, sample)
        exponent = max(0, value.bit_length() - 8)
        mantissa = value >> (exponent + 3 if exponent else 4) & 0x0F
        out.append((sign | exponent << 4 | mantissa) ^ 0x55)
    return bytes(out)


def tone_file(folder: Path, hertz: float, payload: int = 0) -> Path:
    samples = array("h", tone(hertz))
    file = folder / f"tone-{hertz:.0f}.{payload}"
    file.write_bytes({0: mu_law, 8: a_law}[payload](samples))
    return file
