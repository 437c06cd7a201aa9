"""The directory of external telephones: number to SIP address, in one JSON file that may be edited at any time.

    {"+12025550111": "sip:jack@127.0.0.1:5070"}

A number that is not in it is a scripted phone. An address is a SIP URI on this machine, since the network reaches
loopback only. The file is read again when it has changed. If it cannot be read, the last valid contents stay in force,
and it is not overwritten. A registrar writes its softphones into it.

A number may be assigned temporarily, to a phone that exists only while a browser page is open. That takes precedence
over the file and is never written to it, so the file's entry is in force again as soon as the page is gone.
"""

import json
import re
import threading
from collections.abc import Container, Mapping
from pathlib import Path
from urllib.parse import quote, unquote

ADDRESS = re.compile(r"sip:(?:(?P<user>[^@;>]+)@)?(?P<host>[^;:>]+)(?::(?P<port>[0-9]+))?(?P<more>;[^>]*)?")
E164 = re.compile(r"\+[1-9][0-9]{1,14}")
SIP_PORT = 5060
"""If an address has none (RFC 3261 §19.1.2)."""
LEAST_DIGITS = 7
"""Minimum for a number without a plus sign; anything shorter is an extension or a short code."""
NEVER = (0, 0, 0)


def e164(user: str) -> str | None:
    """The number in the user part of a SIP URI, which softphones write with +, with %2B or with neither."""
    user = user.replace("%2B", "+").replace("%2b", "+")
    number = user if user.startswith("+") or len(user) < LEAST_DIGITS else f"+{user}"
    return number if E164.fullmatch(number) else None


def user_of(caller_id: str) -> str:
    """The user part of a SIP URI for a caller ID (RFC 3261 §25.1); an empty one is "anonymous" (RFC 3323 §4.1.1.3)."""
    return quote(caller_id, safe="+*#()!$&=-_.~") or "anonymous"


def number_in(header: str) -> str | None:
    """The number in the user part of a From or To header."""
    match = ADDRESS.search(header)
    return e164(match["user"] or "") if match else None


class Directory:
    def __init__(self, file: Path) -> None:
        """Creates an empty file if there is none."""
        self.file = file
        self.fault: str | None = None
        """Why the current file could not be read; None: it was."""
        self._known: dict[str, str] = {}
        self._assigned: dict[str, str] = {}
        self._read_at = NEVER
        self._lock = threading.RLock()
        if not file.exists():
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text("{}\n", encoding="utf-8")

    def address(self, number: str) -> str | None:
        """The SIP URI of an external telephone."""
        return self._assigned.get(number) or self._current().get(number)

    def assign(self, number: str, address: str) -> None:
        self._assigned[number] = address

    def release(self, number: str) -> None:
        """Safe to repeat."""
        self._assigned.pop(number, None)

    def is_assigned(self, number: str) -> bool:
        return number in self._assigned

    def caller_id(self, header: str) -> str:
        """What a From header identifies the caller by: a number, or any text if the number is withheld."""
        match = ADDRESS.search(header)
        return self.number(header) or unquote(match["user"] or "" if match else "")

    def number(self, header: str) -> str | None:
        """The number that a From or To header stands for: from its user part, or by its address in the file."""
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
        """Raises: OSError; ValueError: the file cannot be parsed now, perhaps because it is being edited."""
        self._change({number: address}, without=())

    def remove(self, number: str) -> None:
        """It is a scripted phone again; unknown numbers are ignored. Raises: as `set`."""
        self._change({}, without=(number,))

    def _change(self, more: Mapping[str, str], without: Container[str]) -> None:
        """Atomic, since the line may read at any time."""
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


def port_of(address: re.Match[str]) -> int | None:
    """The port in a match of ADDRESS; None: there is no such port."""
    digits = address["port"] or str(SIP_PORT)
    return int(digits) if len(digits) < 6 and 0 < int(digits) < 65536 else None


def _read(text: str) -> dict[str, str]:
    """Raises: ValueError."""
    given = json.loads(text)
    if not isinstance(given, dict):
        raise ValueError("not a JSON object")
    for number, address in given.items():
        match = ADDRESS.fullmatch(address) if isinstance(address, str) else None
        if not E164.fullmatch(number) or match is None or port_of(match) is None:
            raise ValueError(f"{number}: {address} is not a number with its SIP address")
    return given
