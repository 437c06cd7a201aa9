"""Ends calls one at a time: while a call ends, the library's SIP and RTP thread is blocked for all calls.

A hang-up returns after about 20 ms, when the call's audio threads have ended. With the pause after it, a process can
end about 25 calls a second.

A call without any response from the far end cannot be cancelled yet (RFC 3261 §9.1). If the library is told to, it
drops the call without sending anything, and the far end keeps ringing; so the first response is awaited.
"""

import asyncio
import logging
from contextlib import suppress

from baresip import BaresipError, Call, CallState

REST_S = 0.02
"""Pause after each hang-up, for the audio of the other calls."""
SIGN_S = 3.0
"""How long the first response may take; after that the far end counts as unreachable."""
log = logging.getLogger("sip-endpoint")


class HangUpQueue:
    def __init__(self) -> None:
        self._turn = asyncio.Lock()

    async def end(self, call: Call, sign: asyncio.Event, grace: float) -> None:
        """`sign`:

        set at the far end's first response. `grace`: seconds in which the far end usually hangs up itself.
        """
        await asyncio.sleep(grace)
        with suppress(TimeoutError):
            await asyncio.wait_for(sign.wait(), SIGN_S)
        async with self._turn:
            if call.state is CallState.CLOSED:
                return
            try:
                await call.hangup()
            except BaresipError as error:  # the far end hung up first
                log.info("hangup: %s", error)
            else:
                await asyncio.sleep(REST_S)
