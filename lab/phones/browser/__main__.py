"""The browser phone's process, which `lab.phones.browser.phone` starts."""

import asyncio
import json
import sys
from typing import Any

from lab.phones.browser.board import Board
from lab.phones.browser.server import Doors
from pstn.lines.sip.channel import Channel, Handle
from pstn.lines.sip.endpoint import Options, SipEndpoint


async def main(channel: Channel, *, sip_port: int, page_port: int, network: str) -> None:
    loop = asyncio.get_running_loop()

    def tell(event: dict[str, Any]) -> None:
        """From any thread. The parent hears all of it, as a sign of life."""
        channel.tell(event)
        loop.call_soon_threadsafe(board.happened, event)

    station = SipEndpoint(Options(sip_port), tell)
    board = Board(station.media, station.handle, channel.tell, network)
    doors = Doors(board)

    async def begin() -> Handle:
        await station.start()
        channel.tell({"event": "ready", "sip_port": sip_port, "page_port": await doors.open(page_port)})
        return handle

    async def handle(command: dict[str, Any]) -> None:
        board.lent(command["lent"])

    await channel.serve(begin)
    await doors.close()
    await station.close()


if __name__ == "__main__":
    asyncio.run(main(Channel(), **json.loads(sys.argv[1])))
