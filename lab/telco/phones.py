"""Telephones behind the telephone company: SIPp answers, rings and refuses; Debian's baresip dials.

Each telephone sounds `lab.phones.voices.voice` of its number. What it heard is in the company's capture of the packets
to its ports.
"""

import json
import socket
import subprocess
import time
from array import array
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from lab.phones.voices import voice
from lab.telco.captures import Packet, digits, sounds
from lab.telco.namespaces import Namespace
from lab.telco.sipp import HANGS_UP, KEPT_ACK, KEPT_CALL, OK, RINGS, Sipp, pause, recv, reply, tone_file
from lab.telco.sipp import sounds as plays
from pstn.lines.sip.audio import telephone_audio, tone, wav_file

ADDRESS = "192.0.2.1"
"""All of them have this one, inside the company's namespace (RFC 5737)."""
_STARTS_S, _LOOK_S = 60.0, 0.05
_SPEAKS_S = 300
"""A baresip whose sound file is over ends the call."""

_UNTIL_BYE = (
    '<label id="1"/>',
    '<recv request="OPTIONS" optional="true" next="2"></recv>',
    '<recv request="BYE" next="3"></recv>',
    '<label id="2"/>',
    OK.replace("<send>", '<send next="1">'),
    '<label id="3"/>',
    OK,
)
"""An OPTIONS within the call asks whether it is still up."""


@dataclass(frozen=True)
class Behaviour:
    """What a telephone does with each call.

    Attributes:
        code: the final answer: 200, or a refusal; 0: it rings until the caller gives up.
        rings: a 180 comes first.
        after_s: seconds from the INVITE to the final answer.
        talks_s: seconds from the answer until it hangs up; None: the other side does.
    """

    code: int = 200
    rings: bool = True
    after_s: float = 0.3
    talks_s: float | None = None

    def steps(self, tone: Path) -> list[str]:
        """As a scenario of SIPp."""
        ring = [RINGS] if self.rings else []
        steps = [KEPT_CALL, *ring]
        if not self.code:
            return [*steps, recv("CANCEL"), OK, reply(487, "Request Terminated"), recv("ACK")]
        steps.append(pause(round(self.after_s * 1000)))
        if self.code >= 300:
            return [*steps, reply(self.code, "Refused"), recv("ACK")]
        steps += [reply(200, "OK", 0), KEPT_ACK, plays(tone, 0)]
        if self.talks_s is None:
            return [*steps, *_UNTIL_BYE]
        return [*steps, pause(round(self.talks_s * 1000)), HANGS_UP]


def answers(after_s: float = 0.3, talks_s: float | None = None) -> Behaviour:
    return Behaviour(after_s=after_s, talks_s=talks_s)


RINGS_FOR_EVER = Behaviour(code=0)
BUSY = Behaviour(code=486, rings=False, after_s=0.0)
DECLINES = Behaviour(code=603, after_s=0.5)


@dataclass
class Telephone:
    """One that is called. `ports`: where its sound arrives. `packets`: all those that were captured."""

    number: str
    behaviour: Behaviour
    port: int
    ports: range
    folder: Path
    namespace: Namespace
    packets: Callable[[], list[Packet]]
    _sipp: Sipp | None = field(default=None, init=False)

    @property
    def uri(self) -> str:
        return f"sip:{self.number}@{ADDRESS}:{self.port}"

    def open(self) -> "Telephone":
        self.folder.mkdir(exist_ok=True)
        steps = self.behaviour.steps(tone_file(self.folder, voice(self.number)))
        self._sipp = Sipp(
            self.folder, steps, port=self.port, host=ADDRESS, media=self.ports[0], calls=0, namespace=self.namespace
        )
        self._sipp.__enter__()
        return self

    def heard(self) -> list["array[int]"]:
        """The sound of each call that reached it with sound, in their order."""
        return self.heard_in(self.packets())

    def heard_in(self, packets: list[Packet]) -> list["array[int]"]:
        return sounds(packets, ADDRESS, self.ports)

    def digits(self) -> str:
        return digits(self.packets(), ADDRESS, self.ports)

    def close(self) -> None:
        if self._sipp:
            self._sipp.__exit__()


@dataclass
class Softphone:
    """Debian's baresip: it dials, and answers by itself.

    Attributes:
        account: its address with baresip's parameters: `<sip:user@domain>;regint=0;…`.
        voice_of: the number whose voice it has.
        address, interface: where it is.
        settings: further lines of its configuration.
    """

    account: str
    voice_of: str
    port: int
    ports: range
    folder: Path
    namespace: Namespace
    packets: Callable[[], list[Packet]]
    address: str = ADDRESS
    interface: str = "phones"
    settings: str = ""
    _process: subprocess.Popen[bytes] | None = field(default=None, init=False)
    _control: socket.socket | None = field(default=None, init=False)

    def open(self) -> "Softphone":
        self.folder.mkdir(exist_ok=True)
        control, speech = self.port + 4, self.folder / "tone.wav"
        speech.write_bytes(wav_file(tone(voice(self.voice_of)) * _SPEAKS_S))
        (self.folder / "config").write_text(f"""sip_listen {self.address}:{self.port}
net_interface {self.interface}
rtp_ports {self.ports[0]}-{self.ports[-1]}
audio_source aufile,{speech}
audio_player none,none
snd_path {self.folder}
module_path /usr/lib/baresip/modules
module g711.so
module aufile.so
module sndfile.so
module srtp.so
module_tmp account.so
module_app menu.so
module_app ctrl_tcp.so
ctrl_tcp_listen {self.address}:{control}
{self.settings}
""")
        more = "audio_codecs=PCMU/8000/1;answermode=auto"
        (self.folder / "accounts").write_text(f"{self.account};{more}\n")
        (self.folder / "contacts").write_text("")
        with (self.folder / "output.txt").open("wb") as output:
            self._process = self.namespace.start(
                "baresip", "-4", "-f", self.folder, stdin=subprocess.DEVNULL, stdout=output, stderr=output
            )
        give_up = time.monotonic() + _STARTS_S
        while self._control is None:
            with self.namespace.entered():
                connection = socket.socket()
            try:
                connection.connect((self.address, control))
                self._control = connection
            except OSError:
                connection.close()
                if time.monotonic() > give_up or self._process.poll() is not None:
                    raise RuntimeError(f"baresip did not start: {self.output}") from None
                time.sleep(_LOOK_S)
        return self

    @property
    def output(self) -> str:
        """What baresip printed so far."""
        return (self.folder / "output.txt").read_text(errors="replace")

    def dial(self, uri: str) -> None:
        self._do("dial", uri)

    def press(self, digit: str) -> None:
        self._do("sndcode", digit)

    def hang_up(self) -> None:
        self._do("hangup")

    def heard(self) -> list["array[int]"]:
        """The sound of each call, in their order; that of SRTP is not in it."""
        return sounds(self.packets(), self.address, self.ports)

    def played(self) -> "array[int]":
        """The sound of the last call, which is over, as baresip decoded it."""
        written = sorted(self.folder.glob("dump-*-dec.wav"), key=lambda file: file.stat().st_mtime_ns)
        return array("h", telephone_audio(written[-1].read_bytes()))

    def close(self) -> None:
        if self._control:
            self._control.close()
        if self._process:
            self._process.kill()  # by SIGTERM it would take leave of its calls and its registrar first
            self._process.wait()

    def _do(self, command: str, parameter: str = "") -> None:
        """A netstring of JSON (baresip's module ctrl_tcp)."""
        assert self._control
        text = json.dumps({"command": command, "params": parameter, "token": command})
        self._control.sendall(f"{len(text)}:{text},".encode())
