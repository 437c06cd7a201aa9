"""The telephones outside: which number is which SIP address, in one JSON file that may be edited at any time.

    {"+12025550111": "sip:jack@127.0.0.1:5070"}

A number that is not in it is a built-in phone (`scripted_phones`). An address is a SIP URI on this machine: the network
reaches loopback only. The file is read again when it changed; one that cannot be read leaves the last one in force, and
is not written over. Whatever lets softphones register writes them into it.

A number may be lent to a phone that is there only while a page is open: that goes before the file, and never into it,
so that what stands there is back in force as soon as the page has gone, or died.
"""

import json
import re
import threading
from collections.abc import Container, Mapping
from pathlib import Path

ADDRESS = re.compile(r"sip:(?:(?P<user>[^@;>]+)@)?(?P<host>[^;:>]+)(?::(?P<port>\d+))?(?P<more>;[^>]*)?")
E164 = re.compile(r"\+[1-9][0-9]{1,14}")
LEAST_DIGITS = 7
"""Of a number that comes without its +; what is shorter is an extension or a short code."""
NEVER = (0, 0, 0)


def e164(user: str) -> str | None:
    """The number that the user part of a SIP URI is: softphones write it with +, with %2B or with neither."""
    user = user.replace("%2B", "+").replace("%2b", "+")
    number = user if user.startswith("+") or len(user) < LEAST_DIGITS else f"+{user}"
    return number if E164.fullmatch(number) else None


def number_in(header: str) -> str | None:
    """The number in the user part of a From or To header."""
    match = ADDRESS.search(header)
    return e164(match["user"] or "") if match else None


class Numbers:
    def __init__(self, file: Path) -> None:
        """Makes the file, with nothing in it, if there is none."""
        self.file = file
        self.fault: str | None = None
        """Why the file as it is now is not in force."""
        self._known: dict[str, str] = {}
        self._lent: dict[str, str] = {}
        self._read_at = NEVER
        self._lock = threading.RLock()
        if not file.exists():
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text("{}\n", encoding="utf-8")

    def address(self, number: str) -> str | None:
        """The SIP URI of a telephone outside."""
        return self._lent.get(number) or self._current().get(number)

    def lend(self, number: str, address: str) -> None:
        self._lent[number] = address

    def give_back(self, number: str) -> None:
        """Safe to repeat."""
        self._lent.pop(number, None)

    def number(self, header: str) -> str | None:
        """Whose From or To header this is: a number in the user part, or a telephone of the file."""
        match = ADDRESS.search(header)
        if not match:
            return None
        user = match["user"] or ""
        number_itself = e164(user)
        if number_itself and not user.isdigit():
            return number_itself
        same = (user, match["host"], match["port"])
        for number, address in self._current().items():
            known = ADDRESS.search(address)
            if known and (known["user"] or "", known["host"], known["port"]) == same:
                return number
        return number_itself

    def set(self, number: str, address: str) -> None:
        """Raises: OSError; ValueError if the file cannot be read now: somebody may be in the middle of an edit."""
        self._change({number: address}, without=())

    def remove(self, number: str) -> None:
        """It is a built-in phone again; one that is not there changes nothing. Raises: as `set`."""
        self._change({}, without=(number,))

    def _change(self, more: Mapping[str, str], without: Container[str]) -> None:
        """Whole or not at all: the line may read at any moment."""
        with self._lock:
            before = self._current()
            gone = not self.file.exists()
            if self.fault and not gone:
                raise ValueError(self.fault)
            after = {number: address for number, address in {**before, **more}.items() if number not in without}
            if after != before or gone:
                new = self.file.with_suffix(".new")
                new.write_text(json.dumps(after, indent=1) + "\n", encoding="utf-8")
                new.replace(self.file)

    def _current(self) -> dict[str, str]:
        with self._lock:
            try:
                stat = self.file.stat()
                stamp = stat.st_mtime_ns, stat.st_size, stat.st_ino
                if stamp != self._read_at:
                    self._read_at = stamp
                    self._known, self.fault = _read(self.file.read_text(encoding="utf-8")), None
            except ValueError as error:  # and there is no need to read it again before it changes
                self.fault = f"{self.file}: {error}"
            except OSError as error:
                self.fault, self._read_at = f"{self.file}: {error}", NEVER
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
