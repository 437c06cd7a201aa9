"""Dependencies of sessions."""

import secrets
from dataclasses import dataclass
from functools import cache

from duologue.adapters.basics.system_clock import SystemClock
from duologue.runtime.wiring.accounts import dynamo_accounts, dynamo_auth_attempts
from duologue.usecases.access.log_in import LogIn
from duologue.usecases.access.log_out import LogOut
from duologue.usecases.access.refresh_token import RefreshToken


@dataclass(frozen=True, slots=True)
class Dependencies:
    log_in: LogIn
    refresh: RefreshToken
    log_out: LogOut


@cache
def dependencies() -> Dependencies:
    accounts, attempts, clock = dynamo_accounts(), dynamo_auth_attempts(), SystemClock()
    return Dependencies(
        LogIn(accounts, accounts, attempts, clock, secrets.token_bytes),
        RefreshToken(accounts, accounts, attempts, clock, secrets.token_bytes),
        LogOut(accounts, clock),
    )
