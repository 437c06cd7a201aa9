"""What logging in, refreshing and logging out are made of."""

import secrets
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache

from duologue.adapters.system_clock import SystemClock
from duologue.runtime.wiring.accounts import dynamo_accounts, dynamo_gate
from duologue.usecases.ports import Accounts, Clock, Gate, Tokens


@dataclass(frozen=True, slots=True)
class Parts:
    accounts: Accounts
    tokens: Tokens
    gate: Gate
    clock: Clock
    random_bytes: Callable[[int], bytes]


@cache
def parts() -> Parts:
    accounts = dynamo_accounts()
    return Parts(accounts, accounts, dynamo_gate(), SystemClock(), secrets.token_bytes)
