"""One test for each row of `trunks.yaml`, on the wire: what a trunk is sent by the line that dials it directly."""

import re
import socket
import ssl
import struct
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from ipaddress import IPv4Address, IPv6Address
from types import SimpleNamespace
from typing import Any

import pytest

from lab.telco.certificates import Authority, Certificate
from pstn.lines import AudioFile
from pstn.lines.trunk import stun
from pstn.sip_messages import Request
from tests.e2e.sip.audio_analysis import Heard, channels
from tests.e2e.sip.trunk_peer import (
    ANSWERS,
    INTERFACE,
    SECRET,
    TO,
    TRUNK,
    Company,
    Says,
    line_over,
    request,
)
from tests.e2e.sockets import only_on_linux, sockets
from tests.pstn.trunks.sip_peer import Account

DIGEST = {"user": "acme", "secret": {"env": "TRUNK_SECRET"}}
NUMBERS = [f"+120255501{each:02}" for each in range(100)]
STRANGER = "127.0.0.7"
BUSY = 5
"""Times that a call is tried until it is as quick as promised: not the line, but a busy machine may take longer."""


def challenges(account: Account) -> Any:
    """A script of a trunk with an account: answered only with the right credentials."""

    def script(asked: Request) -> list[Says]:
        reply = account(asked)
        status, headers = reply if isinstance(reply, tuple) else (reply, {})
        if status == 200 and asked.method == "INVITE":
            return ANSWERS
        more = {"Contact": asked.value("contact")} if status == 200 else headers
        return [Says(int(status or 0), tuple(more.items()))]

    return script


def tls_server(files: Certificate) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(files.certificate, files.key)
    return context


@contextmanager
def stun_server(sees: str) -> Iterator[str]:
    """One that sees everybody at this address."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as server:
        server.bind((TRUNK, 0))

        def serve() -> None:
            with suppress(OSError):
                while True:
                    asked, source = server.recvfrom(2000)
                    seen = int(IPv4Address(sees)) ^ stun.COOKIE
                    attribute = struct.pack("!HHBBHI", stun.XOR_MAPPED_ADDRESS, 8, 0, stun.IPV4, 0, seen)
                    head = struct.pack("!HH", stun.BINDING_SUCCESS, len(attribute))
                    server.sendto(head + asked[4:20] + attribute, source)

        threading.Thread(target=serve, daemon=True).start()
        yield f"{TRUNK}:{server.getsockname()[1]}"


def says(*answers: Says) -> Any:
    return lambda asked: list(answers)


@pytest.fixture(scope="module")
def certificates(tmp_path_factory):
    folder = tmp_path_factory.mktemp("tls")
    return Authority(folder)


@pytest.fixture(scope="module")
def trunks(tmp_path_factory, certificates):
    """Each trunk has a display number of its own, and its companies under the same name."""
    folder = tmp_path_factory.mktemp("trunks")
    companies: dict[str, list[Company]] = {}
    rows: list[dict[str, Any]] = []
    shown: dict[str, str] = {}

    def add(name: str, *hosts: Company, **more: Any) -> None:
        shown[name] = NUMBERS[len(rows)]
        companies[name] = list(hosts)
        where = {"hosts": [f"{TRUNK}:{host.port}" for host in hosts], "no_answer_seconds": 0.5}
        rows.append({"name": name, "display_numbers": [shown[name]], **where, **more})

    def company(script: Any = None, transport: str = "udp", context: Any = None) -> Company:
        return Company(script or says(*ANSWERS)).open(transport, context)

    add(
        "named",
        company(),
        codecs=["pcma", "pcmu"],
        numbers={
            "outbound": [{"match": r"\+1(\d{10})", "replace": r"\1"}],
            "inbound": [{"match": r"(\d{10})", "replace": r"+1\1"}],
        },
        identity={"pai": True, "ppi": True, "rpid": True, "privacy": True, "diversion": "+12025550199"},
        **{"from": {"user": "acme", "domain": "acme.example"}},
    )
    add("plain", company())
    for status in (401, 407):
        account = Account("acme", SECRET, "telco", status=status)
        add(f"digest-{status}", company(challenges(account)), digest=DIGEST | {"user": "acme"})
    add(
        "realm",
        company(challenges(Account("acme", SECRET, "elsewhere", status=407))),
        digest=DIGEST | {"realm": "telco"},
    )
    wrong = Account("acme", "another secret", "telco", status=407)
    add("wrong", company(challenges(wrong)), digest=DIGEST)
    add("nat", company())
    add("forbidden", company(says(Says(403))))
    add("next", company(says(Says(503))), company())
    add("silent", company(says()), company())
    late_ring = [Says(180, after_s=0.9), Says(200, sdp=True, after_s=30)]
    add("late-ring", company(says(*late_ring)), company())
    add("late-answer", company(says(Says(200, sdp=True, after_s=0.9))), company())
    add("trying", company(says(Says(100), Says(180, after_s=1.5), Says(200, sdp=True, after_s=1.6))), company())
    add("rang", company(says(Says(180), Says(503, after_s=0.3))), company())

    server = tls_server(certificates.issue("trunk", TRUNK))
    server.load_verify_locations(certificates.certificate)
    server.verify_mode = ssl.CERT_OPTIONAL
    ours = certificates.issue("acme.example")
    tls = {"ca": str(certificates.certificate), "certificate": str(ours.certificate), "key": str(ours.key)}
    secure: dict[str, Any] = {"transport": "tls", "tls": tls}
    add("secure", company(says(*ANSWERS), "tls", server), srtp="mandatory", **secure)
    other = tls_server(certificates.issue("sip.acme.example"))
    named = {"transport": "tls", "tls": tls | {"name": "sip.acme.example"}}
    add("optional", company(says(*ANSWERS), "tls", other), srtp="optional", **named)
    stranger = Authority(tmp_path_factory.mktemp("stranger")).issue("trunk", TRUNK)
    refused = company(says(*ANSWERS), "tls", tls_server(stranger))
    add("forged", refused, company(says(*ANSWERS), "tls", server), **secure)
    add("unverified", refused, transport="tls", tls={"verify": False})
    add("tcp", company(says(*ANSWERS), "tcp"), transport="tcp")
    granted = challenges(Account("acme", SECRET, "telco"))
    registrar = company(
        lambda asked: [
            Says(each.status, (("Contact", f"{asked.value('contact').partition(';')[0]};expires=2"),))
            if each.status == 200 and asked.method == "REGISTER"
            else each
            for each in granted(asked)
        ]
    )
    add("registered", registrar, digest=DIGEST, registration={"expires": 90})
    with line_over(folder, rows, 15160) as (line, listener):
        yield SimpleNamespace(line=line, listener=listener, companies=companies, shown=shown, count=0)
    for each in {id(one): one for hosts in companies.values() for one in hosts}.values():
        each.close()


@pytest.fixture
def call(trunks):
    """Dials over one trunk; hung up at the end."""
    legs: list[str] = []

    def dial(trunk: str) -> SimpleNamespace:
        trunks.count += 1
        leg = f"leg-{trunks.count}"
        legs.append(leg)
        line, listener = trunks.line, trunks.listener
        listener.run(lambda: line.dial(leg, trunks.shown[trunk], TO, {}))
        return SimpleNamespace(
            leg=leg,
            got=lambda what: listener.got(what, leg),
            hosts=trunks.companies[trunk],
            notes=lambda kind: [about for noted, about in listener.notes if noted == kind and about["call_id"] == leg],
        )

    yield dial
    for leg in legs:
        trunks.listener.run(lambda leg=leg: trunks.line.hang_up(leg, 0))


def invite_of(one: SimpleNamespace, host: int = 0) -> Request:
    return one.hosts[host].got("INVITE")[-1]


def test_the_rows_that_name_the_caller_and_the_codecs(call):
    one = call("named")
    one.got("answered")
    asked = invite_of(one)
    domain = "acme.example"
    number = f"<sip:{NUMBERS[0].removeprefix('+1')}@{domain}>"
    assert asked.uri == f"sip:{TO.removeprefix('+1')}@{TRUNK}:{one.hosts[0].port}"
    assert asked.value("to") == f"<{asked.uri}>"
    assert asked.value("from").startswith(f"<sip:acme@{domain}>;tag=")
    assert {name: asked.value(name) for name in ("p-asserted-identity", "p-preferred-identity", "privacy")} == {
        "p-asserted-identity": number,
        "p-preferred-identity": number,
        "privacy": "id",
    }
    assert asked.value("remote-party-id") == f"{number};party=calling;privacy=full;screen=no"
    assert asked.value("diversion") == f"<sip:2025550199@{domain}>;reason=unconditional"
    assert re.search(rb"^m=audio \d+ RTP/AVP 8 0 101\r$", asked.body, re.MULTILINE)


def test_without_such_rows_nothing_names_the_caller_but_from(call):
    one = call("plain")
    one.got("answered")
    asked = invite_of(one)
    assert asked.value("from").startswith(f"<sip:{NUMBERS[1]}@{TRUNK}>")
    names = {name for name, _ in asked.headers}
    assert not names & {"p-asserted-identity", "p-preferred-identity", "remote-party-id", "privacy", "diversion"}
    assert not names & {"x-leg", "route", "record-route"}, "headers of ours"


def test_everything_that_a_trunk_is_sent_names_our_interface(call):
    one = call("plain")
    one.got("answered")
    (ack,), asked = (
        one.hosts[0].got("ACK", where=lambda each: each.value("call-id") == invite_of(one).value("call-id")),
        invite_of(one),
    )
    assert asked.value("contact") == f"<sip:{NUMBERS[1]}@{INTERFACE}:15160>"
    assert asked.value("via").startswith(f"SIP/2.0/UDP {INTERFACE}:15160;branch=z9hG4bK")
    assert f"c=IN IP4 {INTERFACE}".encode() in asked.body
    assert ack.uri == f"sip:gw@{TRUNK}:{one.hosts[0].port}", "the Contact of the trunk"
    assert re.search(rf"^o=.* {INTERFACE}\r$".encode(), asked.body, re.MULTILINE)


def test_behind_a_nat_the_address_is_named_that_the_trunk_has_seen(call, trunks):
    (company,) = trunks.companies["nat"]
    company.sees = "=40001;received=203.0.113.5"
    for contact, address in ((f"{INTERFACE}:15160", INTERFACE), ("203.0.113.5:40001", "203.0.113.5")):
        before = len(company.asked)
        one = call("nat")
        one.got("answered")
        (asked,) = company.got("INVITE", where=lambda each, before=before: each not in company.asked[:before])
        assert asked.value("contact").endswith(f"@{contact}>")
        assert f"c=IN IP4 {address}\r\n".encode() in asked.body


@pytest.mark.parametrize("row", ["public_address", "stun"])
def test_the_public_address_is_named_in_contact_and_sdp(tmp_path, row):
    company = Company().open()
    with stun_server("203.0.113.9") as server:
        rows = {"name": "main", "hosts": [f"{TRUNK}:{company.port}"], "display_numbers": [NUMBERS[0]]}
        named: dict[str, Any] = {row: "203.0.113.9" if row == "public_address" else server}
        with line_over(tmp_path, [rows], 15170, **named) as (line, listener):
            listener.run(lambda: line.dial("leg", NUMBERS[0], TO, {}))
            listener.got("answered", "leg")
    asked, *_ = company.got("INVITE")
    company.got("BYE")  # the line was closed
    company.close()
    assert asked.value("contact").endswith("@203.0.113.9:15170>")
    assert b"c=IN IP4 203.0.113.9\r\n" in asked.body


def test_a_far_end_that_falls_silent_is_lost_unless_it_holds_the_call(tmp_path):
    """The one that holds it was silent before the other one was dialled."""
    company = Company().open()
    rows = {"name": "main", "hosts": [f"{TRUNK}:{company.port}"], "display_numbers": [NUMBERS[0]]}
    with line_over(tmp_path, [rows], 15180, silence_s=3) as (line, listener):

        def answered(leg: str) -> None:
            listener.run(lambda: line.dial(leg, NUMBERS[0], TO, {}))
            listener.got("answered", leg)

        answered("held")
        (held,), _ = company.got("INVITE"), company.got("ACK")
        there, us = f"{held.value('to')};tag=t{company.port}", held.value("from")
        dialog: dict[str, Any] = {"from": there, "to": us, "call_id": held.value("call-id")}
        uri = held.value("contact").strip("<>")
        company.send(request("INVITE", uri, company, 9, "inactive", **dialog), (INTERFACE, 15180))
        company.told(200)
        company.send(request("ACK", uri, company, 9, **dialog), (INTERFACE, 15180))
        answered("silent")
        assert listener.got("ended", "silent") == 0
        ended = [leg for what, leg, _ in listener.happened if what == "ended"]
    company.close()
    assert ended == ["silent"]


@only_on_linux
def test_its_sockets_are_on_the_interface_and_on_loopback_and_nowhere_else(call, trunks):
    one = call("plain")
    one.got("answered")
    found = {each for each in sockets([trunks.line.stations[0].pid]) if each.port}
    outside = {(each.protocol, each.port) for each in found if each.address == IPv4Address(INTERFACE)}
    others = {each.address for each in found} - {IPv4Address(INTERFACE)}
    assert others == {IPv4Address("127.0.0.1"), IPv6Address("::1")}
    (rtp,) = re.findall(rb"m=audio (\d+)", invite_of(one).body)
    assert {("udp", 15160), ("tcp", 15160), ("tcp", 15161), ("udp", int(rtp))} <= outside


@pytest.mark.parametrize("status", [401, 407])
def test_a_challenge_is_answered(call, status):
    one = call(f"digest-{status}")
    one.got("answered")
    first, second = (each for each in one.hosts[0].got("INVITE", 2)[-2:])
    name = "authorization" if status == 401 else "proxy-authorization"
    assert (first.value(name), 'username="acme"' in second.value(name)) == ("", True)
    assert f'uri="{second.uri}"' in second.value(name), "some compare it"
    assert SECRET not in str(second)


@pytest.mark.parametrize(("trunk", "code"), [("wrong", 407), ("realm", 403), ("forbidden", 403)])
def test_a_refusal_of_our_credentials_ends_the_leg_with_its_status(call, trunk, code):
    for _ in range(BUSY):
        begun = time.monotonic()
        one = call(trunk)
        assert one.got("ended") == code
        if (took := time.monotonic() - begun) < 2:
            break
    assert took < 2
    assert [(each["trunk"], each["sip_code"]) for each in one.notes("trunk_refused_us")] == [(trunk, code)]
    assert "authorization" not in str(invite_of(one)).lower() or trunk != "realm", "not for another realm"


@pytest.mark.parametrize(
    ("trunk", "code", "asked"),
    [
        ("next", None, 2),
        ("silent", None, 2),
        ("trying", None, 1),
        ("rang", 503, 1),
        ("forged", None, 2),
    ],
)
def test_a_leg_goes_to_the_next_host(call, trunk, code, asked):
    one = call(trunk)
    if code is None:
        one.got("answered")
    else:
        assert one.got("ended") == code
    assert [bool(host.asked) for host in one.hosts] == [trunk != "forged", asked == 2]


def test_a_host_that_rings_or_answers_too_late_is_let_go(call):
    rings, answers = call("late-ring"), call("late-answer")
    for one in (rings, answers):
        one.got("answered")
    rings.hosts[0].got("CANCEL")
    (ack,), (bye,) = answers.hosts[0].got("ACK"), answers.hosts[0].got("BYE")
    assert {ack.value("to"), bye.value("to")} == {
        f"{answers.hosts[0].got('INVITE')[0].value('to')};tag=t{answers.hosts[0].port}"
    }
    assert int(bye.value("cseq").split()[0]) == int(ack.value("cseq").split()[0]) + 1


def test_an_unanswered_call_that_is_hung_up_is_cancelled(call, trunks):
    (host,) = trunks.companies["trying"][:1]
    before = len(host.asked)
    one = call("trying")
    host.got("INVITE", where=lambda each: each not in host.asked[:before])
    trunks.listener.run(lambda: trunks.line.hang_up(one.leg, 0))
    host.got("CANCEL")
    assert {each.method for each in host.asked[before:]} <= {"INVITE", "CANCEL"}


def test_tls_and_srtp(call):
    one = call("secure")
    one.got("answered")
    asked = invite_of(one)
    assert asked.value("via").startswith(f"SIP/2.0/TLS {INTERFACE}:15161")
    assert f"@{INTERFACE}:15161;transport=tls>" in asked.value("contact")
    assert re.search(rb"^m=audio \d+ RTP/SAVP ", asked.body, re.MULTILINE)
    assert b"a=crypto:1 " in asked.body
    (ours,) = one.hosts[0].certificates
    assert "acme.example" in str(ours), "our certificate"
    optional = call("optional")
    optional.got("answered")
    assert re.search(rb"^m=audio \d+ RTP/AVP ", invite_of(optional).body, re.MULTILINE)
    assert b"a=crypto:1 " in invite_of(optional).body


@pytest.mark.parametrize(("trunk", "transport"), [("unverified", "TLS"), ("tcp", "TCP")])
def test_other_transports(call, trunks, trunk, transport):
    one = call(trunk)
    one.got("answered")
    assert invite_of(one).value("via").startswith(f"SIP/2.0/{transport} ")
    trunks.listener.run(lambda: trunks.line.hang_up(one.leg, 0))
    one.hosts[0].got("BYE")


def test_a_registration_is_refreshed_before_it_expires(trunks):
    (registrar,) = trunks.companies["registered"]
    refreshed = registrar.got("REGISTER", 4)
    assert "expires=90" in refreshed[0].value("contact") or refreshed[0].value("expires") == "90"
    assert all(f"sip:acme@{INTERFACE}:15160" in each.value("contact") for each in refreshed)
    assert len({each.value("call-id") for each in refreshed}) == 1
    assert trunks.line.registrations["registered"] == 200


def calls_in(trunks: Any, trunk: str, called: str, number: int, **headers: str) -> Company:
    (company,) = trunks.companies[trunk]
    call_id = f"in-{trunk}-{number}"
    uri = f"sip:{called}@{INTERFACE}:15160"
    company.send(request("INVITE", uri, company, number, call_id=call_id, **headers), (INTERFACE, 15160))
    return company


def test_a_call_from_the_trunk_is_answered_heard_and_ended(trunks):
    trunks.listener.takes = True
    company = calls_in(
        trunks,
        "named",
        NUMBERS[0].removeprefix("+1"),
        1,
        p_asserted_identity="<sip:2025550122@telco.example>",
        record_route="<sip:127.0.0.1:9;lr>",
    )
    assert trunks.listener.got("arrived", "+12025550122") == NUMBERS[0]
    leg = "in-+12025550122"
    trunks.listener.run(lambda: trunks.line.picked_up(leg))
    answer = company.told(200)
    assert answer.value("record-route") == "<sip:127.0.0.1:9;lr>"
    assert f"@{INTERFACE}:15160>" in answer.value("contact")
    assert b"m=audio" in answer.body
    uri = answer.value("contact").strip("<>")
    same = {"call_id": "in-named-1", "to": answer.value("to")}
    company.send(request("ACK", uri, company, 1, **same), (INTERFACE, 15160))
    company.send(request("BYE", uri, company, 2, **same), (INTERFACE, 15160))
    assert trunks.listener.got("ended", leg) == 0


def test_each_process_takes_calls_at_its_own_port(tmp_path):
    """As an edge spreads them: docs/pstn-nodes.md."""
    company = Company(says(*ANSWERS)).open()
    rows = {"name": "plain", "display_numbers": [NUMBERS[1]], "hosts": [f"{TRUNK}:{company.port}"]}
    try:
        with line_over(tmp_path, [rows], 15190, stations=2) as (line, listener):
            for number, port in enumerate(line.settings.sip_ports):
                uri, caller = f"sip:{NUMBERS[1]}@{INTERFACE}:{port}", f"+1202555012{number}"
                from_user = {"from": f"<sip:{caller}@{TRUNK}>;tag=far"}
                invite = request("INVITE", uri, company, 1, call_id=f"process-{number}", **from_user)
                company.send(invite, (INTERFACE, port))
                assert listener.got("arrived", caller) == NUMBERS[1]
                station = listener.run(lambda caller=caller: line.legs[f"in-{caller}"].station)
                assert station is line.stations[number]
    finally:
        company.close()


@pytest.mark.parametrize(
    ("called", "takes", "code"), [(NUMBERS[0].removeprefix("+1"), False, 480), ("2025550199", True, 404)]
)
def test_a_call_to_another_number_or_that_no_rule_takes_is_refused(trunks, called, takes, code):
    trunks.listener.takes = takes
    company = calls_in(trunks, "named", called, 10 + code)
    assert company.told(code).value("call-id") == f"in-named-{10 + code}"


@only_on_linux
def test_a_stranger_is_not_answered(trunks):
    """Neither a scanner's INVITE nor a REGISTER, nor OPTIONS, over UDP; and nobody else can connect."""
    trunks.listener.takes = True
    (company,) = trunks.companies["plain"]
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as scanner:
        scanner.bind((STRANGER, 0))
        scanner.settimeout(1.0)
        for number, method in enumerate(("OPTIONS", "REGISTER", "INVITE")):
            uri = f"sip:{NUMBERS[1]}@{INTERFACE}:15160"
            scanner.sendto(request(method, uri, company, number, call_id=f"scan-{number}"), (INTERFACE, 15160))
        with pytest.raises(TimeoutError):
            scanner.recv(2000)
    with pytest.raises(OSError):
        socket.create_connection((INTERFACE, 15160), 1.0, (STRANGER, 0)).close()
    company.send(request("OPTIONS", f"sip:{INTERFACE}:15160", company, 30, call_id="alive"), (INTERFACE, 15160))
    company.told(200)


def ulaw_tone(hertz: float, seconds: float) -> list[bytes]:
    """RTP payloads of 20 ms, in G.711 μ-law."""
    import math

    samples = [int(12_000 * math.sin(2 * math.pi * hertz * each / 8000)) for each in range(int(8000 * seconds))]
    coded = bytes(map(_ulaw, samples))
    return [coded[at : at + 160] for at in range(0, len(coded), 160)]


def _ulaw(sample: int) -> int:
    sign, level = (0x80, -sample) if sample < 0 else (0, sample)
    level = min(level + 132, 32_767)
    exponent = max(0, level.bit_length() - 8)
    return ~(sign | exponent << 4 | (level >> exponent + 3) & 15) & 0xFF


def send_rtp(sender: socket.socket, to: tuple[str, int], hertz: float, source: int) -> None:
    for number, payload in enumerate(ulaw_tone(hertz, 1.0)):
        sender.sendto(struct.pack("!BBHII", 0x80, 0, number, 160 * number, source) + payload, to)
        time.sleep(0.02)


@only_on_linux
def test_a_strangers_voice_is_not_heard(call, trunks):
    one = call("plain")
    one.got("answered")
    line, listener = trunks.line, trunks.listener
    listener.run(lambda: line.record(one.leg, "ear", "INCOMING", None))
    (port,) = re.findall(rb"m=audio (\d+)", invite_of(one).body)
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as stranger:
        stranger.bind((STRANGER, 0))
        send_rtp(stranger, (INTERFACE, int(port)), 1400, 7)
        send_rtp(one.hosts[0].rtp, (INTERFACE, int(port)), 600, 1)
        send_rtp(stranger, (INTERFACE, int(port)), 1400, 7)
    listener.run(lambda: line.finish_recording(one.leg, "ear"))
    heard = line.recorded("ear").read()
    assert Heard.of(channels(heard)[0]).order() == [600], "only the party's"


def test_a_prompt_reaches_the_trunk(call, trunks):
    one = call("plain")
    one.got("answered")
    trunks.listener.run(lambda: trunks.line.play(one.leg, "p", "prompt", AudioFile(0.5), 1))
    assert trunks.listener.got("playback_finished", one.leg) == "p"
    one.hosts[0].rtp.settimeout(5)
    payloads = [one.hosts[0].rtp.recv(2000)[12:] for _ in range(20)]
    assert len({len(each) for each in payloads if len(each) > 20}) == 1
