"""One SP that is ready to place calls: its account, its client and its webhook receiver."""

import logging
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from lab.sp.account import open_account
from lab.sp.client import Account, Reply, SpClient
from lab.sp.receiver import Receiver

_LOG_INS, _PAUSE_S = 3, 5.0
"""Times that a log-in is tried while the platform says “try again later”, and the pause between, as its Retry-After."""


class LogInRefused(Exception):
    """The platform refused the log-in of a new SP."""


@dataclass(frozen=True)
class ServiceProvider:
    """Call `close` when done: the receiver is a server."""

    name: str
    account: Account
    client: SpClient
    receiver: Receiver
    numbers: tuple[str, ...]
    """The display numbers that it may use."""

    def place(self, caller: str, callee: str, **fields: Any) -> Reply:
        """Place a callback that shows the caller the first display number, and the callee the second one."""
        wanted: dict[str, Any] = {
            "callerNbr": caller,
            "calleeNbr": callee,
            "displayNbr": self.numbers[0],
            "displayCalleeNbr": self.numbers[1],
        }
        status_url, fee_url = self.receiver.status_url, self.receiver.fee_url
        return self.client.place(status_url=status_url, fee_url=fee_url, **wanted, **fields)

    def close(self) -> None:
        self.receiver.close()


def open_sp(
    api_url: str,
    environment: Mapping[str, str],
    *,
    name: str,
    numbers: Sequence[str],
    concurrent_calls: int = 100,
    settings: Sequence[str] = (),
    log_in: bool = True,
    account: Account | None = None,
    receiver_port: int = 0,
) -> ServiceProvider:
    """Open an account, start its receiver and log in. `numbers`: two display numbers or more.

    `settings`: further arguments of `duologue app add`. `account`: one that is open already.

    Raises:
        subprocess.CalledProcessError: the operator's command refused.
        LogInRefused
    """
    account = account or open_account(
        environment, sp=name, display_numbers=numbers, concurrent_calls=concurrent_calls, settings=settings
    )
    receiver = Receiver(account.app_key, account.app_secret, port=receiver_port)
    sp = ServiceProvider(name, account, SpClient(api_url, account), receiver, tuple(numbers))
    if log_in:
        reply = log_in_patiently(sp.client.log_in)
        if reply.code != "0":
            sp.close()
            raise LogInRefused(f"{reply.status} {reply.body}")
    return sp


def log_in_patiently(log_in: Callable[[], Reply], pause: Callable[[float], None] = time.sleep) -> Reply:
    """The answer to the log-in, which is repeated, and that logged, only while the platform says “try again later”."""
    for tried in range(1, _LOG_INS):
        reply = log_in()
        if not _says_later(reply):
            return reply
        said = reply.body["resultdesc"]
        logging.getLogger(__name__).warning("Log-in %d of %d repeated in %.0f s: %s", tried, _LOG_INS, _PAUSE_S, said)
        pause(_PAUSE_S)
    return log_in()


def _says_later(reply: Reply) -> bool:
    """A fault of the platform's code has the same code, without the word."""
    return reply.code == "1010001" and str(reply.body.get("resultdesc", "")).endswith("later.")
