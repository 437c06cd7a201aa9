"""The SIP endpoint of the telephone network, a process of its own: `python -m pstn.lines.sip '{"sip_port": 5060}'`."""

import asyncio
import json
import sys

from pstn.lines.sip.channel import Channel, Handle
from pstn.lines.sip.endpoint import Options, SipEndpoint


async def main(channel: Channel, options: Options) -> None:
    endpoint = SipEndpoint(options, channel.tell)

    async def begin() -> Handle:
        await endpoint.start()
        channel.tell({"event": "ready", "sip_port": options.sip_port})
        return endpoint.handle

    await channel.serve(begin)
    await endpoint.close()


if __name__ == "__main__":
    asyncio.run(main(Channel(), Options(**json.loads(sys.argv[1]))))
