"""The station of the telephone network, a process of its own: `python -m pstn.lines.sip '{"sip_port": 5060}'`."""

import asyncio
import json
import sys

from pstn.lines.sip.channel import Channel, Handle
from pstn.lines.sip.station import Options, Station


async def main(channel: Channel, options: Options) -> None:
    station = Station(options, channel.tell)

    async def begin() -> Handle:
        await station.start()
        channel.tell({"event": "ready", "sip_port": options.sip_port})
        return station.handle

    await channel.serve(begin)
    await station.close()


if __name__ == "__main__":
    asyncio.run(main(Channel(), Options(**json.loads(sys.argv[1]))))
