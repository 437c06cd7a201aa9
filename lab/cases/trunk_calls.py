"""A recorded callback between two telephones of the stand-in telephone company over a trunk, and its checks.

    with Telco(folder, [ACME]) as telco, laptop(telco, main_trunk(telco)) as one:
        played = play_callback(telco, one.sp, record=True)
        failed = [check for check in checks(telco, played) if not check.passed]

The lab runs on the customer's machine, behind NAT (lab/telco); its trunk is TLS with SRTP, and a registration.
"""

from array import array
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from lab.cases.catalogue import PARAMETERS
from lab.cases.checks import Check
from lab.cases.play import recording_at
from lab.cases.tone_detection import WINDOW, seconds_of, windows
from lab.lab import Lab
from lab.phones.voices import voice
from lab.sp.client import Reply
from lab.sp.receiver import Notification
from lab.sp.service_provider import ServiceProvider, open_sp
from lab.telco.captures import PCMA, decoded, encrypted_streams, plain_streams
from lab.telco.message_log import Message
from lab.telco.namespaces import NAT, OUTSIDE, address
from lab.telco.phones import Behaviour, Telephone, answers
from lab.telco.telco import COMPANY, REALM, TLS_PORT, Account, Telco
from pstn.lines.sip.audio import RATE, share, tone, wav_file
from pstn.lines.trunk.settings import TrunkSettings
from pstn.trunks.trunk_file import read

SHOWN = SHOWN_TO_CALLER, SHOWN_TO_CALLEE = "+12025550100", "+12025550101"
DIVERTED_BY = "+12025550105"
"""A third number of the account, in Diversion."""
CALLER, CALLEE = "+12025550111", "+12025550122"
ACME = Account("acme", (*SHOWN, DIVERTED_BY), srtp="mandatory", tls=True)
NOTICE_HZ, NOTICE_S = 1400.0, 1.6
"""The recording notice is a tone here, so that it is recognised in what a telephone heard."""
TALKS_S = 9.0
ANSWERS, TALKS = answers(), answers(talks_s=TALKS_S)
LEAST_S = 1.5
"""Seconds of the other's voice that each must have heard of `TALKS_S`: a busy machine interrupts it."""
BOTH = 0.3
"""Share of the energy of each of two voices that sound together, at least."""


@dataclass(frozen=True)
class Laptop:
    """What is on the customer's machine."""

    lab: Lab
    sp: ServiceProvider


def main_trunk(telco: Telco, **rows: Any) -> dict[str, Any]:
    """The trunk of ACME as in trunks.yaml. `rows`: more of them, or others."""
    identity = {"pai": True, "diversion": DIVERTED_BY}
    return telco.trunk(ACME.user, **{"display_numbers": [*SHOWN], "registration": {}, "identity": identity, **rows})


def upload_notice(lab: Lab) -> None:
    notice = {"Bucket": lab.outputs["PromptsBucket"], "Key": "prompts/recording-notice.wav"}
    lab.client("s3").put_object(**notice, Body=wav_file(tone(NOTICE_HZ, NOTICE_S)), ContentType="audio/wav")


@contextmanager
def laptop(telco: Telco, *trunks: dict[str, Any]) -> Iterator[Laptop]:
    """A lab on the customer's machine, over these trunks. This thread is on that machine meanwhile."""
    with telco.customer.entered():
        file = read(telco.trunk_file(*trunks))
        settings = TrunkSettings(file)
        folder = telco.folder / "lab"
        with Lab(
            auth=True, parameters=PARAMETERS, numbers=file.display_numbers, state_dir=folder, trunks=settings
        ) as lab:
            upload_notice(lab)
            sp = open_sp(lab.api_url, lab.environment, name="acme", numbers=SHOWN, settings=("--recording",))
            try:
                yield Laptop(lab, sp)
            finally:
                sp.close()


@dataclass
class TrunkCall:
    """One callback, as each side saw it."""

    reply: Reply
    caller: Telephone
    callee: Telephone
    notifications: list[Notification] = field(default_factory=list)
    looked_up: dict[str, Any] = field(default_factory=dict)
    recording: bytes | None = None

    @property
    def cdr(self) -> dict[str, Any]:
        return next((dict(each.body["feeLst"][0]) for each in self.notifications if each.kind == "fee"), {})

    @property
    def steps(self) -> list[str]:
        return [each.kind for each in self.notifications]


def play_callback(
    telco: Telco,
    sp: ServiceProvider,
    caller: Behaviour = ANSWERS,
    callee: Behaviour = TALKS,
    *,
    record: bool = False,
    wait_s: float = 60.0,
) -> TrunkCall:
    """From the request to the CDR, and to the recording if there is one."""
    phones = telco.phone(CALLER, caller), telco.phone(CALLEE, callee)
    reply = sp.place(CALLER, CALLEE, **({"recordFlag": "true"} if record else {}))
    played = TrunkCall(reply, *phones)
    session = str(reply.body.get("sessionId", ""))
    if reply.status == 200:
        sp.receiver.wait_for_fee(session, wait_s)
        played.notifications = sp.receiver.about(session)
        played.looked_up = sp.client.look_up(session).body
        if link := played.cdr.get("recordFileDownloadUrl"):
            played.recording = recording_at(str(link))
    return played


def checks(telco: Telco, played: TrunkCall, outside: Sequence[str] = (address(OUTSIDE, NAT),)) -> list[Check]:
    """Of a recorded callback that was talked, the first one of its company. `outside`: the customer's addresses."""
    packets = telco.outside.packets()
    to_caller, to_callee = (_first_to(telco.received("INVITE"), number) for number in (CALLER, CALLEE))
    streams = encrypted_streams(packets)
    ways = {way for one in outside for way in ((one, COMPANY), (COMPANY, one))}
    return [
        _check("the callback was taken up", played.reply.status, 200),
        *_identities("the caller's telephone", to_caller, SHOWN_TO_CALLER),
        *_identities("the callee's telephone", to_callee, SHOWN_TO_CALLEE),
        _check("SIP went over TLS", {each.target for each in (to_caller, to_callee)}, {f"{COMPANY}:{TLS_PORT}"}),
        _check("encrypted sound went both ways over the internet", streams <= ways and _both(streams), True),
        _check("no plain sound was on the internet", plain_streams(packets), []),
        _heard("the caller", played.caller.heard(), voice(CALLEE)),
        _heard("the callee", played.callee.heard(), voice(CALLER)),
        _heard_notice("the caller", played.caller.heard()),
        _heard_notice("the callee", played.callee.heard()),
        _recorded(played.recording),
    ]


def _both(streams: set[tuple[str, str]]) -> bool:
    return bool(streams) and all((target, source) in streams for source, target in streams)


def _identities(whose: str, invite: Message, shown: str) -> list[Check]:
    uri = f"<sip:{shown}@{REALM}>"
    return [
        _check(f"{whose} was shown {shown}", invite.value("from").partition(";")[0], uri),
        _check(f"{whose}: P-Asserted-Identity", invite.value("p-asserted-identity"), uri),
        _check(f"{whose}: Diversion", invite.value("diversion").partition(";")[0], f"<sip:{DIVERTED_BY}@{REALM}>"),
    ]


def _heard(who: str, calls: list["array[int]"], hertz: float) -> Check:
    heard = sum(seconds_of(hertz, call) for call in calls[-1:])
    return Check(f"{who} heard the other's voice, {hertz:.0f} Hz", None if heard >= LEAST_S else f"for {heard:.1f} s")


def _heard_notice(who: str, calls: list["array[int]"]) -> Check:
    """The other's voice may sound with it."""
    heard = sum(share(each, NOTICE_HZ) >= BOTH for call in calls[-1:] for each in windows(call)) * WINDOW / RATE
    return Check(f"{who} heard the recording notice", None if heard >= NOTICE_S / 2 else f"for {heard:.1f} s")


def _recorded(recording: bytes | None) -> Check:
    """What the CDR's link leads to is mono, in A-law."""
    what = "the recording has both voices"
    if recording is None:
        return Check(what, "there is none")
    sound = decoded(recording[recording.index(b"data") + 8 :], PCMA)
    both = sum(min(share(each, voice(CALLER)), share(each, voice(CALLEE))) >= BOTH for each in windows(sound))
    seconds = both * WINDOW / RATE
    return Check(what, None if seconds >= LEAST_S else f"for {seconds:.1f} s")


def _first_to(invites: Sequence[Message], number: str) -> Message:
    return next((each for each in invites if f":{number}@" in each.first), Message(0, "", "", "", (), ""))


def _check(what: str, found: object, expected: object) -> Check:
    return Check(what, None if found == expected else str(found))
