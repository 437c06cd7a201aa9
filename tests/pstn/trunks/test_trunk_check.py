"""`duologue-pstn trunk check`, against a host of a trunk on loopback: one row for each outcome of a step."""

import asyncio
import errno
import json
import socket
import ssl
import struct
from io import BytesIO
from typing import Any

import pytest
import yaml

from pstn.lines.sip.audio import tone, wav_file
from pstn.lines.sip.child import free_port
from pstn.trunks import refusals
from pstn.trunks.check.call import TONE_HZ, CallCheck
from pstn.trunks.check.command import main
from pstn.trunks.check.steps import TrunkCheck, stun_step
from pstn.trunks.tls_context import TlsFileError, client_context
from pstn.trunks.trunk_file import read
from tests.pstn.trunks.sip_peer import Account, Authority, Peer

NUMBER, HOST, SECRET = "+12025550100", "sip.example.net", "correct horse"  # nothing real
DIGEST = {"user": "acme", "secret": {"env": "TRUNK_SECRET"}}
REGISTERED = {"digest": DIGEST, "registration": {}}
OTHER_REALM = {**REGISTERED, "digest": {**DIGEST, "realm": "other"}}
PUBLIC = "203.0.113.9"
SILENCE_S = 0.2
"""For how long an answer is awaited that does not come."""


@pytest.fixture(scope="module")
def authority(tmp_path_factory):
    return Authority(tmp_path_factory.mktemp("certificates"))


@pytest.fixture
def file_of(tmp_path):
    def write(trunk=None, **rows):
        one = {"name": "main", "hosts": [HOST], "display_numbers": [NUMBER], **(trunk or {})}
        path = tmp_path / "trunks.yaml"
        path.write_text(yaml.safe_dump({"interface": "127.0.0.1", "trunks": [one], **rows}))
        return path

    return write


@pytest.fixture
def checked(file_of):
    """The steps of a check of a trunk with these rows, by name; `says` None: nothing listens there."""

    def check(
        says,
        trunk=None,
        rows=None,
        context=None,
        patience_s=20.0,
        addresses=("127.0.0.1",),
        peer_transport=None,
        fault=socket.EAI_NONAME,
    ):
        async def whole():
            peer = Peer(says or (lambda _: None))
            await peer.start(peer_transport or (trunk or {}).get("transport", "udp"), context)
            if says is None:
                peer.close()
                await asyncio.sleep(0)
            known = read(
                file_of({"hosts": [f"{HOST}:{peer.port}"], **(trunk or {})}, **(rows or {})), {"TRUNK_SECRET": SECRET}
            )

            async def resolve(name):
                if not addresses:
                    raise socket.gaierror(fault, "")
                return list(addresses)

            try:
                return [
                    step async for step in TrunkCheck(known, known.trunks[0], "127.0.0.1", patience_s, resolve).steps()
                ], peer
            finally:
                peer.close()

        steps, peer = asyncio.run(whole())
        assert SECRET not in repr(steps)
        return {step.name: step for step in steps}, peer

    return check


def _seen(address, port=40000):
    return lambda _: (200, {"via": f"={port};received={address}"})


def _account(secret=SECRET, realm="example.net", **more):
    return Account("acme", secret, realm, **more)


@pytest.mark.parametrize(
    ("trunk", "rows", "says", "name", "outcome", "found", "change"),
    [
        ({}, {}, lambda _: 200, "options", "ok", "200 OK after ", ""),
        ({}, {}, lambda _: 404, "options", "ok", "404 Not Found after ", ""),
        ({"transport": "tcp"}, {}, lambda _: 200, "options", "ok", "200 OK after ", ""),
        ({"transport": "tcp"}, {}, lambda _: 200, "tcp", "ok", "connected", ""),
        ({}, {}, None, "options", "failed", "nothing listens there over UDP", "the port in hosts"),
        ({"transport": "tcp"}, {}, None, "tcp", "failed", "nothing listens there over TCP", "the port in hosts"),
        ({}, {}, _seen("127.0.0.1"), "nat", "ok", "none: the host sees our own address", ""),
        ({}, {}, _seen(PUBLIC), "nat", "ok", f"you are behind NAT at {PUBLIC}:40000", f"public_address: {PUBLIC}"),
        ({}, {"public_address": PUBLIC}, _seen(PUBLIC), "nat", "ok", "our public address", ""),
        ({}, {"public_address": PUBLIC}, _seen("127.0.0.1"), "nat", "ok", f"and is told {PUBLIC}", "leads here"),
        ({}, {"public_address": "203.0.113.8"}, _seen(PUBLIC), "nat", "failed", "is told 203.0.113.8", PUBLIC),
        ({}, {"stun": "stun.example.net"}, _seen(PUBLIC), "nat", "ok", "stun is set", ""),
        ({}, {}, lambda _: 200, "nat", "skipped", "does not say", ""),
        (REGISTERED, {}, _account(), "registration", "ok", "realm 'example.net', MD5; registered now: 2 addresses", ""),
        (REGISTERED, {}, _account(algorithm="SHA-256"), "registration", "ok", "SHA-256", ""),
        (REGISTERED, {}, _account(qop=""), "registration", "ok", "accepted", ""),
        (REGISTERED, {}, _account(qop="auth-int,auth"), "registration", "ok", "accepted", ""),
        (REGISTERED, {}, _account(stale=True), "registration", "ok", "accepted", ""),
        (REGISTERED, {}, lambda _: 200, "registration", "ok", "accepted without a password", ""),
        (REGISTERED, {}, _account("other"), "registration", "failed", "credentials (401)", "digest.secret"),
        (REGISTERED, {}, _account(refuses=403), "registration", "failed", "credentials (403)", "digest.secret"),
        (REGISTERED, {}, _account(refuses=404), "registration", "failed", "no such account (404)", "from.domain"),
        (REGISTERED, {}, _account(refuses=423), "registration", "failed", "longer", "registration.expires"),
        (REGISTERED, {}, lambda _: 405, "registration", "failed", "takes no registrations", "registration.registrar"),
        (REGISTERED, {}, lambda _: 500, "registration", "failed", "answered 500", "ask"),
        (OTHER_REALM, {}, _account(), "registration", "failed", "realm is 'example.net'", "digest.realm: example.net"),
        (REGISTERED, {}, _account(algorithm="SHA-512-256"), "registration", "failed", "wants digest", "ask"),
        ({"digest": DIGEST}, {}, _account(status=407), "credentials", "ok", "accepted: realm 'example.net', MD5", ""),
        ({"digest": DIGEST}, {}, _account("x", status=407), "credentials", "failed", "refused", "digest.secret"),
        ({"digest": DIGEST}, {}, lambda _: 200, "credentials", "skipped", "in calls only", ""),
    ],
)  # fmt: skip
def test_a_step_says_what_it_found_and_what_to_change(checked, trunk, rows, says, name, outcome, found, change):
    steps, _ = checked(says, trunk, rows)
    step = steps[name]
    assert (step.outcome, found in step.found, change in step.change) == (outcome, True, True), step
    assert bool(step.change) is bool(change)


@pytest.mark.parametrize("transport", ["udp", "tcp"])
def test_a_host_that_says_nothing_fails_and_so_does_what_needs_its_answers(checked, transport):
    steps, peer = checked(lambda _: None, {"transport": transport, **REGISTERED}, patience_s=SILENCE_S)
    assert [(step.name, step.outcome) for step in steps.values() if step.name != transport] == [
        ("name", "ok"), ("options", "failed"), ("registration", "failed"), ("nat", "skipped"),
    ]  # fmt: skip
    assert f"no answer in {SILENCE_S} s" in steps["options"].found
    assert "the provider may answer only addresses that it was told" in steps["options"].change
    assert {request.method for request in peer.asked} == {"OPTIONS", "REGISTER"}


def test_after_a_failure_the_steps_that_need_it_are_skipped(checked):
    steps, _ = checked(lambda _: 200, {"transport": "tcp", **REGISTERED}, addresses=())
    assert "sip.example.net is not found in DNS" in steps["name"].found
    assert "SRV and NAPTR records are not looked up" in steps["name"].change
    assert {(step.outcome, step.found) for step in steps.values() if step.name != "name"} == {
        ("skipped", "name failed")
    }


def test_a_dns_server_that_is_silent_is_told_from_a_name_that_is_not_there(checked):
    steps, _ = checked(lambda _: 200, addresses=(), fault=socket.EAI_AGAIN)
    assert steps["name"].found == "no DNS server answers what sip.example.net is"
    assert "this machine's DNS" in steps["name"].change


@pytest.mark.parametrize(
    ("error", "reason", "change"),
    [
        (OSError(errno.EHOSTUNREACH, "Connect call failed"), "no way to the host (No route to host)", "route"),
        (OSError(errno.ENETUNREACH, "Connect call failed"), "no way to the host (Network is unreachable)", "route"),
        (ConnectionRefusedError(errno.ECONNREFUSED, ""), "nothing listens there over TCP", "the port in hosts"),
        (ConnectionResetError(), "the host closed the connection", "TLS"),
        (TimeoutError(), "no connection in time", "firewall"),
        (
            socket.gaierror(socket.EAI_NONAME, ""),
            "sip.example.net is not found in DNS: it has no IPv4 address",
            "hosts",
        ),
        (OSError(errno.EACCES, "Connect call failed"), "not reached: Permission denied", "interface"),
    ],
)
def test_a_host_that_is_not_reached_is_explained(error, reason, change):
    refusal = refusals.of_connection(error, "tcp", HOST)
    assert (refusal.reason, change in refusal.change) == (reason, True), refusal


def test_registrations_are_asked_for_and_not_changed(checked):
    _, peer = checked(_account(), REGISTERED)
    registers = [request for request in peer.asked if request.method == "REGISTER"]
    assert [request.value("contact") for request in registers] == ["", ""]
    assert {request.value("call-id") for request in registers} == {registers[0].value("call-id")}
    assert [request.value("cseq") for request in registers] == ["2 REGISTER", "3 REGISTER"]


@pytest.mark.parametrize(
    ("certificate", "trust", "outcome", "found", "change"),
    [
        ({}, True, "ok", "the certificate is for sip.example.net and valid for 59 more days", ""),
        ({"days": (-1, 3.5)}, True, "ok", "valid for 3 more days", "ends soon"),
        ({"days": (-3, -1)}, True, "failed", "has expired", "our clock"),
        ({"days": (1, 3)}, True, "failed", "is not valid yet", "our clock"),
        ({"name": "other.example.net"}, True, "failed", "is not for sip.example.net", "tls.name"),
        ({"self_signed": True}, True, "failed", "nobody whom we trust", "tls.ca"),
        ({}, False, "failed", "nobody whom we trust", "tls.ca"),
    ],
)
def test_a_certificate_is_judged(checked, authority, certificate, trust, outcome, found, change):
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(*authority.issue(**{"name": HOST, **certificate}))
    trusted = {"ca": str(authority.ca)} if trust else {}
    steps, _ = checked(lambda _: 200, {"transport": "tls", "tls": trusted}, context=context)
    assert (steps["tls"].outcome, found in steps["tls"].found) == (outcome, True), steps["tls"]
    assert change in steps["tls"].change
    assert steps["options"].outcome == ("ok" if outcome == "ok" else "skipped")
    if outcome == "failed":
        steps, _ = checked(lambda _: 200, {"transport": "tls", "tls": {**trusted, "verify": False}}, context=context)
        assert (steps["tls"].outcome, steps["options"].outcome) == ("ok", "ok")
        assert found in steps["tls"].found
        assert "tls.verify: true" in steps["tls"].change


def test_the_name_of_a_certificate_may_be_another_one(checked, authority):
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(*authority.issue("other.example.net"))
    rows = {"ca": str(authority.ca), "name": "other.example.net"}
    steps, _ = checked(lambda _: 200, {"transport": "tls", "tls": rows}, context=context)
    assert (steps["tls"].outcome, "for other.example.net" in steps["tls"].found) == ("ok", True)


@pytest.mark.parametrize(("days", "told"), [(31, ""), (29.5, "ends in 29 days"), (-0.5, "has ended")])
def test_a_certificate_of_ours_that_ends_is_told(checked, authority, days, told):
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(*authority.issue(HOST))
    certificate, key = authority.issue("us.example.net", days=(-60, days))
    rows = {"ca": str(authority.ca), "certificate": str(certificate), "key": str(key)}
    steps, _ = checked(lambda _: 200, {"transport": "tls", "tls": rows}, context=context)
    assert steps["tls"].outcome == "ok"
    assert steps["tls"].change == (told and f"tls.certificate, tls.key: our certificate {certificate} {told}")


def test_a_port_without_tls_is_recognised(checked):
    steps, _ = checked(lambda _: 200, {"transport": "tls"}, peer_transport="tcp", patience_s=SILENCE_S)
    assert steps["tls"].outcome == "failed"
    assert steps["tls"].change


@pytest.mark.parametrize("content", [None, "no certificate"])
def test_a_certificate_file_that_cannot_be_used(checked, tmp_path, content):
    if content:
        (tmp_path / "ca.pem").write_text(content)
    steps, _ = checked(
        lambda _: 200, {"transport": "tls", "tls": {"ca": str(tmp_path / "ca.pem")}}, peer_transport="tcp"
    )
    assert (steps["tls"].outcome, steps["options"].outcome) == ("failed", "skipped")
    found = "has no certificate (PEM)" if content else "cannot be read: No such file or directory"
    assert (steps["tls"].found, steps["tls"].change) == (f"the file {tmp_path / 'ca.pem'} {found}", "tls.ca")


@pytest.mark.parametrize(
    ("reason", "change"),
    [
        ("TLSV13_ALERT_CERTIFICATE_REQUIRED", "tls.certificate"),
        ("SSLV3_ALERT_HANDSHAKE_FAILURE", "tls.certificate"),
        ("TLSV1_ALERT_UNKNOWN_CA", "tls.certificate"),
        ("SSLV3_ALERT_BAD_CERTIFICATE", "tls.certificate"),
        ("TLSV1_ALERT_PROTOCOL_VERSION", "ask the provider"),
        ("WRONG_VERSION_NUMBER", "transport"),
        ("RECORD_LAYER_FAILURE", "transport"),
    ],
)
def test_what_openssl_says_is_explained(reason, change):
    error = ssl.SSLError(1, reason)
    error.reason = reason
    assert change in refusals.of_tls(error).change


@pytest.mark.parametrize("ours", [True, False])
def test_a_trunk_may_want_our_certificate(checked, authority, ours):
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH, cafile=authority.ca)
    context.verify_mode, context.verify_flags = ssl.CERT_REQUIRED, ssl.VERIFY_DEFAULT
    context.load_cert_chain(*authority.issue(HOST))
    certificate, key = map(str, authority.issue("acme.example.net"))
    rows = {"ca": str(authority.ca), **({"certificate": certificate, "key": key} if ours else {})}
    steps, _ = checked(lambda _: 200, {"transport": "tls", "tls": rows}, context=context)
    # With TLS 1.3 the far end refuses after the handshake, so the next step finds it.
    failed = [step for step in steps.values() if step.outcome == "failed"]
    assert ["certificate" in step.change for step in failed] == ([] if ours else [True])


@pytest.mark.parametrize(
    ("says", "outcome", "found"),
    [
        (lambda asked: stun_answer(asked, PUBLIC), "ok", f"our public address is {PUBLIC}"),
        (lambda asked: b"SIP/2.0 400 Bad Request", "failed", "no STUN server"),
        (lambda asked: None, "failed", "no answer"),
    ],
)
def test_the_stun_server_is_asked(says, outcome, found):
    class Server(asyncio.DatagramProtocol):
        def connection_made(self, transport):
            self.out = transport

        def datagram_received(self, data, addr):
            if said := says(data):
                self.out.sendto(said, addr)

    async def whole():
        server, _ = await asyncio.get_running_loop().create_datagram_endpoint(Server, local_addr=("127.0.0.1", 0))
        try:
            return await stun_step(f"127.0.0.1:{server.get_extra_info('sockname')[1]}", "127.0.0.1", SILENCE_S)
        finally:
            server.close()

    step = asyncio.run(whole())
    assert (step.outcome, found in step.found) == (outcome, True), step


def stun_answer(asked, address):
    """RFC 8489 §14.2: XOR-MAPPED-ADDRESS, with a port that nobody reads."""
    cookie = asked[4:8]
    seen = bytes(one ^ other for one, other in zip(socket.inet_aton(address), cookie, strict=True))
    return struct.pack("!HH", 0x0101, 12) + asked[4:20] + struct.pack("!HHBBH", 0x0020, 8, 0, 1, 0) + seen


class FakeLine:
    """One leg: it ends with this code, or is answered, presses a key once it is played to, and sends this sound."""

    def __init__(self, listener, code, presses, received):
        self.listener, self.code, self.presses, self.received = listener, code, presses, received
        self.dialled = []

    def dial(self, call_id, caller_id, to, sip_headers):
        self.dialled.append((caller_id, to))
        if self.code:
            self.listener.later(0, lambda: self.listener.ended(call_id, self.code))
            return
        self.listener.later(0, lambda: self.listener.rang(call_id))
        self.listener.later(0, lambda: self.listener.answered(call_id))

    def play(self, call_id, play_id, name, audio, times):
        if self.presses:
            self.listener.later(0, lambda: self.listener.pressed(call_id, "5"))

    def recorded(self, recording_id):
        return BytesIO(wav_file(self.received))

    def record(self, *_): ...
    def finish_recording(self, *_): ...
    def hang_up(self, *_): ...
    def close(self): ...


@pytest.mark.parametrize(
    ("code", "presses", "received", "outcomes", "found", "change"),
    [
        (None, True, tone(440), ["ok", "ok"], "both ways: a key was pressed", ""),
        (None, False, tone(TONE_HZ), ["ok", "ok"], "both ways: our tone came back", ""),
        (None, True, bytes(16000), ["ok", "failed"], "we are heard (a key was pressed), but nothing", "public_address"),
        (None, False, tone(440), ["ok", "failed"], "we receive sound, but no key was pressed", "press a key"),
        (None, False, bytes(16000), ["ok", "failed"], "nothing is received", "UDP to ports 20000 to 29999"),
        (401, False, b"", ["failed", "skipped"], "refused our credentials (401)", "digest.secret"),
        (403, False, b"", ["failed", "skipped"], "with this caller (403)", "identity.pai: true; identity.ppi: true"),
        (404, False, b"", ["failed", "skipped"], "does not know this number", "numbers.outbound"),
        (408, False, b"", ["failed", "skipped"], "no answer", "firewall"),
        (422, False, b"", ["failed", "skipped"], "an extension that is not served", "ask"),
        (486, False, b"", ["failed", "skipped"], "the telephone was not reached", "another number"),
        (488, False, b"", ["failed", "skipped"], "refused our audio (488)", "srtp: mandatory (with transport: tls)"),
        (503, False, b"", ["failed", "skipped"], "no room, or is down", "calls_per_second"),
    ],
)
def test_a_call_to_a_test_number(file_of, code, presses, received, outcomes, found, change):
    known = read(file_of(sip_port=free_port()))
    lines = []

    def make_line(_):
        def make(clock, listener, phones, delay):
            lines.append(FakeLine(listener, code, presses, received))
            return lines[-1]

        return make

    steps = list(CallCheck(known, known.trunks[0], make_line, SILENCE_S).steps("+12025550111", NUMBER))
    assert [step.outcome for step in steps] == outcomes
    told = next((step for step in steps if step.outcome == "failed"), steps[-1])
    assert found in told.found
    assert change in told.change
    assert lines[0].dialled == [(NUMBER, "+12025550111")]


def test_a_key_of_another_certificate_is_named(authority, tmp_path):
    certificate, _ = authority.issue("one.example.net")
    _, key = authority.issue("other.example.net")
    with pytest.raises(TlsFileError, match=f"the key {key} is not that of the certificate") as refused:
        client_context(None, certificate, key)
    assert refused.value.row == "tls.key"


def test_a_call_needs_the_sip_port_for_itself(file_of):
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as other:
        other.bind(("127.0.0.1", 0))
        known = read(file_of(sip_port=other.getsockname()[1]))
        no_line: Any = lambda _: None  # noqa: E731
        call, sound = CallCheck(known, known.trunks[0], no_line).steps("+12025550111", NUMBER)
    assert (call.outcome, sound.outcome, call.change) == ("failed", "skipped", "the row named")
    assert call.found.startswith("sip_port: 127.0.0.1:")


def test_nobody_is_called_without_a_confirmation(file_of, capsys):
    """Standard input is no terminal here."""
    assert main([str(file_of({"hosts": ["127.0.0.1:9"]})), "--call", "+12025550111"]) == 1
    assert "the call was not confirmed" in capsys.readouterr().out


def test_the_command_prints_the_steps_and_ends_1_if_one_failed(file_of, capsys, monkeypatch):
    monkeypatch.setenv("TRUNK_SECRET", SECRET)
    rows = {"hosts": ["127.0.0.1:9"], "transport": "tcp", **REGISTERED}  # nothing listens at the port of "discard"
    assert main([str(file_of(rows)), "--json"]) == 1
    said = capsys.readouterr().out
    assert SECRET not in said
    told = json.loads(said)
    assert told["works"] is False
    names = ["file", "name", "tcp", "options", "registration", "nat"]
    outcomes = ["ok", "ok", "failed", "skipped", "skipped", "skipped"]
    assert [(step["name"], step["outcome"]) for step in told["steps"]] == list(zip(names, outcomes, strict=True))
    assert main([str(file_of(rows)), "--trunk", "main"]) == 1
    said = capsys.readouterr().out
    assert "main, 127.0.0.1:9\n" in said
    assert "→ the port in hosts, or transport" in said
    assert said.endswith("Failed: 1. Arrows name what to change.\n")
    assert SECRET not in said


@pytest.mark.parametrize(
    ("trunk", "rows", "arguments", "told"),
    [
        ({"transport": "sctp"}, {}, [], "trunks[0].transport"),
        ({}, {}, ["--trunk", "other"], "there are main"),
        ({}, {"interface": "none0"}, [], "interface none0: No such device; this machine has lo (127.0.0.1)"),
        ({}, {"interface": "192.0.2.77"}, [], "no address of this machine, which has lo (127.0.0.1)"),
        (REGISTERED, {}, [], "the environment variable TRUNK_SECRET is not set"),
    ],
)
def test_a_file_that_cannot_be_used_is_the_only_step(file_of, capsys, monkeypatch, trunk, rows, arguments, told):
    monkeypatch.delenv("TRUNK_SECRET", raising=False)
    assert main([str(file_of(trunk, **rows)), *arguments]) == 1
    said = capsys.readouterr().out
    assert told in said
    assert said.count("failed ") == 1
