"""The process of the built-in phones, which `lab.phones.scripted` starts: a SIP endpoint and a refuser."""

import asyncio
import json
import sys
from typing import Any

from lab.sip.refuser import Refuser
from pstn.lines.sip.channel import Channel, Handle
from pstn.lines.sip.endpoint import LEG_HEADER, LOOPBACK, Options, SipEndpoint


async def main(channel: Channel, options: Options) -> None:
    endpoint = SipEndpoint(options, channel.tell)
    refuser = Refuser(LEG_HEADER, channel.tell)

    async def begin() -> Handle:
        await endpoint.start()
        await asyncio.get_running_loop().create_datagram_endpoint(lambda: refuser, (LOOPBACK, 0))
        channel.tell({"event": "ready", "sip_port": options.sip_port, "refuser_port": refuser.port})
        return handle

    async def handle(command: dict[str, Any]) -> None:
        if command["do"] == "say":
            refuser.say(command["leg"], command["code"])
        else:
            await endpoint.handle(command)

    await channel.serve(begin)
    await endpoint.close()


if __name__ == "__main__":
    asyncio.run(main(Channel(), Options(**json.loads(sys.argv[1]))))
