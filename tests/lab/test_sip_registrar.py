"""The registrar, message by message, on a clock that the test moves."""

import json
import re
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lab.sip.registrar import LEAST_S, REPEATS_S, USUAL_S, Registrar
from pstn.lines.sip.directory import Directory

JACK, SOPHIA, SHOWN = "+12025550111", "+12025550122", "+12025550100"
HERE, THERE = "sip:jack@127.0.0.1:5070", "sip:jack@127.0.0.1:5080;transport=udp"
STATION, OWN = "127.0.0.1:5060", "127.0.0.1:5062"
SOURCE = ("127.0.0.1", 40123)


class Reply:
    def __init__(self, data: bytes) -> None:
        head, _, body = data.decode().partition("\r\n\r\n")
        assert body == ""
        first, *lines = head.split("\r\n")
        version, code, self.reason = first.split(" ", 2)
        assert version == "SIP/2.0"
        self.code = int(code)
        self.headers = dict(line.split(": ", 1) for line in lines)


class Desk:
    """A registrar, its file and its clock; every request is a new one (branch, CSeq) unless it is said otherwise."""

    def __init__(self, folder) -> None:
        self.now = 1000.0
        self.numbers = Directory(folder / "numbers.json")
        self.said: list[str] = []
        self.routes: dict[str, str | int] = {}
        self.refusals: dict[str, int] = {}
        self.routed: list[tuple[str, str, str]] = []
        self.registrar = Registrar(self.numbers, STATION, OWN, lambda: self.now, self.said.append, self)
        self.count = 0

    def route(self, leg: str, caller: str, called: str) -> str | int:
        self.routed.append((leg, caller, called))
        return self.routes.get(called, f"sip:{called}@{STATION}")

    def refusal(self, leg: str) -> int | None:
        return self.refusals.get(leg)

    @property
    def file(self) -> dict[str, str]:
        return json.loads(self.numbers.file.read_text())

    def request(self, method: str = "REGISTER", uri: str = "sip:127.0.0.1:5062", *more: str, **other: Any) -> bytes:
        self.count += 1
        cseq = other.get("cseq", self.count)
        to = other.get("to", f"<sip:{JACK}@127.0.0.1:5062>")
        lines = [
            f"{method} {uri} SIP/2.0",
            f"Via: SIP/2.0/UDP 192.0.2.7:5070;branch=z9hG4bK{self.count};rport",
            f"From: {to};tag=a",
            f"To: {to}",
            f"Call-ID: {other.get('call_id', 'one')}",
            f"CSeq: {cseq} {method}",
            *more,
            "Content-Length: 0",
        ]
        return "\r\n".join([*lines, "", ""]).encode()

    def send(self, data: bytes) -> Reply:
        answer = self.registrar.received(data, SOURCE)
        assert answer is not None
        data, to = answer
        assert to == SOURCE
        return Reply(data)

    def register(self, contact: str | None = f"<{HERE}>", *more: str, **other: Any) -> Reply:
        contacts = [] if contact is None else [f"Contact: {contact}"]
        return self.send(self.request("REGISTER", "sip:127.0.0.1:5062", *contacts, *more, **other))


@pytest.fixture
def desk(tmp_path) -> Desk:
    return Desk(tmp_path)


# -- binding
@pytest.mark.parametrize("user", [JACK, JACK[1:], JACK.replace("+", "%2B"), JACK.replace("+", "%2b")])
def test_a_telephone_registers_and_has_its_number(desk, user):
    reply = desk.register(to=f'"Jack" <sip:{user}@localhost>')
    assert (reply.code, reply.reason) == (200, "OK")
    assert reply.headers["Contact"] == f"<{HERE}>;expires={USUAL_S}"
    assert desk.file == {JACK: HERE}
    assert desk.said == [f"{JACK} is now the telephone at {HERE}"]


def test_the_response_goes_the_way_it_came(desk):
    reply = desk.register()
    assert reply.headers["Via"] == "SIP/2.0/UDP 192.0.2.7:5070;branch=z9hG4bK1;received=127.0.0.1;rport=40123"
    assert re.fullmatch(rf"<sip:\{JACK}@127\.0\.0\.1:5062>;tag=\w+", reply.headers["To"])
    assert reply.headers["From"].endswith(";tag=a")
    assert (reply.headers["Call-ID"], reply.headers["CSeq"]) == ("one", "1 REGISTER")
    assert reply.headers["Content-Length"] == "0"


def test_only_the_topmost_via_is_marked(desk):
    data = desk.request("OPTIONS").replace(b";rport\r\n", b";rport;x, SIP/2.0/UDP b;branch=z9hG4bKb;rport\r\n")
    via = desk.send(data).headers["Via"]
    assert via.endswith(";x;received=127.0.0.1;rport=40123, SIP/2.0/UDP b;branch=z9hG4bKb;rport")


@pytest.mark.parametrize(
    ("contact", "more", "seconds"),
    [
        (f"<{HERE}>", ["Expires: 120"], 120),
        (f"<{HERE}>;expires=90", ["Expires: 120"], 90),
        (f'"a, b" <{HERE}>;q=0.5;EXPIRES=90;+sip.instance="<urn:uuid:1>"', [], 90),
        (f"<{HERE}>", ["Expires: 86400"], USUAL_S),
        (f"<{HERE}>;expires=soon", [], USUAL_S),
        (f"<{HERE}>", ["Expires: " + "9" * 5000], USUAL_S),
        (f"<{HERE}>", ["Expires: " + str(LEAST_S)], LEAST_S),
        (HERE + ";expires=90", [], 90),
    ],
)
def test_for_how_long(desk, contact, more, seconds):
    assert desk.register(contact, *more).headers["Contact"] == f"<{HERE}>;expires={seconds}"
    assert desk.registrar.expire() == seconds
    desk.now += seconds - 0.1
    desk.registrar.expire()
    assert desk.file == {JACK: HERE}
    desk.now += 0.1
    assert desk.registrar.expire() is None
    assert desk.file == {}


def test_too_short_is_refused_with_the_least(desk):
    reply = desk.register(f"<{HERE}>", f"Expires: {LEAST_S - 1}")
    assert (reply.code, reply.headers["Min-Expires"]) == (423, str(LEAST_S))
    assert desk.file == {}


def test_a_header_in_short_form_and_one_on_two_lines(desk):
    data = desk.request("REGISTER", "sip:x", f"m:\r\n <{HERE}>").replace(b"Call-ID:", b"i:").replace(b"Via:", b"v:")
    assert desk.send(data).code == 200
    assert desk.file == {JACK: HERE}


def test_a_repeat_refreshes(desk):
    desk.register()
    desk.now += 3000
    assert desk.register().headers["Contact"] == f"<{HERE}>;expires={USUAL_S}"
    desk.now += 3000
    desk.registrar.expire()
    assert desk.file == {JACK: HERE}
    assert len(desk.said) == 1


def test_the_same_request_twice_gets_the_same_answer_and_counts_once(desk):
    data = desk.request("REGISTER", "sip:x", f"Contact: <{HERE}>")
    first = desk.registrar.received(data, SOURCE)
    desk.now += REPEATS_S - 1
    assert desk.registrar.received(data, SOURCE) == first
    assert desk.registrar.expire() == USUAL_S - REPEATS_S + 1


def test_a_request_that_is_forgotten_is_out_of_order(desk):
    data = desk.request("REGISTER", "sip:x", f"Contact: <{HERE}>")
    desk.send(data)
    desk.now += REPEATS_S
    assert desk.send(data).code == 500
    assert desk.file == {JACK: HERE}


@pytest.mark.parametrize("cseq", [4, 5])
@pytest.mark.parametrize("contact", [f"<{THERE}>", f"<{HERE}>;expires=0", "*"])
def test_a_request_that_was_overtaken_changes_nothing(desk, cseq, contact):
    desk.register(cseq=5)
    more = ["Expires: 0"] if contact == "*" else []
    assert desk.register(contact, *more, cseq=cseq).code == 500
    assert desk.file == {JACK: HERE}


def test_a_telephone_that_started_again_may_count_from_the_beginning(desk):
    desk.register(cseq=5)
    assert desk.register(f"<{THERE}>", cseq=1, call_id="another").code == 200
    assert desk.file == {JACK: THERE}


@pytest.mark.parametrize("off", [f"<{HERE}>;expires=0", f"<{HERE};ob>;expires=0", "*"])
def test_it_signs_off_and_twice_is_as_once(desk, off):
    desk.register()
    desk.register(to=f"<sip:{SOPHIA}@x>", call_id="sophia")
    for _ in range(2):
        reply = desk.register(off, "Expires: 0")
        assert (reply.code, "Contact" in reply.headers) == (200, False)
    assert desk.file == {SOPHIA: HERE}
    assert desk.said[2:] == [f"{JACK} is a built-in phone again: its telephone unregistered"]


def test_signing_off_another_address_leaves_it(desk):
    desk.register()
    assert desk.register(f"<{THERE}>;expires=0").headers["Contact"].startswith(f"<{HERE}>")
    assert desk.file == {JACK: HERE}


@pytest.mark.parametrize(
    ("contact", "more"), [("*", []), ("*", ["Expires: 60"]), (f"*, <{HERE}>", ["Expires: 0"]), ("no address", [])]
)
def test_a_contact_that_cannot_be_meant(desk, contact, more):
    desk.register()
    assert desk.register(contact, *more).code == 400
    assert desk.file == {JACK: HERE}


def test_without_a_contact_it_asks(desk):
    assert "Contact" not in desk.register(None).headers
    desk.register()
    desk.now += 0.5
    assert desk.register(None).headers["Contact"] == f"<{HERE}>;expires={USUAL_S}"
    desk.now += 100
    assert desk.register(None, cseq=1).headers["Contact"] == f"<{HERE}>;expires={USUAL_S - 100}"


def test_of_two_contacts_the_last_wins(desk):
    """A number is one address here."""
    reply = desk.register(f"<{HERE}>, <{THERE}>;expires=100")
    assert reply.headers["Contact"] == f"<{THERE}>;expires=100"
    assert desk.file == {JACK: THERE}


def test_of_two_contacts_with_one_wrong_none_counts(desk):
    assert desk.register(f"<{HERE}>, <tel:+12025550111>").code == 403
    assert desk.file == {}


def test_of_two_telephones_with_one_number_the_last_wins(desk):
    desk.register()
    desk.register(f"<{THERE}>", call_id="two")
    assert desk.file == {JACK: THERE}
    assert desk.register(f"<{HERE}>;expires=0").code == 200
    assert desk.file == {JACK: THERE}
    desk.register()
    assert desk.file == {JACK: HERE}


@pytest.mark.parametrize(
    "contact",
    [
        "<sips:jack@127.0.0.1:5070>",
        "<tel:+12025550111>",
        "<sip:jack@127.0.0.1:5070;transport=tls>",
        "<sip:jack@127.0.0.1:5070;transport=ws;ob>",
        f"<sip:jack@{STATION}>",
        f"<sip:jack@{OWN}>",
        "<sip:jack@127.0.0.1>",
        "<sip:jack@127.0.0.1:0>",
        "<sip:jack@127.0.0.1:65536>",
        "<sip:jack@127.0.0.1:" + "9" * 5000 + ">",
    ],
)
def test_where_the_network_cannot_call_is_refused(desk, contact):
    reply = desk.register(contact)
    assert reply.code == 403
    assert "sip:" in reply.reason or "UDP" in reply.reason or "port" in reply.reason
    assert desk.file == {}


@pytest.mark.parametrize(
    ("contact", "called"),
    [
        ("sip:jack@192.0.2.7:5070", "sip:jack@127.0.0.1:40123"),
        ("sip:jack@192.0.2.7", "sip:jack@127.0.0.1:40123"),
        ("sip:jack@192.0.2.7:5070;ob;transport=tcp", "sip:jack@127.0.0.1:40123"),
        ("sip:jack@localhost:5070", "sip:jack@127.0.0.1:40123"),
        ("sip:jack@[::1]:5070", "sip:jack@127.0.0.1:40123"),
        ("sip:a1b2c3@d4e5f6.invalid;transport=udp", "sip:a1b2c3@127.0.0.1:40123"),
        ("sip:192.0.2.7:5070", "sip:127.0.0.1:40123"),
        ("sip:jack@127.0.0.1:5070;ob", "sip:jack@127.0.0.1:5070;ob"),
    ],
)
def test_a_telephone_is_called_where_its_request_came_from(desk, contact, called):
    """It is told its contact as it wrote it, and unregisters with it."""
    assert desk.register(f"<{contact}>").headers["Contact"] == f"<{contact}>;expires={USUAL_S}"
    assert desk.file == {JACK: called}
    assert desk.register(None).headers["Contact"] == f"<{contact}>;expires={USUAL_S}"
    assert desk.register(f"<{contact}>;expires=0").code == 200
    assert desk.file == {}


def test_an_address_that_would_spoil_the_file_is_refused(desk):
    for contact in (
        "<sip:a b@127.0.0.1:5070>",
        '<sip:a"b@127.0.0.1:5070>',
        "<sip:a\x00@127.0.0.1:5070>",
        "<sip:é@127.0.0.1>",
    ):
        assert desk.register(contact).code == 400
    assert desk.file == {}
    assert desk.numbers.fault is None


# -- the file
def test_a_number_that_was_given_away_by_hand_is_let_go(desk):
    """Its binding neither lists nor ends what is another's now."""
    desk.register()
    desk.numbers.set(JACK, THERE)
    assert "Contact" not in desk.register(None).headers
    desk.now += USUAL_S
    desk.registrar.expire()
    desk.registrar.close()
    assert desk.file == {JACK: THERE}


def test_a_file_in_the_middle_of_an_edit_is_left_alone(desk):
    desk.register(to=f"<sip:{SOPHIA}@x>", call_id="sophia")
    desk.numbers.file.write_text('{"+1202')
    assert desk.register().code == 500
    desk.now += USUAL_S
    desk.registrar.expire()
    assert desk.numbers.file.read_text() == '{"+1202'
    desk.numbers.file.write_text("{}")
    assert desk.register().code == 200
    assert desk.file == {JACK: HERE}


def test_at_the_end_all_are_taken_out(desk):
    desk.numbers.set(SHOWN, THERE)
    desk.register()
    desk.register(to=f"<sip:{SOPHIA}@x>", call_id="sophia")
    for _ in range(2):
        desk.registrar.close()
    assert desk.file == {SHOWN: THERE}


# -- calls
NETWORK = ("127.0.0.1", 5060)
SDP = "Content-Type: application/sdp\r\n\r\nv=0\r\n\r\n\x00"


def onward(desk: Desk, data: bytes) -> list[str]:
    """The lines of what went on to the network."""
    answer = desk.registrar.received(data, SOURCE)
    assert answer and answer[1] == NETWORK
    return answer[0].decode().split("\r\n")


@pytest.mark.parametrize("user", [SHOWN, SHOWN[1:], SHOWN.replace("+", "%2B")])
def test_a_call_goes_on_to_the_network(desk, user):
    data = desk.request("INVITE", f"sip:{user}@{OWN}", "Route: <sip:127.0.0.1:5062;lr>", "Require: 100rel")
    first, mine, hops, theirs, *lines = onward(desk, data.replace(b"\r\n\r\n", b"\r\n" + SDP.encode()))
    assert first == f"INVITE sip:{SHOWN}@{STATION} SIP/2.0"
    assert re.fullmatch(rf"Via: SIP/2\.0/UDP {OWN};branch=z9hG4bK[0-9a-f]{{20}};rport", mine)
    assert hops == "Max-Forwards: 69"
    assert theirs == "Via: SIP/2.0/UDP 192.0.2.7:5070;branch=z9hG4bK1;received=127.0.0.1;rport=40123"
    assert lines[:3] == [f"From: <sip:{JACK}@{OWN}>;tag=a", f"To: <sip:{JACK}@{OWN}>", "Call-ID: one"]
    assert "Require: 100rel" in lines
    assert not any(line.startswith("Route") for line in lines)
    assert lines[-4:] == ["", "v=0", "", "\x00"]


def test_what_belongs_to_a_call_finds_it_by_its_branch(desk):
    """CANCEL and the ACK of a refusal have their INVITE's topmost Via; the next call has another. Twice is the same."""
    invite = desk.request("INVITE", f"sip:{SHOWN}@{OWN}")
    branches = [
        onward(desk, invite)[1],
        onward(desk, invite)[1],
        onward(desk, invite.replace(b"INVITE", b"CANCEL"))[1],
        onward(desk, invite.replace(b"INVITE", b"ACK"))[1],
    ]
    assert len(set(branches)) == 1
    assert onward(desk, desk.request("INVITE", f"sip:{SHOWN}@{OWN}"))[1] != branches[0]


@pytest.mark.parametrize("method", ["BYE", "ACK", "INFO", "UPDATE", "INVITE"])
@pytest.mark.parametrize("uri", [f"sip:anybody@{STATION};x=y", "sip:127.0.0.1"])
def test_what_is_for_the_network_goes_there_as_it_is(desk, method, uri):
    """A softphone that sends all it has through its registrar."""
    assert onward(desk, desk.request(method, uri))[0] == f"{method} {uri} SIP/2.0"


def test_a_response_goes_back_the_way_its_request_came(desk):
    request = onward(desk, desk.request("INVITE", f"sip:{SHOWN}@{OWN}"))
    lines = ["SIP/2.0 200 OK", request[1] + "=5062;received=127.0.0.1", *request[3:7], "Contact: <sip:127.0.0.1:5060>"]
    answer = desk.registrar.received("\r\n".join([*lines, "", "v=0"]).encode(), NETWORK)
    assert answer == ("\r\n".join([lines[0], *lines[2:], "", "v=0"]).encode(), SOURCE)


def test_a_response_that_is_not_ours_or_not_the_networks_goes_nowhere(desk):
    request = onward(desk, desk.request("INVITE", f"sip:{SHOWN}@{OWN}"))
    ours = "\r\n".join(["SIP/2.0 200 OK", *request[1:2], *request[3:7], "", ""]).encode()
    assert desk.registrar.received(ours, SOURCE) is None
    for wrong in (
        ours.replace(b":5062;branch", b":5063;branch", 1),
        ours.replace(b"received=127.0.0.1", b"received=192.0.2.7"),
        ours.replace(b"rport=40123", b"rport=0"),
        ours.replace(b";rport=40123", b""),
    ):
        assert desk.registrar.received(wrong, NETWORK) is None
    assert desk.registrar.received(ours, NETWORK)


def test_a_softphone_cannot_say_where_it_is_not(desk):
    data = desk.request("INVITE", f"sip:{SHOWN}@{OWN}").replace(b";rport\r\n", b";received=192.0.2.7;rport=9\r\n")
    assert onward(desk, data)[3].endswith(";branch=z9hG4bK1;received=127.0.0.1;rport=40123")


def test_a_call_that_has_been_here_or_too_far(desk):
    been = desk.request("INVITE", f"sip:{SHOWN}@{OWN}", f"Via: SIP/2.0/UDP {OWN};branch=z9hG4bKx")
    assert desk.send(been).code == 482
    assert desk.send(desk.request("INVITE", f"sip:{SHOWN}@{OWN}", "Max-Forwards: 0")).code == 483
    assert onward(desk, desk.request("INVITE", f"sip:{SHOWN}@{OWN}", "Max-Forwards: many"))[2] == "Max-Forwards: 69"


def test_a_call_to_another_telephone_goes_directly_to_it(desk):
    """So do a repeat, a CANCEL and an ACK; the network has no part in it."""
    desk.routes[SOPHIA] = f"sip:{SOPHIA}@127.0.0.1:5071"
    there = ("127.0.0.1", 5071)
    invite = desk.request("INVITE", f"sip:{SOPHIA}@{OWN}", call_id="two")
    branches = []
    for method in ("INVITE", "INVITE", "CANCEL", "ACK"):
        data, to = desk.registrar.received(invite.replace(b"INVITE", method.encode()), SOURCE)
        first, mine, *lines = data.decode().split("\r\n")
        assert (first, to) == (f"{method} {desk.routes[SOPHIA]} SIP/2.0", there)
        branches.append(mine)
        [(leg, *who)] = desk.routed
        assert who == [JACK, SOPHIA]
        assert (f"X-Leg: {leg}" in lines) is (method == "INVITE")
    assert len(set(branches)) == 1
    declined = "\r\n".join(["SIP/2.0 603 Decline", branches[0], *lines[1:5], "", ""]).encode()
    assert desk.registrar.received(declined, there)[1] == SOURCE
    bye = desk.request("BYE", "sip:x@127.0.0.1:5071", call_id="two", to=f"<sip:{SOPHIA}@{OWN}>;tag=b")
    data, to = desk.registrar.received(bye, SOURCE)
    assert (data.decode().split("\r\n")[0], to) == ("BYE sip:x@127.0.0.1:5071 SIP/2.0", there)


@pytest.mark.parametrize(
    ("status", "meant", "relayed"),
    [
        ("486 Busy Here", None, "486 Busy Here"),
        ("486 Busy Here", 486, "486 Busy Here"),
        ("486 Busy Here", 480, "480 Nobody can be reached at this number now"),
        ("503 Service Unavailable", 480, "503 Service Unavailable"),
    ],
)
def test_the_accounts_refusal_has_the_code_that_was_meant(desk, status, meant, relayed):
    """The network's SIP library has no other than 486."""
    request = onward(desk, desk.request("INVITE", f"sip:{SHOWN}@{OWN}"))
    [(leg, *_)] = desk.routed
    assert f"X-Leg: {leg}" in request
    desk.refusals = {leg: meant} if meant else {}
    refusal = "\r\n".join([f"SIP/2.0 {status}", request[1], *request[3:8], "", ""]).encode()
    data, to = desk.registrar.received(refusal, NETWORK)
    assert (data.decode().split("\r\n")[0], to) == (f"SIP/2.0 {relayed}", SOURCE)


@pytest.mark.parametrize(
    ("route", "code", "reason"),
    [
        (404, 404, "Nobody has this number"),
        (480, 480, "Nobody can be reached at this number now"),
        (486, 486, "Busy Here"),
        (
            "sip:sophia@127.0.0.1:5071;transport=tcp",
            480,
            "Temporarily Unavailable: this telephone takes no calls over UDP",
        ),
        ("sip:sophia@192.0.2.7", 480, "Temporarily Unavailable: this telephone takes no calls over UDP"),
    ],
)
def test_a_call_that_nobody_can_take_is_refused(desk, route, code, reason):
    desk.routes[SOPHIA] = route
    invite = desk.request("INVITE", f"sip:{SOPHIA}@{OWN}")
    for _ in "ab":
        reply = desk.send(invite)
        assert (reply.code, reply.reason) == (code, reason)
    assert len(desk.routed) == 1
    assert desk.registrar.received(invite.replace(b"INVITE", b"ACK"), SOURCE) is None


@pytest.mark.parametrize("times", [1, 2])
def test_a_call_to_nobody(desk, times):
    data = desk.request("INVITE", f"sip:reception@{OWN}")
    for _ in range(times):
        assert desk.send(data).code == 404
    assert desk.registrar.received(data.replace(b"INVITE", b"ACK"), SOURCE) is None
    assert desk.send(data.replace(b"INVITE", b"CANCEL")).code == 481


# -- what else comes
def test_options_is_a_keep_alive(desk):
    reply = desk.send(desk.request("OPTIONS"))
    assert reply.code == 200
    assert "REGISTER" in reply.headers["Allow"]


@pytest.mark.parametrize("noise", [b"", b"\r\n\r\n", b"\0", b"\x00\x01\x00\x00", b"SIP/2.0 200 OK\r\n\r\n", b"hello"])
def test_what_is_no_request_is_not_answered(desk, noise):
    assert desk.registrar.received(noise, SOURCE) is None


@pytest.mark.parametrize(
    ("method", "uri", "more", "code"),
    [
        ("MESSAGE", "sip:x", [], 405),
        ("SUBSCRIBE", "sip:x", [], 405),
        ("BREW", "sip:x", [], 501),
        ("REGISTER", "tel:+12025550100", [], 416),
        ("INVITE", "sips:x", [], 416),
        ("REGISTER", "127.0.0.1", [], 400),
        ("REGISTER", "sip:x", ["Require: gruu, path"], 420),
    ],
)
def test_what_is_not_done_here(desk, method, uri, more, code):
    reply = desk.send(desk.request(method, uri, *more))
    assert reply.code == code
    if code == 405:
        assert "INVITE" in reply.headers["Allow"]
    if code == 420:
        assert reply.headers["Unsupported"] == "gruu, path"


@pytest.mark.parametrize("to", ["<sip:jack@127.0.0.1:5062>", "<sip:127.0.0.1>", "<sip:911@127.0.0.1>", "jack"])
def test_an_account_that_is_no_number(desk, to):
    reply = desk.register(to=to)
    assert reply.code == 404
    assert "number" in reply.reason


@pytest.mark.parametrize("name", ["Via", "From", "To", "Call-ID", "CSeq"])
def test_a_request_without_what_it_must_have(desk, name):
    data = desk.request("REGISTER", "sip:x", f"Contact: <{HERE}>")
    assert desk.send(data.replace(f"{name}:".encode(), b"X:")).code == 400
    assert desk.file == {}


@pytest.mark.parametrize("cseq", ["1 INVITE", "one REGISTER", "1", f"{2**31} REGISTER", "9" * 5000 + " REGISTER"])
def test_a_sequence_number_that_is_none(desk, cseq):
    data = desk.request("REGISTER", "sip:x", f"Contact: <{HERE}>").replace(b"1 REGISTER\r\n", cseq.encode() + b"\r\n")
    assert desk.send(data).code == 400


# -- whatever comes
@pytest.fixture(scope="module")
def kept(tmp_path_factory) -> Desk:
    return Desk(tmp_path_factory.mktemp("registrar"))


WORDS = r'REGISTER¦INVITE¦ sip:x¦ SIP/2.0¦Contact:¦m:¦*¦<¦>¦"¦\¦,¦;¦=¦:¦@¦sip:¦127.0.0.1¦expires¦Expires:¦0¦²¦٣¦%2B'
PIECES = st.sampled_from(
    ["\r\n", *WORDS.split("¦"), "CSeq: 1 REGISTER\r\n", "REGISTER sip:x SIP/2.0\r\n"]
    + [f"{name}: <sip:{JACK}@127.0.0.1:5070>\r\n" for name in ("Via", "From", "To", "Call-ID", "Contact")]
)


@given(data=st.binary() | st.lists(PIECES).map("".join).map(str.encode))
def test_no_bytes_break_it(kept, data):
    answer = kept.registrar.received(data, SOURCE)
    assert answer is None or answer[0]


@given(
    to=st.text() | st.lists(PIECES).map("".join),
    contact=st.text() | st.lists(PIECES).map("".join) | st.just(f"<{HERE}>"),
    expires=st.text() | st.integers().map(str),
)
def test_no_header_breaks_it_or_the_file(kept, to, contact, expires):
    kept.register(contact, f"Expires: {expires}", to=to)
    assert kept.numbers.address(JACK) in (None, HERE) or kept.numbers.address(JACK).startswith("sip:")
    assert kept.numbers.fault is None
