"""The telephones outside: which number is which SIP address, in one JSON file that may be edited at any time.

    {"+12025550111": "sip:jack@127.0.0.1:5070"}

A number that is not in it is a built-in phone (`lab.phones`). An address is a SIP URI on this machine: the network
reaches loopback only. The file is read again when it changed; one that cannot be read leaves the last one in force.
"""

import json
import re
from pathlib import Path

ADDRESS = re.compile(r"sip:(?:(?P<user>[^@;>]+)@)?(?P<host>[^;:>]+)(?::(?P<port>\d+))?(?P<more>;[^>]*)?")
E164 = re.compile(r"\+[1-9]\d{1,14}")


class Numbers:
    def __init__(self, file: Path) -> None:
        """Makes the file, with nothing in it, if there is none."""
        self.file = file
        self.fault: str | None = None
        """Why the file as it is now is not in force."""
        self._known: dict[str, str] = {}
        self._read_at: tuple[int, int] = (0, 0)
        if not file.exists():
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text("{}\n", encoding="utf-8")

    def address(self, number: str) -> str | None:
        """The SIP URI of a telephone outside."""
        return self._current().get(number)

    def number(self, header: str) -> str | None:
        """Whose From or To header this is: a number in the user part, or a telephone of the file."""
        match = ADDRESS.search(header)
        if not match:
            return None
        user = (match["user"] or "").replace("%2B", "+").replace("%2b", "+")
        if E164.fullmatch(user):
            return user
        same = (user, match["host"], match["port"])
        for number, address in self._current().items():
            known = ADDRESS.search(address)
            if known and (known["user"] or "", known["host"], known["port"]) == same:
                return number
        return None

    def set(self, number: str, address: str) -> None:
        self.file.write_text(json.dumps({**self._current(), number: address}, indent=1) + "\n", encoding="utf-8")

    def _current(self) -> dict[str, str]:
        try:
            stat = self.file.stat()
            stamp = stat.st_mtime_ns, stat.st_size
            if stamp != self._read_at:
                self._read_at = stamp
                self._known, self.fault = _read(self.file.read_text(encoding="utf-8")), None
        except (OSError, ValueError) as error:
            self.fault = f"{self.file}: {error}"
        return self._known


def _read(text: str) -> dict[str, str]:
    """Raises: ValueError."""
    given = json.loads(text)
    if not isinstance(given, dict):
        raise ValueError("not a JSON object")
    for number, address in given.items():
        if not E164.fullmatch(number) or not isinstance(address, str) or not ADDRESS.fullmatch(address):
            raise ValueError(f"{number}: {address} is not a number with its SIP address")
    return given
