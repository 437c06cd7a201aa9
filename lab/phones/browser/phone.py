"""The parent's side of the browser phone: its process, and the numbers that currently ring there."""

import tempfile
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

from pstn.lines.sip.child import LOOPBACK, Child, ChildError, free_port
from pstn.lines.sip.directory import Directory

MODULE = "lab.phones.browser"


class BrowserPhone:
    """A page for any number. While the page is on, the number rings there, whatever the file of numbers says."""

    def __init__(self, numbers: Directory, network: str, *, port: int = 0) -> None:
        """`network`: host and port to which calls are sent (`lab.sip.registrar`). `port`: the page's; 0: any free one.

        Raises:
            ChildError: the SIP library is missing, or a port is in use.
        """
        self._numbers = numbers
        self._folder = tempfile.TemporaryDirectory(prefix="browser-phone-")
        self._assigned: set[str] = set()
        page_port = port or free_port()
        self.url = f"http://{LOOPBACK}:{page_port}"
        """It stays the same when the child is restarted."""
        self.child = Child(
            MODULE,
            lambda sip_port: {"sip_port": sip_port, "page_port": page_port, "network": network},
            self._heard,
            lambda _: self._release_all(),
            Path(self._folder.name) / "phone.log",
        )
        self.child.begin()
        try:
            self.child.wait()
        except ChildError:
            self.close()
            raise

    def page(self, number: str) -> str:
        """URL of this number's page."""
        return f"{self.url}/?{urlencode({'number': number})}"

    def close(self) -> None:
        self.child.close()
        self._release_all()
        self._folder.cleanup()

    def _heard(self, event: dict[str, Any]) -> None:
        match event:
            case {"event": "assign", "number": number}:
                self._numbers.assign(number, f"sip:{number}@{LOOPBACK}:{self.child.port}")
                self._assigned.add(number)
                self.child.send(assigned=number)
            case {"event": "release", "number": number}:
                self._numbers.release(number)
                self._assigned.discard(number)
            case _:
                pass

    def _release_all(self) -> None:
        """The child has ended, so no page is on."""
        for number in self._assigned:
            self._numbers.release(number)
        self._assigned.clear()
