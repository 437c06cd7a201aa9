"""All SIP between a station and its trunks: the SIP library speaks to this gateway on loopback, and to nobody else.

The library cannot do what a trunk needs: one TLS policy for each trunk, a public address in Contact and SDP, to know
that a host has said nothing at all, and to end a call that such a host sets up too late (docs/decisions/0033). The
module is long because both directions share the same few tables; the messages themselves are made in `dialogs`.

Rule 1: the gateway adds no state of a session: the library holds the dialogs, answers digest challenges and repeats
what must be repeated. What is kept of a call is what rewriting needs (`dialogs.Dialog`).
Rule 2: an INVITE is answered to the library in every case: 408 if its host has said nothing within the trunk's
`no_answer_seconds`, 503 if the host cannot be reached or its certificate is not the right one.
Rule 3: what a host answers after that is ended: CANCEL for a 1xx, ACK and BYE for a 2xx. No telephone is left ringing.
"""

import asyncio
import logging
import re
import secrets
from collections.abc import Callable, Iterable
from dataclasses import replace
from ipaddress import IPv4Address, IPv4Network
from typing import Any

from pstn.lines.trunk.dialogs import (
    DIALOG_METHODS,
    LEG_HEADER,
    LOOPBACK,
    Client,
    Dialog,
    OwnAddress,
    answer_from_trunk,
    answer_to_trunk,
    audio_from,
    bare_request,
    branch_of,
    from_trunk,
    own_branch,
    rtp_port,
    seen_in,
    tag_of,
    text,
    to_trunk,
)
from pstn.lines.trunk.outside import Outside, Peer, TrunkRows
from pstn.sip_messages import Request, Response, address, from_source, parsed, parsed_response, response
from pstn.trunks.refusals import of_connection, of_silence

T1_S = 0.5
"""RFC 3261 §17.1.1.2: the first time an INVITE over UDP is repeated."""
BYE_S = 0.3
"""Until an edge's BYE is answered. An edge that ends a call (after a day, or one unknown here) sends one to us and
one to the far end, but not the second once it has our answer to the first:
https://github.com/kamailio/kamailio/issues/4169"""
KEPT_S = 40.0
"""How long late answers and repetitions are recognised: 64 × T1 (timer B), and a little."""
ALLOW = ("allow", "INVITE, ACK, CANCEL, BYE, OPTIONS, UPDATE, PRACK, INFO")
CALLED = ("p-called-party-id", "to")
"""Where the number is that was dialled, if the URI of the INVITE is the one that we registered."""
CHALLENGES = {401: "www-authenticate", 407: "proxy-authenticate"}
EDGE_ONLY = ("draining", "down")
"""X-Trunk-Why of an edge that cannot ask the trunk; another edge may (pstn/edge/README.md)."""
log = logging.getLogger("sip-gateway")


class Gateway:
    """Runs on one asyncio loop.

    Args:
        station: the library's SIP port on loopback.
        address, sip_port, public_address, stun, trunks: `station_rows.station_options`.
        hear: lets RTP in from these networks only, on a port (`sip.socket_binding.hear`).
    """

    def __init__(
        self,
        station: int,
        hear: Callable[[int, Iterable[IPv4Network]], None],
        *,
        address: str,
        sip_port: int,
        public_address: str | None,
        stun: str | None,
        trunks: dict[str, dict[str, Any]],
    ) -> None:
        self.trunks = {name: TrunkRows(name=name, **_rows(rows)) for name, rows in trunks.items()}
        self.outside = Outside(address, sip_port, list(self.trunks.values()), stun, self._from_outside)
        self.port = 0
        self._station, self._hear, self._public = (LOOPBACK, station), hear, public_address
        self._expected: dict[str, tuple[TrunkRows, tuple[str, int]]] = {}
        self._dialogs: dict[str, Dialog] = {}
        self._legs: dict[str, Dialog] = {}
        self._clients: dict[str, Client] = {}
        self._by_own_branch: dict[str, Client] = {}
        self._servers: dict[str, tuple[Peer, Dialog]] = {}
        self._arrived: dict[str, dict[str, str]] = {}
        self._registrars: dict[str, tuple[str, int]] = {}
        self._unreached: dict[str, str] = {}
        self._count = 0
        self._inside: asyncio.DatagramTransport
        self._tasks: set[asyncio.Task[None]] = set()

    async def start(self) -> None:
        """Raises: OSError."""
        self._inside, _ = await asyncio.get_running_loop().create_datagram_endpoint(
            lambda: _Inside(self._from_inside), (LOOPBACK, 0)
        )
        self.port = self._inside.get_extra_info("sockname")[1]
        await self.outside.start()

    async def close(self) -> None:
        self._inside.close()
        await self.outside.close()

    # -- for the endpoint
    @property
    def proxy(self) -> str:
        """The library's outbound proxy; the user names the trunk of a REGISTER."""
        return f"{LOOPBACK}:{self.port}"

    def register_at(self, trunk: str, host: str, port: int) -> None:
        """Where a REGISTER of this trunk goes."""
        self._registrars[trunk] = host, port

    def unreached(self, trunk: str) -> str:
        """Why the latest REGISTER of this trunk did not reach it; empty: it did."""
        return self._unreached.get(trunk, "")

    def expect(self, leg: str, trunk: str, host: str, port: int) -> None:
        """The library is about to send an INVITE with this leg in LEG_HEADER: it goes to this host."""
        self._expected[leg] = self.trunks[trunk], (host, port)

    def final(self, leg: str) -> dict[str, str | int]:
        """`Dialog.final`. The leg has ended; it may be dialled again."""
        self._expected.pop(leg, None)
        dialog = self._legs.pop(leg, None)
        return dialog.final if dialog else {}

    def arrived(self, leg: str) -> dict[str, str]:
        """What the INVITE of an incoming call said: trunks, called, from, asserted, privacy. Empty: it is not ours."""
        return self._arrived.pop(leg, {})

    def refuse_as(self, leg: str, status: int) -> None:
        if dialog := self._legs.get(leg):
            dialog.refusal = status

    # -- from the library
    def _from_inside(self, data: bytes, source: tuple[str, int]) -> None:
        if source != self._station:
            return
        if answer := parsed_response(data):
            self._answer_of_library(answer)
        elif request := parsed(data):
            self._request_of_library(request)

    def _request_of_library(self, request: Request) -> None:
        key = branch_of(request)
        known = self._clients.get(key)
        if request.method == "CANCEL":
            self._to_library(response(200 if known else 481, request, None))
            if known:
                self._cancel(known)
            return
        if known:  # a repetition, or the ACK of a refusal, which the gateway has acknowledged
            if known.request.method != "INVITE" and not known.final:
                self._again(known)
            return
        found = self._place_of(request)
        if found is None:
            if request.method != "ACK":
                self._to_library(response(481, request, secrets.token_hex(4)))
            return
        trunk, host, dialog = found
        client = Client(request, own_branch(key, request.method), trunk, dialog)
        if request.method != "ACK":
            self._clients[key] = self._by_own_branch[client.branch] = client
        if request.method == "INVITE":
            self._to_library(response(100, request, None))
        if request.method == "BYE" and dialog:
            self._forget_later(dialog)
        self._spawn(self._send(client, host))

    def _place_of(self, request: Request) -> tuple[TrunkRows, tuple[str, int], Dialog | None] | None:
        """The trunk and the host that a request is for; None: nobody knows."""
        call_id = request.value("call-id")
        if request.method == "REGISTER":
            route = re.match(r"sip:([^@]+)@", address(request.value("route"))[0])
            trunk = self.trunks.get(route[1]) if route else None
            return (trunk, self._registrars.get(trunk.name, trunk.hosts[0]), None) if trunk else None
        leg = request.value(LEG_HEADER)
        if request.method == "INVITE" and leg in self._expected:
            trunk, host = self._expected.pop(leg)
            dialog = Dialog(call_id, leg, trunk, host)
            self._dialogs[call_id] = self._legs[leg] = dialog
            return trunk, host, dialog
        known = self._dialogs.get(call_id)
        if known is None:
            return None
        if known.removal and request.method == "INVITE":  # again, with credentials
            known.removal.cancel()
        return known.trunk, known.host, known

    async def _send(self, client: Client, host: tuple[str, int]) -> None:
        request, dialog, trunk = client.request, client.dialog, client.trunk
        first = not tag_of(request.value("to"))
        try:
            peer = self._way_in(dialog, first)
            if peer is None:
                peer = await asyncio.wait_for(self.outside.peer(trunk, *host), trunk.no_answer_s)
        except OSError as error:  # TimeoutError is one
            refusal = of_connection(error, trunk.transport, host[0], trunk.tls.get("name", ""))
            self._give_up(client, 503, f"{host[0]}:{host[1]}: {refusal}")
            return
        client.peer, own = peer, self._own(trunk, peer)
        uri, routes = request.uri, list[str]()
        if dialog:
            dialog.peer = peer
            self._note_own_media(dialog, request.body)
            if request.value("contact"):
                dialog.contact = address(request.value("contact"))[0]
            if not first:
                uri, routes = dialog.target or request.uri, dialog.routes
        client.sent = to_trunk(request, own, client.branch, uri, routes)
        if client.given_up:
            return
        peer.send(text(client.sent))
        if request.method != "INVITE":
            self._finished(client)  # KEPT_S is longer than the library waits for the answer (timer F)
        else:
            loop = asyncio.get_running_loop()
            wait = trunk.no_answer_s if first else KEPT_S
            nothing = f"{host[0]}:{host[1]}: {of_silence(trunk.transport)}"
            client.timers.append(loop.call_later(wait, self._give_up, client, 408, nothing))
            if peer.transport == "udp":
                client.timers.append(loop.call_later(T1_S, self._repeat, client, T1_S))

    def _way_in(self, dialog: Dialog | None, first: bool) -> Peer | None:
        """For a request within a dialog: over UDP to its next hop, if that is the trunk's; else as the call came."""
        if dialog is None or dialog.peer is None or dialog.peer.closed:
            return None
        if first or dialog.peer.transport != "udp":
            return dialog.peer
        hop = re.match(r"sip:(?:[^@]*@)?([0-9.]+)(?::([0-9]+))?", (dialog.routes or [dialog.target])[0].strip("<>"))
        try:
            known = hop and any(IPv4Address(hop[1]) in network for network in dialog.trunk.networks)
        except ValueError:  # not an address
            known = False
        return self.outside.udp_peer((hop[1], int(hop[2] or 5060))) if hop and known else dialog.peer

    def _repeat(self, client: Client, waited: float) -> None:
        if not client.answered and not client.given_up:
            self._again(client)
            timer = asyncio.get_running_loop().call_later(2 * waited, self._repeat, client, 2 * waited)
            client.timers.append(timer)

    @staticmethod
    def _again(client: Client) -> None:
        """Nothing is lost on a connection."""
        if client.sent and client.peer and client.peer.transport == "udp":
            client.peer.send(text(client.sent))

    def _give_up(self, client: Client, status: int, why: str) -> None:
        """The host cannot be reached, or has said nothing."""
        if client.answered or client.given_up:
            return
        is_noted = client.request.method in ("INVITE", "REGISTER")  # by the line, with the reason
        log.log(logging.INFO if is_noted else logging.WARNING, "trunk %s, %s", client.trunk.name, why)
        client.given_up = True
        if client.dialog:
            client.dialog.final["why"] = why
        else:
            self._unreached[client.trunk.name] = why
        client.stop_timers()
        status = 487 if client.cancelled else status
        self._to_library(response(status, client.request, secrets.token_hex(4)))
        self._finished(client)
        if client.dialog and not tag_of(client.request.value("to")):
            self._forget_later(client.dialog)

    def _cancel(self, client: Client) -> None:
        if client.final or client.given_up or client.cancelled:
            return
        client.cancelled = True
        if client.answered:
            self._send_cancel(client)

    def _send_cancel(self, client: Client) -> None:
        if client.peer and client.sent:
            number = client.sent.value("cseq").split()[0]
            top = (("via", client.sent.values("via")[0]), ("cseq", f"{number} CANCEL"))
            client.peer.send(text(bare_request("CANCEL", client.sent.uri, client.sent, top)))
            self._finished(client)

    def _answer_of_library(self, answer: Response) -> None:
        """To a request of a trunk."""
        key = _branch(answer)
        found = self._servers.get(key)
        if found is None:
            return
        peer, dialog = found
        self._note_own_media(dialog, answer.body)
        if answer.value("contact"):
            dialog.contact = address(answer.value("contact"))[0]
        invite = answer.value("cseq").endswith("INVITE")
        if invite and answer.status >= 300 and dialog.refusal:
            answer = replace(answer, status=dialog.refusal, reason="Refused")
        data = text(answer_to_trunk(answer, self._own(dialog.trunk, peer), dialog))
        if answer.value("cseq").endswith("BYE") and not dialog.trunk.behind_nat:
            asyncio.get_running_loop().call_later(BYE_S, peer.send, data)
        else:
            peer.send(data)
        if answer.status >= 200:
            asyncio.get_running_loop().call_later(KEPT_S, self._servers.pop, key, None)
            if invite and answer.status >= 300:
                self._forget_later(dialog)

    # -- from the trunks
    def _from_outside(self, data: bytes, peer: Peer, trunks: list[TrunkRows]) -> None:
        if answer := parsed_response(data):
            self._answer_of_trunk(answer, trunks)
        elif request := parsed(data):
            self._request_of_trunk(request, peer, trunks)

    def _answer_of_trunk(self, answer: Response, trunks: list[TrunkRows]) -> None:
        client = self._by_own_branch.get(_branch(answer))
        if client is None or client.trunk not in trunks or client.peer is None:
            return
        if client.trunk.behind_nat:
            client.trunk.sees = seen_in(answer) or client.trunk.sees
        first, client.answered = not client.answered, True
        self._unreached.pop(client.trunk.name, None)
        if first:
            client.stop_timers()
        if client.request.method == "INVITE":
            self._answer_to_invite(client, answer, first)
            return
        client.final = answer.status >= 200
        self._to_library(text(answer_from_trunk(answer, client.request, self.proxy)))

    def _answer_to_invite(self, client: Client, answer: Response, first: bool) -> None:
        if answer.status >= 300:
            self._acknowledge(client, answer)
        if client.given_up:
            self._end_late(client, answer)
            return
        if client.cancelled and first and answer.status < 200:
            self._send_cancel(client)
        if answer.status == 100 or (client.final and answer.status >= 300):
            return
        if client.dialog:
            self._follow(client.dialog, client, answer)
        if answer.status >= 200:
            client.final = True
            self._finished(client)
        if _other_realm(answer, client.trunk.realm):
            log.warning("trunk %s asks for credentials of another realm", client.trunk.name)
            answer = replace(answer, status=403, reason="Forbidden")
        self._to_library(text(answer_from_trunk(answer, client.request, self.proxy)))

    def _follow(self, dialog: Dialog, client: Client, answer: Response) -> None:
        """Take from an answer to INVITE where the far end is, and where its audio comes from."""
        if answer.status < 300:
            if contact := answer.value("contact"):
                dialog.target = address(contact)[0]
            if not tag_of(client.request.value("to")):
                dialog.routes = [f"<{address(each)[0]}>" for each in reversed(answer.values("record-route"))]
            self._note_far_media(dialog, answer.body)
        elif not tag_of(client.request.value("to")):
            if not dialog.trunk.behind_nat and answer.value("x-trunk-why") not in EDGE_ONLY and answer.value("x-trunk"):
                dialog.final["trunk"] = answer.value("x-trunk")
            refused = answer.value("x-trunk-refused")
            if not dialog.trunk.behind_nat and refused.isdigit():
                dialog.final["refused_us"] = int(refused)
            self._forget_later(dialog)

    def _acknowledge(self, client: Client, answer: Response) -> None:
        """A refusal, which is done hop by hop (RFC 3261 §17.1.1.3)."""
        assert client.sent and client.peer
        number = client.sent.value("cseq").split()[0]
        changed = (("to", answer.value("to")), ("cseq", f"{number} ACK"))
        client.peer.send(text(bare_request("ACK", client.sent.uri, client.sent, changed)))

    def _end_late(self, client: Client, answer: Response) -> None:
        """The host was given up. Rule 3."""
        assert client.sent and client.peer
        if answer.status < 200:
            if not client.cancelled:
                client.cancelled = True
                self._send_cancel(client)
        elif answer.status < 300:
            own = self._own(client.trunk, client.peer)
            uri = address(answer.value("contact"))[0] or client.sent.uri
            number = int(client.sent.value("cseq").split()[0])
            routes = tuple(("route", each) for each in reversed(answer.values("record-route")))
            for method, count in (("ACK", number), ("BYE", number + 1)):
                headers = (
                    ("via", own.via(own_branch(client.branch, method))),
                    ("to", answer.value("to")),
                    ("cseq", f"{count} {method}"),
                    *routes,
                )
                client.peer.send(text(bare_request(method, uri, client.sent, headers)))

    def _request_of_trunk(self, request: Request, peer: Peer, trunks: list[TrunkRows]) -> None:
        dialog = self._dialogs.get(request.value("call-id"))
        if dialog is None and request.method == "INVITE" and not tag_of(request.value("to")):
            dialog = self._incoming(request, trunks)
        if dialog is None or dialog.trunk not in trunks:
            if request.method != "ACK":
                # Of a call that another process had: whoever asks whether it is up ends it.
                within = tag_of(request.value("to")) or request.method in ("BYE", "CANCEL")
                status = 481 if within else 200 if request.method == "OPTIONS" else 405
                answer = response(status, from_source(request, peer.address), secrets.token_hex(4), ALLOW)
                delay = BYE_S if request.method == "BYE" else 0.0
                asyncio.get_running_loop().call_later(delay, peer.send, answer)
            return
        if request.method in DIALOG_METHODS and request.value("contact"):
            dialog.target = address(request.value("contact"))[0]
        if dialog.peer is None or peer.transport != "udp":
            dialog.peer = peer
        self._note_far_media(dialog, request.body)
        branch = own_branch(branch_of(request))
        if request.method != "ACK":
            self._servers[branch] = peer, dialog
        if request.method == "BYE":
            self._forget_later(dialog)
        uri = dialog.contact or f"sip:{incoming_user(dialog.trunk.name)}@{LOOPBACK}:{self._station[1]}"
        noted = from_source(request, peer.address)
        self._to_library(text(from_trunk(noted, self.proxy, branch, uri, dialog)))

    def _incoming(self, request: Request, trunks: list[TrunkRows]) -> Dialog:
        self._count += 1
        trunk = trunks[0]
        leg = f"trunk-{secrets.token_hex(4)}-{self._count}"
        dialog = Dialog(request.value("call-id"), leg, trunk, trunk.hosts[0])
        dialog.record_route = request.values("record-route")
        dialog.routes = [f"<{address(each)[0]}>" for each in dialog.record_route]
        self._dialogs[dialog.call_id] = self._legs[leg] = dialog
        self._arrived[leg] = {
            "trunks": " ".join(each.name for each in trunks),
            "called": " ".join([request.uri, *(address(request.value(name))[0] for name in CALLED)]),
            "from": address(request.value("from"))[0],
            "asserted": address(request.value("p-asserted-identity"))[0],
            "privacy": request.value("privacy"),
        }
        return dialog

    # -- within
    def _own(self, trunk: TrunkRows, peer: Peer) -> OwnAddress:
        port = self.outside.port + (peer.transport == "tls")
        if not trunk.behind_nat:
            return OwnAddress(self.outside.address, port, peer.transport)
        if self._public is None and trunk.sees and peer.transport == "udp":
            port = trunk.sees[1]
        seen = trunk.sees[0] if trunk.sees else self.outside.learned
        return OwnAddress(self._public or seen or self.outside.address, port, peer.transport)

    def _note_own_media(self, dialog: Dialog, body: bytes) -> None:
        if port := rtp_port(body):
            dialog.rtp_port = port
            self._let_in(dialog)

    def _note_far_media(self, dialog: Dialog, body: bytes) -> None:
        if found := audio_from(body):
            dialog.hears = found
            self._let_in(dialog)

    def _let_in(self, dialog: Dialog) -> None:
        """A trunk behind a NAT names an address that is not the one its audio comes from: its own counts too."""
        if dialog.rtp_port and dialog.hears:
            self._hear(dialog.rtp_port, dialog.hears | dialog.trunk.networks)

    def _to_library(self, data: bytes) -> None:
        self._inside.sendto(data, self._station)

    def _finished(self, client: Client) -> None:
        def forget() -> None:
            self._clients.pop(branch_of(client.request), None)
            self._by_own_branch.pop(client.branch, None)

        asyncio.get_running_loop().call_later(KEPT_S, forget)

    def _forget_later(self, dialog: Dialog) -> None:
        def forget() -> None:
            if self._dialogs.get(dialog.call_id) is dialog:
                del self._dialogs[dialog.call_id]
            if self._legs.get(dialog.leg) is dialog:
                del self._legs[dialog.leg]
            self._arrived.pop(dialog.leg, None)

        if dialog.removal:
            dialog.removal.cancel()
        dialog.removal = asyncio.get_running_loop().call_later(KEPT_S, forget)

    def _spawn(self, work: Any) -> None:
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)


class _Inside(asyncio.DatagramProtocol):
    def __init__(self, take: Callable[[bytes, tuple[str, int]], None]) -> None:
        self._take = take

    def datagram_received(self, data: bytes, source: tuple[str, int]) -> None:
        self._take(data, source)


def incoming_user(trunk: str) -> str:
    """The library's user agent for the calls that a trunk sends."""
    return f"from-{trunk.strip('()')}"


def _branch(answer: Response) -> str:
    found = re.search(r";\s*branch=([^;\s]+)", next(iter(answer.values("via")), ""))
    return found[1] if found else ""


def _other_realm(answer: Response, realm: str | None) -> bool:
    if realm is None or answer.status not in CHALLENGES:
        return False
    return f'realm="{realm}"' not in answer.value(CHALLENGES[answer.status])


def _rows(rows: dict[str, Any]) -> dict[str, Any]:
    return rows | {"hosts": [(host, port) for host, port in rows["hosts"]]}
