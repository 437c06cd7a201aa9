"""One SP in business: its account, its server that calls the platform, its server that is called back."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from lab.sp.account import open_account
from lab.sp.client import Account, Reply, SpClient
from lab.sp.receiver import Receiver


class LogInRefused(Exception):
    """The platform did not let a new SP in."""


@dataclass(frozen=True)
class Sp:
    """Use `close` at the end: the receiver is a server."""

    name: str
    account: Account
    client: SpClient
    receiver: Receiver
    numbers: tuple[str, ...]
    """The display numbers that it may show."""

    def place(self, caller: str, callee: str, **fields: Any) -> Reply:
        """Ask for a callback that shows the caller its first display number, the callee its second one."""
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
) -> Sp:
    """Have the operator open an account, start its receiver and log in. `numbers`: two display numbers or more.
    `settings`: more of its app, as the operator's command takes them.

    Raises:
        subprocess.CalledProcessError: the operator's command refused.
        LogInRefused
    """
    account = open_account(
        environment, sp=name, display_numbers=numbers, concurrent_calls=concurrent_calls, settings=settings
    )
    sp = Sp(name, account, SpClient(api_url, account), Receiver(account.app_secret), tuple(numbers))
    if log_in:
        reply = sp.client.log_in()
        if reply.code != "0":
            sp.close()
            raise LogInRefused(f"{reply.status} {reply.body}")
    return sp
