"""Dependencies of callback_api."""

import secrets
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from functools import cache, partial
from typing import TYPE_CHECKING

from duologue.adapters.basics.aws import NORMAL
from duologue.adapters.basics.aws_clients import client
from duologue.adapters.basics.jittered_pause import pause
from duologue.adapters.basics.system_clock import SystemClock
from duologue.adapters.calls.dynamo_acceptance import DynamoAcceptance
from duologue.runtime.settings import setting
from duologue.runtime.wiring.accounts import dynamo_accounts, dynamo_auth_attempts
from duologue.runtime.wiring.calls import dynamo_calls, flows
from duologue.runtime.wiring.dialling import dialling_rules
from duologue.runtime.wiring.memories import memory_seal
from duologue.runtime.wiring.seals import sealed_rows
from duologue.runtime.wiring.sp_urls import sp_urls
from duologue.usecases.access.authenticate import Authenticate
from duologue.usecases.calls.place_callback import PlaceCallback, RingTimeouts
from duologue.wire.huawei.session_id import new_call_id

if TYPE_CHECKING:
    from duologue.runtime.wiring.other_requests import OtherRequests


@dataclass(frozen=True, slots=True)
class Dependencies:
    """`others`: what every other request than a new callback needs, imported and made for the first of them."""

    authenticate: Authenticate
    place: PlaceCallback
    others: "Callable[[], OtherRequests]"
    host: str


@cache
def dependencies() -> Dependencies:
    accounts, calls, clock = dynamo_accounts(), dynamo_calls(sealed_rows()), SystemClock()
    return Dependencies(
        authenticate=Authenticate(accounts, accounts, dynamo_auth_attempts(), clock),
        place=PlaceCallback(
            calls,
            DynamoAcceptance(client("dynamodb", NORMAL), setting("ACCOUNTS_TABLE"), calls),
            flows(),
            sp_urls(),
            memory_seal(),
            dialling_rules(),
            clock,
            partial(new_call_id, random_bits=secrets.randbits),
            _ring_timeouts(),
            pause,
        ),
        others=_others,
        host=setting("HOST_NAME"),
    )


def _others() -> "OtherRequests":
    from duologue.runtime.wiring.other_requests import other_requests  # a fifth of a cold start

    return other_requests()


def _ring_timeouts() -> RingTimeouts:
    return RingTimeouts(
        callee_ring=timedelta(seconds=int(setting("CALLEE_RING_SECONDS"))),
        caller_ring=timedelta(seconds=int(setting("CALLER_RING_SECONDS"))),
    )
