"""A callback and a return call as most tests want them. Numbers are of the range reserved for fiction."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

from duologue.call_control.events import InboundCall
from duologue.call_control.inbound import DEFAULT_TERMS, Incoming, Target, connect
from duologue.domain.access.accounts import App
from duologue.domain.calls.call import Call, NotifyTo
from duologue.domain.calls.leg import Leg
from duologue.domain.calls.memory_draft import MemoryDraft, MemoryKey
from duologue.domain.calls.outcome import Party
from duologue.domain.memory.call_memory import InboundApp
from duologue.domain.numbers.phone_number import PhoneNumber

NOW = datetime(2026, 11, 23, 9, tzinfo=UTC)
CALLER = PhoneNumber("+12025550111")
CALLEE = PhoneNumber("+12025550122")
SHOWN_TO_CALLER = PhoneNumber("+12025550100")
SHOWN_TO_CALLEE = PhoneNumber("+12025550101")
NETWORK_CALL = "3f0c7c1e-5d1b-4d7a-9a51-6e0d8b6c2f41"
LEG_A = "0a9c2e7d-41f7-4a0e-8d53-95a3c0de1a01"
LEG_B = "5be8f3d2-7c60-4f3b-b1a8-c4417f0e2b02"

MEMORY = MemoryDraft(MemoryKey("display-101", "pair-101-122"), "pair-101-111", b"sealed")
"""What a callback of these numbers remembers; hashes are opaque to what stores them."""


def at(seconds: float) -> datetime:
    return NOW + timedelta(seconds=seconds)


def callback(call_id: str = "1_2_3_20261123090000", app: str = "app-1") -> Call:
    """A callback that was just accepted."""
    return Call(
        id=call_id,
        sp="sp-1",
        app=app,
        caller=Leg(Party.CALLER, CALLER, SHOWN_TO_CALLER),
        callee=Leg(Party.CALLEE, CALLEE, SHOWN_TO_CALLEE),
        accepted_at=NOW,
        ring_limit=timedelta(seconds=30),
        longest_talk=timedelta(minutes=30),
        announces_end=True,
        bind_number=SHOWN_TO_CALLER.e164,
        notify=NotifyTo("http://127.0.0.1:9999/status", "http://127.0.0.1:9999/fee"),
        user_data="order-17",
        facts=1,
    )


TARGET = Target(
    CALLER,
    replace(DEFAULT_TERMS, longest_talk=timedelta(minutes=30), announces_end=True, user_data="order-17"),
    MemoryDraft(MemoryKey("display", "caller"), "callee", b"sealed"),
    "callee",
)
"""The callee of `callback()` calls back, and its caller is rung."""


def inbound_app(key: str = "app-1", **settings: Any) -> InboundApp:
    app = App(
        key,
        "sp-1",
        "secret-1",
        display_numbers=(SHOWN_TO_CALLER.e164, SHOWN_TO_CALLEE.e164),
        status_url="http://127.0.0.1:9999/status",
        fee_url="http://127.0.0.1:9999/fee",
    )
    return replace(InboundApp.of(app, sp_is_active=True), **settings)


def incoming(
    caller: PhoneNumber | None = CALLEE, app: InboundApp | None = None, call_id: str = "4_5_6_20261123090000"
) -> Incoming:
    """A call to the number that `callback()` shows its callee; who dials is that callee, unless `caller` is given."""
    event = InboundCall(NOW, NETWORK_CALL, LEG_A, caller, SHOWN_TO_CALLEE, NOW)
    return Incoming(call_id, event, SHOWN_TO_CALLEE, app or inbound_app())


def return_call(app: InboundApp | None = None, target: Target = TARGET) -> Call:
    """A return call whose callee is being rung."""
    return connect(incoming(app=app), target).call
