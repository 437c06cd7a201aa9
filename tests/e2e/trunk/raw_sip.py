"""One INVITE over UDP with digest, written by hand, to see what the telephone company's rules say of it."""

import hashlib
import re
import secrets
import socket
from dataclasses import dataclass

from lab.telco.namespaces import Namespace
from lab.telco.telco import COMPANY, CUSTOMER, REALM, SIP_PORT

WAIT_S = 5


@dataclass(frozen=True)
class Invite:
    """`more`: further header lines. `transport`: of the sound."""

    user: str
    secret: str
    shown: str = "+12025550100"
    called: str = "+12025550111"
    more: tuple[str, ...] = ()
    transport: str = "RTP/AVP"


def final_answer(customer: Namespace, invite: Invite, host: str = COMPANY) -> tuple[int, str, list[int]]:
    """The final status and reason, and the provisional ones that came before. Challenges are met once; a call that is
    answered is left as it is."""
    with customer.entered():
        client = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    with client:
        client.bind((CUSTOMER, 0))
        client.settimeout(WAIT_S)
        client.connect((host, SIP_PORT))
        port, call_id = client.getsockname()[1], secrets.token_hex(8)
        code, text, before = _ask(client, _request(invite, port, call_id, 1, host))
        if code != 407:
            return code, _reason(text), before
        _acknowledge(client, invite, port, call_id, 1, text, host)
        code, text, before = _ask(client, _request(invite, port, call_id, 2, host, _digest(invite, text, host)))
        if code >= 300:
            _acknowledge(client, invite, port, call_id, 2, text, host)
        return code, _reason(text), before


def _request(invite: Invite, port: int, call_id: str, cseq: int, host: str, *more: str) -> str:
    body = f"v=0\r\no=- 1 1 IN IP4 {CUSTOMER}\r\ns=-\r\nc=IN IP4 {CUSTOMER}\r\nt=0 0\r\n"
    body += f"m=audio 40000 {invite.transport} 0\r\n"
    if invite.transport == "RTP/SAVP":
        body += "a=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:" + "d0RmdmcmVCspeEc3QGZiNWpVLFJhQX1cfHAwJSoj\r\n"
    lines = [
        f"INVITE sip:{invite.called}@{host} SIP/2.0",
        f"Via: SIP/2.0/UDP {CUSTOMER}:{port};rport;branch=z9hG4bK{call_id}{cseq}",
        f"From: <sip:{invite.shown}@{REALM}>;tag=1",
        f"To: <sip:{invite.called}@{host}>",
        f"Call-ID: {call_id}",
        f"CSeq: {cseq} INVITE",
        f"Contact: <sip:{CUSTOMER}:{port}>",
        "Max-Forwards: 70",
        *invite.more,
        *more,
        "Content-Type: application/sdp",
        f"Content-Length: {len(body)}",
    ]
    return "\r\n".join(lines) + "\r\n\r\n" + body


def _digest(invite: Invite, challenge: str, host: str) -> str:
    """RFC 2617 without qop."""
    nonce = re.search(r'nonce="([^"]+)"', challenge)[1]
    uri = f"sip:{invite.called}@{host}"
    one, two = (_md5(each) for each in (f"{invite.user}:{REALM}:{invite.secret}", f"INVITE:{uri}"))
    answer = _md5(f"{one}:{nonce}:{two}")
    return (
        f'Proxy-Authorization: Digest username="{invite.user}", realm="{REALM}", nonce="{nonce}", uri="{uri}", '
        f'response="{answer}"'
    )


def _acknowledge(client, invite: Invite, port: int, call_id: str, cseq: int, answer: str, host: str) -> None:
    to = re.search(r"^To: .*?$", answer, re.MULTILINE)[0].strip()
    lines = _request(invite, port, call_id, cseq, host).split("\r\n")[:6]
    lines[0], lines[3], lines[5] = lines[0].replace("INVITE", "ACK"), to, f"CSeq: {cseq} ACK"
    client.send(("\r\n".join([*lines, "Max-Forwards: 70", "Content-Length: 0"]) + "\r\n\r\n").encode())


def _ask(client, request: str) -> tuple[int, str, list[int]]:
    client.send(request.encode())
    before: list[int] = []
    while True:
        text = client.recv(65536).decode()
        code = int(text.split(" ")[1])
        if code >= 200:
            return code, text, before
        before.append(code)


def _reason(text: str) -> str:
    return text.splitlines()[0].split(" ", 2)[2]


def _md5(text: str) -> str:
    return hashlib.md5(text.encode()).hexdigest()
