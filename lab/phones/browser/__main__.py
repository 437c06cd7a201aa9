"""The process of the browser phone, which `lab.phones.browser.phone` starts."""

import asyncio
import json
import sys
from typing import Any

from lab.phones.browser.server import PhoneServer
from lab.phones.browser.switchboard import Switchboard
from pstn.lines.sip.channel import Channel, Handle
from pstn.lines.sip.endpoint import Options, SipEndpoint


async def main(channel: Channel, *, sip_port: int, page_port: int, network: str) -> None:
    loop = asyncio.get_running_loop()

    def tell(event: dict[str, Any]) -> None:
        """From any thread. The parent gets every event, as a sign of life."""
        channel.tell(event)
        loop.call_soon_threadsafe(switchboard.handle_event, event)

    endpoint = SipEndpoint(Options(sip_port), tell)
    switchboard = Switchboard(endpoint.media, endpoint.handle, channel.tell, network)
    server = PhoneServer(switchboard)

    async def begin() -> Handle:
        await endpoint.start()
        channel.tell({"event": "ready", "sip_port": sip_port, "page_port": await server.start(page_port)})
        return handle

    async def handle(command: dict[str, Any]) -> None:
        switchboard.assigned(command["assigned"])

    await channel.serve(begin)
    await server.close()
    await endpoint.close()


if __name__ == "__main__":
    asyncio.run(main(Channel(), **json.loads(sys.argv[1])))
