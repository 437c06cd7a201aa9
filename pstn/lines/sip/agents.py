"""The user agents of the SIP library: one for each account, kept for ever, since none can be freed."""

import asyncio
from collections.abc import Callable, Mapping
from typing import Any

from baresip import Account, Call, Runtime, UserAgent

LOOPBACK = "127.0.0.1"
NO_PLAYER = "none"
"""No audio driver has this name. `Call.audio` has what is received before it is played; a player would only be a thread
more for each call, and 20 ms more in which a hang-up blocks the library."""
SRTP = {"off": (), "optional": ("mediaenc=srtp",), "mandatory": ("mediaenc=srtp-mand",)}


class Agents:
    """`sip_port`: of the library. `arrived` is called with each call that one of them gets."""

    def __init__(
        self, runtime: Runtime, sip_port: int, codecs: tuple[str, ...], arrived: Callable[[Call], None]
    ) -> None:
        self._runtime, self._codecs, self._arrived = runtime, codecs, arrived
        self._here = f"{LOOPBACK}:{sip_port}"
        self._made: dict[str, UserAgent] = {}
        self._making = asyncio.Lock()

    async def on_loopback(self, user: str, *more: str) -> UserAgent:
        """Of a caller ID. `more`: parameters of the library."""
        return await self._with(
            Account(
                user=user,
                domain=self._here,
                password="",
                reg_interval=0,
                audio_codecs=self._codecs,
                extra_params=(f"audio_player={NO_PLAYER},{NO_PLAYER}", *more),
            )
        )

    async def at_trunk(self, user: str, account: Mapping[str, Any], proxy: str, expires: int = 0) -> UserAgent:
        """Of a caller ID, by a trunk's rows (`trunk.station_rows.account`).

        `proxy`: the gateway. `expires`: of the registration of the one that registers.
        """
        return await self._with(
            Account(
                user=user,
                domain=account.get("domain") or self._here,
                password=account.get("secret", ""),
                registrar=f"sip:{proxy}",
                reg_interval=expires,
                auth_user=account.get("user") or None,
                audio_codecs=tuple(account["codecs"]),
                extra_params=(f"audio_player={NO_PLAYER},{NO_PLAYER}", *SRTP[account["srtp"]]),
            )
        )

    async def _with(self, account: Account) -> UserAgent:
        async with self._making:
            line = account.aor().replace(";transport=udp>", ">")  # the library's default; it would be in every URI
            if line not in self._made:
                agent = self._made[line] = await UserAgent.create(self._runtime, line, transfer_policy="reject")
                agent.on_incoming(self._arrived)
            return self._made[line]
