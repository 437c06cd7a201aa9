"""The stand-in telephone company.

    with Telco(folder, [Account("acme", ("+12025550100", "+12025550101"))]) as telco:
        phone = telco.phone("+12025550111", answers())
        telco.trunk_file()            # trunks.yaml for the customer
        with telco.customer.entered():
            …                         # this thread is on the customer's machine, behind NAT
        phone.heard(), telco.messages(), telco.outside.packets()

Everything runs in namespaces of its own (namespaces.py): the company with its telephones, its STUN server and the
trunks that fail; a NAT box; the customer; and what `network.machine` adds.
"""

import asyncio
import secrets
import subprocess
import threading
import time
from collections.abc import Callable, Coroutine, Iterable, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal, Self

import yaml

from lab.telco.bad_trunk import BadTrunk
from lab.telco.captures import Capture, Packet
from lab.telco.certificates import Authority
from lab.telco.message_log import PORT as LOG_PORT
from lab.telco.message_log import Message, MessageLog
from lab.telco.namespaces import INSIDE, OUTSIDE, Networks, address
from lab.telco.phones import ADDRESS as PHONES
from lab.telco.phones import Behaviour, Softphone, Telephone
from lab.telco.stun_server import PORT as STUN_PORT
from lab.telco.stun_server import StunServer

COMPANY, CUSTOMER = address(OUTSIDE, 1), address(INSIDE, 2)
REALM = "telco.example.net"
SIP_PORT, TLS_PORT = 5060, 5061
_COMPANY, _CUSTOMER, _FIRST_BAD = 1, 2, 11
"""Last parts of addresses."""
_FIRST_SIP, _FIRST_RTP, _SIP_STEP, _RTP_STEP = 6000, 30000, 10, 200
_STARTS_S, _LOOK_S = 60.0, 0.05
_CONFIG = Path(__file__).with_name("company.cfg")


@dataclass(frozen=True)
class Account:
    """A customer's account.

    Attributes:
        user: of digest, and of the address that it registers.
        numbers: what may be shown, in E.164; calls to them go to the account.
        secret: a random one unless it is given.
        srtp: what its sound must be: plain, either, or encrypted.
        tls: SIP by another transport than TLS is refused.
        format: how numbers are written, `+12025550111` or `2025550111`.
        diversion: From may have a foreign number if Diversion has one of the account's.
        address: where calls to the numbers go, as in a SIP URI behind the @: `198.51.100.21:5061;transport=tls`.
            None: where the account has registered.
    """

    user: str
    numbers: tuple[str, ...]
    secret: str = ""
    srtp: Literal["off", "optional", "mandatory"] = "optional"
    tls: bool = False
    format: Literal["e164", "national"] = "e164"
    diversion: bool = False
    address: str | None = None

    def written(self, number: str) -> str:
        """A number in E.164, in the account's format."""
        return number if self.format == "e164" else number.removeprefix("+1")


class Telco:
    """A context manager.

    Args:
        folder: for its files: configurations, logs, captures, certificates. Its path has at most 90 characters.
        harsh: the NAT box changes every port.
        refuses_by: how a wrong password is answered: with another challenge, or with 403.
        record: packets to telephones and on both networks are captured; without it nothing is heard or judged.
    """

    def __init__(
        self,
        folder: Path,
        accounts: Sequence[Account] = (),
        *,
        bad: Sequence[BadTrunk] = (),
        harsh: bool = True,
        refuses_by: Literal["challenge", "403"] = "challenge",
        record: bool = True,
    ) -> None:
        self.folder = folder
        self.accounts = {each.user: _with_secret(each) for each in accounts}
        self.bad = list(bad)
        self._wrong = refuses_by
        self._record = record
        self._harsh = harsh
        self._processes: list[subprocess.Popen[bytes]] = []
        self._phones: list[Telephone | Softphone] = []
        self._count = 0

    # -- opening and closing
    def __enter__(self) -> Self:
        self.folder.mkdir(parents=True, exist_ok=True)
        self.network = Networks(harsh=self._harsh)
        try:
            self._open()
        except BaseException:  # whatever went wrong, nothing is left behind
            self.close()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _open(self) -> None:
        self.company = self.network.machine("company", outside=_COMPANY)
        self.company.run("ip", "link", "add", "phones", "type", "veth", "peer", "name", "phones-peer")
        self.company.run("ip", "address", "add", f"{PHONES}/24", "dev", "phones")
        self.company.run("ip", "link", "set", "phones", "up")
        self.company.run("ip", "link", "set", "phones-peer", "up")
        self.customer = self.network.machine("customer", inside=_CUSTOMER)
        self.ca = write_configuration(self.folder, self.accounts.values(), COMPANY, PHONES, self._wrong)
        if self._record:
            wires = self.network.wires
            self.outside = Capture(wires, OUTSIDE, self.folder / "outside.pcap")
            self.inside = Capture(wires, INSIDE, self.folder / "inside.pcap")
            rtp = f"udp and dst host {PHONES} and portrange {_FIRST_RTP}-65535"
            self._to_phones = Capture(self.company, "lo", self.folder / "phones.pcap", rtp)
        self._log = MessageLog(self.folder / "messages.jsonl")
        self._loop = _Loop(self.company.entered)
        self._loop.call(self._serve)
        self._start(
            "rtpengine",
            *("-f", "-E", "-L", "5", "-t", "-1", "-i", f"out/{COMPANY}", "-i", f"phones/{PHONES}"),
            *("-n", "127.0.0.1:2223", "-m", "10000", "-M", "29999", "--num-threads", "2"),
        )
        self._start(
            "kamailio", "-f", self.folder / "kamailio.cfg", "-DD", "-E", "-m", "64", "-M", "8", "-Y", self.folder
        )
        self._until(lambda: (self.folder / "ctl").is_socket() and self._answers_rpc(), "kamailio")

    def close(self) -> None:
        """Also after a failure half-way."""
        for phone in self._phones:
            phone.close()
        self.network.close()  # what still runs in the namespaces is killed
        for process in self._processes:
            process.wait()
        for capture in ("outside", "inside", "_to_phones"):
            if capture in self.__dict__:
                self.__dict__[capture].close()
        if "_loop" in self.__dict__:
            self._loop.close()
        if "_log" in self.__dict__:
            self._log.close()

    # -- for tests
    def trunk(self, user: str, **more: Any) -> dict[str, Any]:
        """An entry of `trunks` in trunks.yaml for this account, over TLS with SRTP unless `more` says otherwise.

        Its secret is in the file `USER.secret` of the folder, and so is the trunk file's place.
        """
        account = self.accounts[user]
        secret = self.folder / f"{user}.secret"
        secret.write_text(account.secret)
        trunk = {
            "name": user,
            "hosts": [COMPANY],
            "transport": "tls",
            "tls": {"ca": str(self.ca)},
            "srtp": "mandatory",
            "digest": {"user": user, "secret": {"file": str(secret)}},
            "from": {"domain": REALM},
            "display_numbers": list(account.numbers),
        }
        if more.get("transport", "tls") != "tls":
            del trunk["tls"], trunk["srtp"]
        return {**trunk, **more}

    def trunk_file(self, *trunks: dict[str, Any], **more: Any) -> Path:
        """trunks.yaml for the customer; without `trunks`, one for each account. `more`: further rows of the file."""
        entries = list(trunks) or [self.trunk(user) for user in self.accounts]
        file = self.folder / "trunks.yaml"
        file.write_text(yaml.safe_dump({"interface": CUSTOMER, **more, "trunks": entries}, sort_keys=False))
        return file

    def phone(self, number: str, behaviour: Behaviour) -> Telephone:
        """A telephone with this number, in E.164; it takes the place of an earlier one with it."""
        for at, other in enumerate(self._phones):
            if isinstance(other, Telephone) and other.number == number:
                self._phones.pop(at).close()
                break
        phone = Telephone(number, behaviour, *self._place(), self.company, self.packets_to_phones)
        self._phones.append(phone.open())
        self._rpc("htable.sets", "phone", f"s:{number}", phone.uri)  # s: a string, not a number with a sign
        return phone

    def switchboard(self, numbers: Sequence[str], behaviour: Behaviour) -> Telephone:
        """One telephone that takes the calls of all these numbers, many at once; its voice is the first one's."""
        phone = self.phone(numbers[0], behaviour)
        for number in numbers[1:]:
            self._rpc("htable.sets", "phone", f"s:{number}", phone.uri)
        return phone

    def softphone(self, number: str, *, anonymous: bool = False) -> Softphone:
        """A telephone that dials numbers: `dial("sip:+12025550100@" + PHONES)`."""
        account = f'<sip:{"anonymous" if anonymous else number}@{PHONES}>;regint=0;outbound="sip:{PHONES}:5060"'
        phone = Softphone(account, number, *self._place(), self.company, self.packets_to_phones)
        self._phones.append(phone.open())
        return phone

    def pbx(self, user: str, parameters: str = "") -> Softphone:
        """The customer's own telephone on the account, registered by TLS, with SRTP unless `parameters` say otherwise.

        It shows the account's first number and has its voice.
        """
        account = self.accounts[user]
        line = f"<sip:{account.written(account.numbers[0])}@{REALM}>;regint=60;"
        line += f"auth_user={user};auth_pass={account.secret};"
        line += parameters or f'outbound="sip:{COMPANY}:{TLS_PORT};transport=tls";mediaenc=srtp-mand'
        settings = f"sip_cafile {self.ca}"
        phone = Softphone(
            line,
            account.numbers[0],
            *self._place(),
            self.customer,
            self.inside.packets,
            address=CUSTOMER,
            interface=INSIDE,
            settings=settings,
        )
        self._phones.append(phone.open())
        return phone

    def messages(self) -> list[Message]:
        """All that the company's SIP server received and sent so far, without TLS."""
        return self._log.messages()

    def received(self, method: str) -> list[Message]:
        """The requests of this method that came from the customer's side, repeated ones as well."""
        return [each for each in self.messages() if each.method == method and not each.status and _from_customer(each)]

    def legs_up(self) -> dict[str, Message]:
        """Calls of telephones that were answered and not ended: Call-ID → the INVITE that reached the telephone."""
        invites: dict[str, Message] = {}
        up: dict[str, Message] = {}
        for each in self.messages():
            if each.method == "INVITE" and not each.status and each.target.startswith(f"{PHONES}:"):
                invites[each.call_id] = each
            elif each.method == "INVITE" and each.status == 200 and each.source.startswith(f"{PHONES}:"):
                if each.call_id in invites:
                    up.setdefault(each.call_id, invites[each.call_id])
            elif each.method == "BYE" and not each.status:
                up.pop(each.call_id, None)
        return up

    def packets_to_phones(self) -> list[Packet]:
        return self._to_phones.packets()

    # -- within
    async def _serve(self) -> None:
        loop = asyncio.get_running_loop()
        await loop.create_datagram_endpoint(lambda: self._log, ("127.0.0.1", LOG_PORT))
        await loop.create_datagram_endpoint(StunServer, (COMPANY, STUN_PORT))
        for at, trunk in enumerate(self.bad):
            trunk.address = self.network.add_address(self.company, OUTSIDE, _FIRST_BAD + at)
            await trunk.open(self.folder)

    def _start(self, program: str, *arguments: str | Path) -> None:
        with (self.folder / f"{program}.log").open("wb") as log:
            self._processes.append(
                self.company.start(program, *arguments, stdin=subprocess.DEVNULL, stdout=log, stderr=log)
            )

    def _until(self, true: Callable[[], bool], program: str) -> None:
        give_up = time.monotonic() + _STARTS_S
        while not true():
            if time.monotonic() > give_up or any(each.poll() is not None for each in self._processes):
                text = (self.folder / f"{program}.log").read_text(errors="replace")
                raise RuntimeError(f"{program} did not start: {text[-2000:]}")
            time.sleep(_LOOK_S)

    def _answers_rpc(self) -> bool:
        try:
            self._rpc("core.version")
        except RuntimeError:
            return False
        return True

    def _rpc(self, *words: str) -> str:
        return self.company.run("kamcmd", "-s", f"unix:{self.folder}/ctl", *words)

    def _place(self) -> tuple[int, range, Path]:
        """For one more telephone: port of SIP, ports of RTP, folder."""
        self._count += 1
        first = _FIRST_RTP + _RTP_STEP * self._count
        return (
            _FIRST_SIP + _SIP_STEP * self._count,
            range(first, first + _RTP_STEP),
            self.folder / f"phone-{self._count}",
        )


class _Loop:
    """An asyncio loop on a thread that is in another namespace."""

    def __init__(self, entered: Callable[[], AbstractContextManager[None]]) -> None:
        self._entered = entered
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def _run(self) -> None:
        with self._entered():
            self._loop.run_forever()

    def call(self, work: Callable[[], Coroutine[Any, Any, None]]) -> None:
        asyncio.run_coroutine_threadsafe(work(), self._loop).result()

    def close(self) -> None:
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()


def write_configuration(
    folder: Path, accounts: Iterable[Account], out: str, phones: str, wrong: str = "challenge"
) -> Path:
    """Of Kamailio. `out`, `phones`: its addresses for customers and for telephones.

    Returns the certificate of the authority that vouches for it.
    """
    authority = Authority(folder)
    certificate = authority.issue("sip.telco.example.net", out)
    tls = f"[server:default]\nmethod = TLSv1.2+\ncertificate = {certificate.certificate}\n"
    tls += f"private_key = {certificate.key}\nverify_certificate = no\n"
    tls += "[client:default]\nmethod = TLSv1.2+\nverify_certificate = no\n"
    (folder / "tls.cfg").write_text(tls)
    (folder / "accounts.cfg").write_text("".join(map(_rules, accounts)) or "return;\n")
    text = _CONFIG.read_text()
    values = {"OUT": out, "PHONES": phones, "REALM": REALM, "FOLDER": folder, "WRONG": wrong}
    for name, value in values.items():
        text = text.replace(f"@{name}@", str(value))
    (folder / "kamailio.cfg").write_text(text)
    return authority.certificate


def _with_secret(account: Account) -> Account:
    return account if account.secret else replace(account, secret=secrets.token_urlsafe(12))


def _rules(account: Account) -> str:
    """As Kamailio's statements that fill its tables."""
    user = account.user
    tables = {
        f"secret=>{user}": account.secret,
        f"rule=>{user}::srtp": account.srtp,
        f"rule=>{user}::format": account.format,
        f"rule=>{user}::tls": int(account.tls),
        f"rule=>{user}::diversion": int(account.diversion),
        **{f"owned=>{user}::{account.written(number)}": 1 for number in account.numbers},
        **{f"account_of=>{number}": user for number in account.numbers},
        **({f"address_of=>{user}": account.address} if account.address else {}),
    }
    return "".join(
        f"$sht({key}) = {value};\n" if isinstance(value, int) else f'$sht({key}) = "{value}";\n'
        for key, value in tables.items()
    )


def _from_customer(message: Message) -> bool:
    return not message.source.startswith((f"{PHONES}:", f"{COMPANY}:"))
