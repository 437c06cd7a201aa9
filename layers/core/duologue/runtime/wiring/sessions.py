"""What logging in, refreshing and logging out are made of."""

import secrets
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache

from duologue.adapters.system_clock import SystemClock
from duologue.runtime.wiring.accounts import dynamo_accounts, dynamo_auth_attempts
from duologue.usecases.ports.accounts import Accounts, AuthAttempts, Tokens
from duologue.usecases.ports.outside import Clock


@dataclass(frozen=True, slots=True)
class Dependencies:
    accounts: Accounts
    tokens: Tokens
    auth_attempts: AuthAttempts
    clock: Clock
    random_bytes: Callable[[int], bytes]


@cache
def dependencies() -> Dependencies:
    accounts = dynamo_accounts()
    return Dependencies(accounts, accounts, dynamo_auth_attempts(), SystemClock(), secrets.token_bytes)
