"""The steps of a check but the call. After a failed one, those that need it are skipped."""

import asyncio
import socket
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Literal

from pstn.lines.trunk import stun
from pstn.trunks import refusals
from pstn.trunks.check.connection import Answer, Connection, NoAnswer
from pstn.trunks.check.digest import HASHES, Challenge, challenges
from pstn.trunks.headers import domain
from pstn.trunks.refusals import Refusal
from pstn.trunks.tls_context import client_context, ends_soon
from pstn.trunks.trunk_file import Host, Trunk, TrunkFile

PATIENCE_S = 5.0
SOON_DAYS = 14
"""From which a certificate that ends is pointed out."""
NEEDED = {"name", "tcp", "tls"}
"""Steps without which nothing can be asked of a host."""
Outcome = Literal["ok", "failed", "skipped"]
Resolve = Callable[[str], Awaitable[list[str]]]
"""A name → its IPv4 addresses. Raises: OSError."""


@dataclass(frozen=True)
class Step:
    """`place`: the host; empty if it is about the whole trunk. `change`: what to do; empty if nothing."""

    trunk: str
    place: str
    name: str
    outcome: Outcome
    found: str
    change: str = ""


async def addresses_of(name: str) -> list[str]:
    found = await asyncio.get_running_loop().getaddrinfo(name, None, family=socket.AF_INET, type=socket.SOCK_DGRAM)
    return list(dict.fromkeys(str(each[4][0]) for each in found))


async def stun_step(server: str, local: str, patience_s: float = PATIENCE_S, resolve: Resolve = addresses_of) -> Step:
    """Whether the server of the row `stun` tells our public address."""
    name, _, port = server.partition(":")
    try:
        target = (await resolve(name))[0], int(port or stun.PORT)
        address = await _mapped_address(local, target, patience_s)
    except OSError as error:
        found = "no answer" if isinstance(error, TimeoutError) else error.strerror or type(error).__name__
        return Step("", "", "stun", "failed", f"{server}: {found}", "stun: another server, or public_address instead")
    if address is None:
        return Step(
            "", "", "stun", "failed", f"{server}: no STUN server", "stun: another one, or public_address instead"
        )
    return Step("", "", "stun", "ok", f"our public address is {address}")


async def _mapped_address(local: str, target: tuple[str, int], patience_s: float) -> str | None:
    """None: what came is no answer to STUN. Raises: OSError."""
    loop, asking = asyncio.get_running_loop(), stun.request()
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as out:
        out.setblocking(False)
        out.bind((local, 0))
        await loop.sock_connect(out, target)
        async with asyncio.timeout(patience_s):
            for wait in (0.5, 1.0, 2.0, patience_s):
                await loop.sock_sendall(out, asking)
                with suppress(TimeoutError):
                    async with asyncio.timeout(wait):
                        return stun.mapped_address(await loop.sock_recv(out, 1500), asking)
    raise TimeoutError


class TrunkCheck:
    """Of one trunk.

    Args:
        local: our IPv4 address on the file's interface.
        patience_s: for how long a connection or an answer is awaited.
    """

    def __init__(
        self, file: TrunkFile, trunk: Trunk, local: str, patience_s: float = PATIENCE_S, resolve: Resolve = addresses_of
    ) -> None:
        self._file, self.trunk, self._local = file, trunk, local
        self._patience_s, self._resolve = patience_s, resolve

    async def steps(self) -> AsyncIterator[Step]:
        """In order, each as soon as it is over."""
        registrar = self.trunk.registrar if self.trunk.registration else None
        places = [*self.trunk.hosts, *([registrar] if registrar and registrar not in self.trunk.hosts else [])]
        for place in places:
            async for step in _HostCheck(self, place, registers=place == registrar).steps():
                yield step

    def said(self, place: str, name: str, outcome: Outcome, found: str, change: str = "") -> Step:
        return Step(self.trunk.name, place, name, outcome, found, change)


class _HostCheck:
    def __init__(self, check: TrunkCheck, host: Host, *, registers: bool) -> None:
        self._check, self._host, self._registers = check, host, registers
        self._trunk = check.trunk
        self._address = ""
        self._connection: Connection | None = None
        self._answer: Answer | None = None
        """The latest."""

    async def steps(self) -> AsyncIterator[Step]:
        """A step that returns None does not apply."""
        missing = ""
        try:
            for name, run in self._plan():
                step = self._step(name, "skipped", f"{missing} failed") if missing else await run(name)
                if step:
                    yield step
                if step and step.outcome == "failed" and name in NEEDED:
                    missing = name
        finally:
            if self._connection:
                await self._connection.close()

    def _plan(self) -> list[tuple[str, Callable[[str], Awaitable[Step | None]]]]:
        """In order."""
        credentials = "registration" if self._registers else "credentials"
        return [
            ("name", self._name),
            (self._trunk.transport, self._connect),
            ("options", self._options),
            *([(credentials, self._credentials)] if self._registers or self._trunk.digest else []),
            ("nat", self._nat),
        ]

    # -- the steps
    async def _name(self, name: str) -> Step:
        try:
            async with asyncio.timeout(self._check._patience_s):
                found = await self._check._resolve(self._host.host)
        except OSError as error:
            return self._refused(name, refusals.of_name(error, self._host.host))
        self._address = found[0]
        return self._step(name, "ok", ", ".join(found))

    async def _connect(self, name: str) -> Step | None:
        target, patience_s = (self._address, self._host.port), self._check._patience_s
        local, tls = self._check._local, None
        try:
            if name == "udp":
                self._connection = await Connection.udp(local, target, patience_s)
                return None
            if name == "tls":
                tls = self._context(verify=True)
            self._connection = await Connection.stream(local, target, patience_s, tls, self._certified)
        except ssl.SSLCertVerificationError as error:
            return await self._unverified(name, target, refusals.of_certificate(error, self._certified))
        except OSError as error:
            return self._refused(name, self._unreached(error))
        return self._step(name, "ok", *self._certificate() if name == "tls" else ("connected",))

    @property
    def _certified(self) -> str:
        """The name that the certificate must bear."""
        return self._trunk.tls.name or self._host.host

    def _context(self, *, verify: bool) -> ssl.SSLContext:
        """Raises: TlsFileError."""
        rows = self._trunk.tls
        return client_context(rows.ca, rows.certificate, rows.key, verify=verify)

    async def _unverified(self, name: str, target: tuple[str, int], refusal: Refusal) -> Step:
        """The certificate was refused: that counts unless the file says otherwise."""
        if self._trunk.tls.verify:
            return self._refused(name, refusal)
        try:
            context = self._context(verify=False)
            self._connection = await Connection.stream(
                self._check._local, target, self._check._patience_s, context, self._certified
            )
        except OSError as error:
            return self._refused(name, self._unreached(error))
        assert self._connection.tls
        found = f"{self._connection.tls.version()}; {refusal.reason}, which tls.verify: false accepts"
        return self._step(name, "ok", found, "tls.verify: true, so that nobody can pose as the trunk")

    def _certificate(self) -> tuple[str, str]:
        """What was found, and what to do about it."""
        tls, now = self._connection and self._connection.tls, datetime.now(UTC)
        assert tls
        shown = tls.getpeercert() or {}
        left = int((ssl.cert_time_to_seconds(str(shown["notAfter"])) - now.timestamp()) // 86_400)
        found = f"{tls.version()}, the certificate is for {self._certified} and valid for {left} more days"
        change = ["the certificate ends soon: ask the provider"] if left < SOON_DAYS else []
        if (ours := self._trunk.tls.certificate) and (said := ends_soon(ours, now)):
            change.append(f"tls.certificate, tls.key: {said}")
        return found, "; ".join(change)

    async def _options(self, name: str) -> Step:
        uri = f"sip:{self._host.host}"
        try:
            answer = await self._ask("OPTIONS", uri, f"sip:check@{domain(self._trunk)}", uri)
        except NoAnswer:
            refusal = refusals.of_silence(self._trunk.transport)
            return self._refused(name, Refusal(f"no answer in {self._check._patience_s:g} s", refusal.change))
        except OSError as error:
            return self._refused(name, self._unreached(error))
        status, reason = answer.response.status, answer.response.reason
        return self._step(name, "ok", f"{status} {reason} after {answer.seconds * 1000:.0f} ms")

    async def _credentials(self, name: str) -> Step:
        """REGISTER without a Contact only asks what is registered (RFC 3261 §10.2.3): no call goes another way.

        A trunk without registration is sent our credentials if it challenges OPTIONS.
        """
        digest = self._trunk.digest
        assert digest
        us = f"sip:{digest.user}@{domain(self._trunk)}"
        method, uri = (
            ("REGISTER", f"sip:{domain(self._trunk)}") if self._registers else ("OPTIONS", f"sip:{self._host.host}")
        )
        try:
            first = await self._ask(method, uri, us, us if self._registers else uri)
            offered = challenges(first.response)
            if not offered:
                return self._unchallenged(name, first)
            wanted = [each for each in offered if digest.realm in (None, each.realm)]
            challenge = next((each for each in wanted if each.algorithm in HASHES), None)
            if challenge is None:
                return self._refused(name, _no_challenge_fits(offered, digest.realm))
            answer = await self._answered(challenge, method, uri, us)
            if (again := challenges(answer.response)) and again[0].is_stale:
                answer = await self._answered(again[0], method, uri, us)
        except NoAnswer:
            return self._refused(name, Refusal("no answer", "ask the provider whether it takes our address"))
        except OSError as error:
            return self._refused(name, self._unreached(error))
        status = answer.response.status
        if status in (401, 403, 404, 405, 407, 423, 501) or (self._registers and status >= 300):
            return self._refused(name, refusals.of_credentials(status, challenge.realm))
        return self._step(
            name, "ok", f"accepted: realm {challenge.realm!r}, {challenge.algorithm}{self._bindings(answer)}"
        )

    async def _answered(self, challenge: Challenge, method: str, uri: str, us: str) -> Answer:
        digest = self._trunk.digest
        assert digest
        header = challenge.answer(digest.user, digest.secret.get_secret_value(), method, uri)
        return await self._ask(method, uri, us, us if self._registers else uri, header)

    def _unchallenged(self, name: str, answer: Answer) -> Step:
        status = answer.response.status
        if not self._registers:
            return self._step(name, "skipped", "the trunk asks for them in calls only: --call tries them")
        if status < 300:
            return self._step(name, "ok", f"accepted without a password{self._bindings(answer)}")
        return self._refused(name, refusals.of_credentials(status, ""))

    def _bindings(self, answer: Answer) -> str:
        if not self._registers:
            return ""
        count = len(answer.response.values("contact"))
        return f"; registered now: {f'{count} addresses' if count != 1 else 'one address'}"

    async def _nat(self, name: str) -> Step:
        """By what the host says of where our requests came from."""
        connection, answer, file = self._connection, self._answer, self._check._file
        if connection is None or answer is None:
            return self._step(name, "skipped", "no answer says where our requests came from")
        address, port = answer.seen_at
        if address is None and port is None:
            return self._step(name, "skipped", "the host does not say where our requests came from")
        seen = (address or connection.local[0], port or connection.local[1])
        public = str(file.public_address) if file.public_address else None
        if public:
            if seen[0] == public:
                return self._step(name, "ok", f"the host sees {public}, our public address")
            if seen[0] == connection.local[0]:
                found = f"none: the host sees our own address, {seen[0]}, and is told {public}"
                return self._step(
                    name, "ok", found, f"public_address is right if {public} leads here for this host too"
                )
            found = f"the host sees {seen[0]}, and is told {public}"
            return self._step(name, "failed", found, f"public_address: {seen[0]}, or on an edge --public {seen[0]}")
        if seen[0] == connection.local[0]:
            return self._step(name, "ok", f"none: the host sees our own address, {seen[0]}")
        behind = f"you are behind NAT at {seen[0]}:{seen[1]}"
        if file.stun:
            return self._step(name, "ok", f"{behind}; stun is set")
        needed = (
            f"a trunk that believes our first SDP needs public_address: {seen[0]}, or stun; an edge is told by --public"
        )
        return self._step(name, "ok", f"{behind}; calls that are dialled directly name this address", needed)

    # -- within
    def _unreached(self, error: OSError) -> Refusal:
        return refusals.of_connection(error, self._trunk.transport, self._host.host, self._certified)

    async def _ask(self, method: str, uri: str, us: str, them: str, *more: tuple[str, str]) -> Answer:
        assert self._connection
        self._answer = await self._connection.ask(method, uri, us, them, *more)
        return self._answer

    def _step(self, name: str, outcome: Outcome, found: str, change: str = "") -> Step:
        return self._check.said(str(self._host), name, outcome, found, change)

    def _refused(self, name: str, refusal: Refusal) -> Step:
        return self._step(name, "failed", *refusal)


def _no_challenge_fits(offered: list[Challenge], realm: str | None) -> Refusal:
    realms = sorted({each.realm for each in offered})
    if realm is not None and realm not in realms:
        return Refusal(
            f"the trunk's realm is {', '.join(map(repr, realms))}, not {realm!r}", f"digest.realm: {realms[0]}"
        )
    known = sorted({each.algorithm for each in offered})
    return Refusal(f"the trunk wants digest with {', '.join(known)}; here are {', '.join(HASHES)}", "ask the provider")
