"""An ordinary softphone, by the SIP library, in a process of its own: `python -m tests.e2e.sip.softphone USER DOMAIN`.

It registers and answers whoever calls. On stdin: `dial URI`, `off` to sign off. It says what happens on stdout.
"""

import asyncio
import os
import sys
import threading

from baresip import Account, Call, Config, Event, Runtime, StackEvent, UserAgent

from pstn.lines.sip.child import LOOPBACK, free_port

PATIENCE_S = 20


async def main(user: str, domain: str) -> None:
    runtime = Runtime()
    config = f"sip_listen {LOOPBACK}:{free_port()}\nsip_transports udp\n"
    await runtime.start(Config(net_interface=LOOPBACK, extra_config_text=config))
    phone = await UserAgent.create(runtime, Account(user=user, domain=domain, password="any", reg_interval=60))
    answering = set()

    def called(call: Call) -> None:
        say(f"called by {call.peer}")
        answering.add(asyncio.ensure_future(call.answer()))

    def happened(event: StackEvent) -> None:
        if event.event is Event.CALL_ESTABLISHED:
            say("talks")
        elif event.event is Event.CALL_CLOSED:
            say(f"hung up {event.text}")

    phone.on_incoming(called)
    runtime.subscribe(happened)
    await phone.register()
    say("registered")
    while line := (await asyncio.to_thread(sys.stdin.readline)).strip():
        if line == "off":
            await phone.unregister()
            say("signed off")
        else:
            await phone.dial(line.removeprefix("dial "))


def say(text: str) -> None:
    print(f"phone: {text}", flush=True)


if __name__ == "__main__":
    threading.Timer(PATIENCE_S, lambda: os._exit(1)).start()  # and then whoever waits for a word hears the end
    asyncio.run(main(*sys.argv[1:]))
