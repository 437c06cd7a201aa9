"""The stand-in telephone company itself: its telephones, its rules, its networks, what its captures show, its end."""

import os
import signal
import socket
import ssl
import struct
import subprocess
import sys
from pathlib import Path

import pytest

from lab.cases.tone_detection import seconds_of
from lab.phones.voices import voice
from lab.telco.bad_trunk import BadTrunk
from lab.telco.captures import encrypted_streams, leaks, plain_streams
from lab.telco.phones import ADDRESS as PHONES
from lab.telco.phones import BUSY, DECLINES, RINGS_FOR_EVER, answers
from lab.telco.reaper import NAMESPACES
from lab.telco.stun_server import PORT as STUN_PORT
from lab.telco.telco import COMPANY, CUSTOMER, REALM, SIP_PORT, TLS_PORT, Account, Telco
from tests.e2e.trunk.raw_sip import Invite, final_answer
from tests.e2e.waiting import until

ACME, NATIONAL, SECURE, OPEN = (
    Account("acme", ("+12025550100", "+12025550101"), diversion=True),
    Account("national", ("+12025550102",), format="national"),
    Account("secure", ("+12025550103",), srtp="mandatory", tls=True),
    Account("open", ("+12025550104",), srtp="off"),
)
BAD = {
    "503": BadTrunk(503, headers=(("Retry-After", "7"),)),
    "rings, then 503": BadTrunk(503, rings=True),
    "486": BadTrunk(486),
    "late 408": BadTrunk(408, late_s=0.5),
    "silent": BadTrunk(None),
}


@pytest.fixture(scope="module")
def telco(tmp_path_factory):
    with Telco(tmp_path_factory.mktemp("telco"), (ACME, NATIONAL, SECURE, OPEN), bad=list(BAD.values())) as telco:
        yield telco


def ended(phone):
    return any(words in phone.output for words in ("terminated (", "terminate call", "session closed"))


def test_two_telephones_hear_each_other_and_digits_arrive(telco):
    callee, caller = telco.phone("+12025550111", answers(talks_s=2.0)), telco.softphone("+12025550133")
    caller.dial(f"sip:+12025550111@{PHONES}")
    until(lambda: "Call established" in caller.output)
    caller.press("5")
    until(lambda: ended(caller))
    [heard_by_callee], [heard_by_caller] = callee.heard(), caller.heard()
    assert seconds_of(voice("+12025550133"), heard_by_callee) >= 1
    assert seconds_of(voice("+12025550111"), heard_by_caller) >= 1
    assert callee.digits() == "5"


@pytest.mark.parametrize(
    ("behaviour", "statuses"),
    [(BUSY, {100, 486}), (DECLINES, {100, 180, 603}), (RINGS_FOR_EVER, {100, 180, 487})],
    ids=["busy", "declines", "rings"],
)
def test_a_telephone_that_does_not_answer(telco, behaviour, statuses):
    telco.phone("+12025550112", behaviour)
    caller = telco.softphone("+12025550134")
    caller.dial(f"sip:+12025550112@{PHONES}")

    def told() -> set[int]:
        return {each.status for each in telco.messages() if each.status and each.target == f"{PHONES}:{caller.port}"}

    until(lambda: 180 in told() or max(told(), default=0) >= 300)
    if behaviour is RINGS_FOR_EVER:
        caller.hang_up()
    until(lambda: max(told()) >= 300)
    assert told() - {200} == statuses, "200 is that to CANCEL"


def test_a_customer_behind_nat_calls_and_is_called_over_tls_with_srtp(telco):
    """The captures show encrypted sound only."""
    pbx, caller = telco.pbx("secure"), telco.softphone("+12025550135")
    callee = telco.phone("+12025550113", answers(talks_s=2.0))
    until(lambda: "200 OK" in pbx.output)
    caller.dial(f"sip:+12025550103@{PHONES}")
    until(lambda: sum(seconds_of(voice("+12025550103"), call) for call in caller.heard()) >= 1)
    caller.hang_up()
    until(lambda: ended(pbx))
    assert seconds_of(voice("+12025550135"), pbx.played()) >= 0.5
    pbx.dial(f"sip:+12025550113@{REALM}")
    until(lambda: pbx.output.count("terminated") == 2)
    assert seconds_of(voice("+12025550103"), callee.heard()[0]) >= 1
    assert seconds_of(voice("+12025550113"), pbx.played()) >= 1
    packets = telco.outside.packets()
    nat = "198.51.100.254"
    assert encrypted_streams(packets) >= {(COMPANY, nat), (nat, COMPANY)}
    assert not [way for way in plain_streams(packets) if COMPANY in way]
    assert leaks(packets) == []


def test_plain_sound_and_an_inside_address_are_seen(telco):
    """What the judgements above would otherwise never show."""
    open_line = f'outbound="sip:{COMPANY}:{SIP_PORT}"'
    pbx = telco.pbx("open", open_line)
    telco.phone("+12025550114", answers(talks_s=1.0))
    pbx.dial(f"sip:+12025550114@{REALM}")
    until(lambda: ended(pbx))
    packets = [each for each in telco.outside.packets() if each.protocol == socket.IPPROTO_UDP]
    assert plain_streams(packets)
    assert any(CUSTOMER in leak for leak in leaks(packets))


def _divert(number: str) -> str:
    return f"Diversion: <sip:{number}@{REALM}>;reason=unconditional"


@pytest.mark.parametrize(
    ("user", "changes", "expected"),
    [
        ("acme", {}, (486, "Refused")),
        ("acme", {"secret": "wrong"}, (407, "Proxy Authentication Required")),
        ("nobody", {"secret": "wrong"}, (407, "Proxy Authentication Required")),
        ("acme", {"shown": "+12025550199"}, (403, "From is not a number of the account")),
        ("acme", {"shown": "+12025550199", "more": (_divert("+12025550100"),)}, (486, "Refused")),
        (
            "acme",
            {"shown": "+12025550199", "more": (_divert("+12025550198"),)},
            (403, "From is not a number of the account"),
        ),
        (
            "acme",
            {"more": (f"P-Asserted-Identity: <sip:+12025550199@{REALM}>",)},
            (403, "P-Asserted-Identity is not a number of the account"),
        ),
        ("acme", {"more": (f"P-Asserted-Identity: <sip:+12025550101@{REALM}>",)}, (486, "Refused")),
        ("acme", {"called": "2025550115"}, (484, "E.164 is wanted")),
        ("acme", {"called": "+12025550190"}, (404, "Not Found")),
        ("acme", {"transport": "RTP/SAVP"}, (486, "Refused")),
        ("national", {"shown": "2025550102", "called": "2025550115"}, (486, "Refused")),
        ("national", {"shown": "2025550102", "called": "+12025550115"}, (484, "Ten digits are wanted")),
        ("national", {"shown": "+12025550102", "called": "2025550115"}, (403, "From is not a number of the account")),
        ("secure", {"shown": "+12025550103"}, (403, "TLS only")),
        ("open", {"shown": "+12025550104", "transport": "RTP/SAVP"}, (488, "No SRTP here")),
    ],
)
def test_a_rule_for_a_call_of_a_customer(telco, user, changes, expected):
    telco.phone("+12025550115", BUSY)
    account = telco.accounts.get(user)
    invite = Invite(user, **{"secret": account.secret if account else "", "called": "+12025550115", **changes})
    assert final_answer(telco.customer, invite)[:2] == expected


@pytest.mark.parametrize(
    ("name", "expected", "rang"),
    [("503", 503, False), ("rings, then 503", 503, True), ("486", 486, False), ("late 408", 408, False)],
)
def test_a_trunk_that_fails(telco, name, expected, rang):
    trunk = BAD[name]
    code, _, before = final_answer(telco.customer, Invite("acme", "-"), trunk.address)
    assert (code, 180 in before, trunk.invites) == (expected, rang, 1)


def test_a_trunk_that_says_nothing(telco):
    with pytest.raises(TimeoutError):
        final_answer(telco.customer, Invite("acme", "-"), BAD["silent"].address)
    assert BAD["silent"].invites == 1


def test_the_stun_server_tells_the_address_that_nat_gives(telco):
    with telco.customer.entered():
        client = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    with client:
        client.settimeout(5)
        client.sendto(struct.pack("!HHI12s", 1, 0, 0x2112A442, b"transaction!"), (COMPANY, STUN_PORT))
        answer = client.recv(100)
    assert answer[:2] == b"\x01\x01"
    assert socket.inet_ntoa((int.from_bytes(answer[-4:]) ^ 0x2112A442).to_bytes(4)) == "198.51.100.254"


def test_its_certificate_is_valid_for_its_address_and_a_bad_trunk_s_is_not(telco):
    """As Python checks it, which is stricter than most from 3.13 on."""
    context = ssl.create_default_context(cafile=str(telco.ca))

    def agreed(host: str) -> str | None:
        with (
            telco.customer.entered(),
            socket.create_connection((host, TLS_PORT), timeout=5) as plain,
            context.wrap_socket(plain, server_hostname=host) as secure,
        ):
            return secure.version()

    assert agreed(COMPANY) in ("TLSv1.2", "TLSv1.3")
    with pytest.raises(ssl.SSLCertVerificationError):
        agreed(BAD["503"].address)


OWNER = """
import sys, time
from pathlib import Path
from lab.telco.telco import Account, Telco
with Telco(Path(sys.argv[1]), [Account("acme", ("+12025550100",))]) as telco:
    print(telco.network.prefix, flush=True)
    if sys.argv[2] == "fails":
        raise RuntimeError("a test fails")
    time.sleep(60)
"""


@pytest.mark.parametrize("how", ["fails", "killed"])
def test_nothing_is_left_of_a_run_that_ended_badly(tmp_path, how):
    root = Path(__file__).parents[3]
    command = [sys.executable, "-c", OWNER, str(tmp_path), how]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, cwd=root) as owner:
        prefix = owner.stdout.readline().strip()
        assert prefix.startswith("telco-")
        if how == "killed":
            assert list(NAMESPACES.glob(f"{prefix}-*"))
            os.kill(owner.pid, signal.SIGKILL)
        owner.wait()
    until(lambda: not list(NAMESPACES.glob(f"{prefix}-*")))
    until(lambda: str(tmp_path / "kamailio.cfg") not in _commands())


def _commands() -> str:
    return subprocess.run(["ps", "-eo", "args"], capture_output=True, text=True, check=True).stdout
