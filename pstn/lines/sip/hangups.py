"""Ending calls, one after the other: while a call ends, the library's thread of SIP and RTP stands still for all calls.

A hang-up returns when that is over, after 30 to 40 ms (the threads of the call's sound are waited for); with the rest
after it, a process ends some 17 calls a second at most.

A call that the far end has given no sign of yet cannot be cancelled (RFC 3261 §9.1). Told to, the library forgets the
call, sends nothing, and the far end rings on; so the sign is waited for.
"""

import asyncio
import logging
from contextlib import suppress

from baresip import BaresipError, Call, CallState

REST_S = 0.02
"""Between two, for the sound of the other calls."""
SIGN_S = 3.0
"""For a far end to give one; what answers nothing in this time is not there."""
log = logging.getLogger("station")


class HangUps:
    def __init__(self) -> None:
        self._turn = asyncio.Lock()

    async def end(self, call: Call, sign: asyncio.Event, grace: float) -> None:
        """`sign`: of the far end; `grace`: it usually ends the call itself within this time (s)."""
        await asyncio.sleep(grace)
        with suppress(TimeoutError):
            await asyncio.wait_for(sign.wait(), SIGN_S)
        async with self._turn:
            if call.state is CallState.CLOSED:
                return
            try:
                await call.hangup()
            except BaresipError as error:  # the far end was faster
                log.info("hangup: %s", error)
            else:
                await asyncio.sleep(REST_S)
