"""An ordinary softphone, by the SIP library and in a process of its own: `python -m tests.lab_sip.softphone +1202… HOST:PORT`.

It registers and says so; `dial URI` on stdin calls, a call to it is answered, both are said with their ends; `off` signs off.
"""

import asyncio
import sys

from baresip import Account, BaresipError, Call, Config, Runtime, UserAgent

from lab.pstn.lines.sip.child import LOOPBACK, free_port


async def main(user: str, registrar: str) -> None:
    runtime = Runtime()
    config = f"sip_listen {LOOPBACK}:{free_port()}\nsip_transports udp\n"
    await runtime.start(Config(net_interface=LOOPBACK, extra_config_text=config))
    phone = await UserAgent.create(runtime, Account(user=user, domain=registrar, password="any", reg_interval=60))
    await phone.register()
    say("registered")
    tasks = set()

    async def talk(call: Call, what: str) -> None:
        try:
            if what == "called":
                await call.answer()
            await call.wait_established(10)
            say(f"{what} {call.peer}")
            await call.wait_closed()
            say("hung up")
        except BaresipError as error:
            say(f"failed {error}")

    def begin(call: Call, what: str) -> None:
        task = asyncio.create_task(talk(call, what))
        tasks.add(task)
        task.add_done_callback(tasks.discard)

    phone.on_incoming(lambda call: begin(call, "called"))
    while line := (await asyncio.to_thread(sys.stdin.readline)).strip():
        if line == "off":
            await phone.unregister()
            say("signed off")
        else:
            begin(await phone.dial(line.removeprefix("dial ")), "calls")
    await runtime.close()


def say(text: str) -> None:
    print(f"phone: {text}", flush=True)


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
