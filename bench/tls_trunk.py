"""A trunk with TLS, digest and SRTP before a telephone that has none of them.

Kamailio and rtpengine with the configuration of the stand-in telephone company, on addresses of loopback.
"""

import os
import socket
import time
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from lab.nodes.lab_process import LabProcess
from lab.telco.telco import REALM, TLS_PORT, Account, write_configuration

OUT, PHONES = "127.0.0.10", "127.0.0.11"
_CONTROL = f"{OUT}:2223"
_STARTS_S = 20.0


class TlsTrunk:
    """Ready when it is created. `numbers`: of the telephone, whose SIP address is `phone` (host:port).

    Attributes:
        rows: the trunk, as trunks.yaml has it.
    """

    def __init__(self, folder: Path, shown: str, numbers: Iterable[str], phone: str) -> None:
        """Raises: RuntimeError: it did not start."""
        secret = folder / "secret"
        secret.write_text("a-secret-of-the-bench")
        account = Account("bench", (shown,), secret.read_text(), srtp="mandatory", tls=True)
        ca = write_configuration(folder, [account], OUT, PHONES)
        with (folder / "accounts.cfg").open("a") as accounts:
            accounts.writelines(f'$sht(phone=>{number}) = "sip:{number}@{phone}";\n' for number in numbers)
        config = folder / "kamailio.cfg"
        config.write_text(config.read_text().replace("udp:127.0.0.1:2223", f"udp:{_CONTROL}"))
        self.rows: dict[str, Any] = {
            "hosts": [f"{OUT}:{TLS_PORT}"],
            "transport": "tls",
            "tls": {"ca": str(ca)},
            "srtp": "mandatory",
            "digest": {"user": account.user, "secret": {"file": str(secret)}},
            "from": {"domain": REALM},
        }
        rtp = ["rtpengine", "-f", "-E", "-L", "5", "-t", "-1", "-i", f"out/{OUT}", "-i", f"phones/{PHONES}"]
        rtp += ["-n", _CONTROL, "-m", "10000", "-M", "29999", "--num-threads", "2", f"--pidfile={folder}/rtpengine.pid"]
        sip = ["kamailio", "-f", str(config), "-DD", "-E", "-m", "64", "-M", "8", "-Y", str(folder), "-w", str(folder)]
        environ = {"PATH": f"{os.environ.get('PATH', '')}:/usr/sbin"}
        self._processes = [LabProcess(each, folder / f"{each[0]}.log", environ) for each in (rtp, sip)]
        until = time.monotonic() + _STARTS_S
        while not _listens():
            if time.monotonic() > until or any(each.has_ended for each in self._processes):
                self.close()
                logs = [
                    (folder / f"{name}.log").read_text(errors="replace")[-1000:] for name in ("rtpengine", "kamailio")
                ]
                raise RuntimeError(f"the trunk did not start: {logs}")
            time.sleep(0.05)

    def close(self) -> None:
        for each in reversed(self._processes):
            each.stop()


def _listens() -> bool:
    with socket.socket() as probe:
        return probe.connect_ex((OUT, TLS_PORT)) == 0
