"""A callback as most tests want it. Numbers are of the range reserved for fiction."""

from datetime import UTC, datetime, timedelta

from duologue.domain.call import Call, NotifyTo
from duologue.domain.leg import Leg
from duologue.domain.outcome import Party
from duologue.domain.phone_number import PhoneNumber

NOW = datetime(2026, 11, 23, 9, tzinfo=UTC)
CALLER = PhoneNumber("+12025550111")
CALLEE = PhoneNumber("+12025550122")
SHOWN_TO_CALLER = PhoneNumber("+12025550100")
SHOWN_TO_CALLEE = PhoneNumber("+12025550101")
NETWORK_CALL = "3f0c7c1e-5d1b-4d7a-9a51-6e0d8b6c2f41"
LEG_A = "0a9c2e7d-41f7-4a0e-8d53-95a3c0de1a01"
LEG_B = "5be8f3d2-7c60-4f3b-b1a8-c4417f0e2b02"


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
