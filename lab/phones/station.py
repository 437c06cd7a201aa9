"""The built-in phones, as a process of their own: a SIP station and a refuser. `lab.phones.fleet` starts it.

A command may come before the call that it is for: it waits for the INVITE.
"""

import asyncio
import json
import sys
from typing import Any

from lab.phones.refuser import Refuser
from lab.pstn.lines.sip.channel import Channel, Handle
from lab.pstn.lines.sip.station import LEG_HEADER, LOOPBACK, Options, Station

AHEAD = frozenset({"answer", "play", "record", "hangup"})


class Phones:
    def __init__(self, options: Options, channel: Channel) -> None:
        self._channel = channel
        self._station = Station(options, self._heard)
        self._refuser = Refuser(LEG_HEADER, channel.tell)
        self._here: set[str] = set()
        self._ahead: dict[str, list[dict[str, Any]]] = {}
        self._tasks: set[asyncio.Task[None]] = set()

    async def start(self) -> int:
        """Gives the refuser's port."""
        await self._station.start()
        loop = asyncio.get_running_loop()
        await loop.create_datagram_endpoint(lambda: self._refuser, (LOOPBACK, 0))
        return self._refuser.port

    async def handle(self, command: dict[str, Any]) -> None:
        leg = command["leg"]
        if command["do"] == "say":
            self._refuser.say(leg, command["code"])
        elif command["do"] in AHEAD and leg not in self._here:
            self._ahead.setdefault(leg, []).append(command)
        elif command["do"] == "forget":
            self._ahead.pop(leg, None)
            if leg in self._here:
                await self._station.handle({"do": "hangup", "leg": leg})
        else:
            if command["do"] == "dial":
                self._here.add(leg)
            await self._station.handle(command)

    async def close(self) -> None:
        await self._station.close()

    def _heard(self, event: dict[str, Any]) -> None:
        """On the loop, but for what the media thread tells, which is neither of these."""
        if event["event"] == "incoming":
            self._here.add(event["leg"])
            work = asyncio.get_running_loop().create_task(self._catch_up(self._ahead.pop(event["leg"], [])))
            self._tasks.add(work)
            work.add_done_callback(self._tasks.discard)
        elif event["event"] == "ended":
            self._here.discard(event["leg"])
        self._channel.tell(event)

    async def _catch_up(self, commands: list[dict[str, Any]]) -> None:
        for command in commands:
            await self._station.handle(command)


async def main(channel: Channel, options: Options) -> None:
    phones = Phones(options, channel)

    async def begin() -> Handle:
        refuser_port = await phones.start()
        channel.tell({"event": "ready", "sip_port": options.sip_port, "refuser_port": refuser_port})
        return phones.handle

    await channel.serve(begin)
    await phones.close()


if __name__ == "__main__":
    asyncio.run(main(Channel(), Options(**json.loads(sys.argv[1]))))
