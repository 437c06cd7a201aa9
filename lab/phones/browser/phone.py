"""The parent's end of the browser phone: its process, and the numbers that ring there for the time being."""

import tempfile
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

from pstn.lines.sip.child import LOOPBACK, Child, ChildError, free_port
from pstn.lines.sip.directory import Directory

MODULE = "lab.phones.browser"


class BrowserPhone:
    """A page for any number. While it is on there, the number is this phone, whatever the file of numbers says."""

    def __init__(self, numbers: Directory, network: str, *, port: int = 0) -> None:
        """`network`: where the telephone network is called. `port`: the page's; 0: any free one.

        Raises:
            ChildError: the SIP library is missing, or a port is taken.
        """
        self._numbers = numbers
        self._folder = tempfile.TemporaryDirectory(prefix="browser-phone-")
        self._lent: set[str] = set()
        page_port = port or free_port()
        self.url = f"http://{LOOPBACK}:{page_port}"
        """The same for every child."""
        self.child = Child(
            MODULE,
            lambda sip_port: {"sip_port": sip_port, "page_port": page_port, "network": network},
            self._heard,
            lambda _: self._take_back(),
            Path(self._folder.name) / "phone.log",
            port=free_port(),
        )
        self.child.begin()
        try:
            self.child.wait()
        except ChildError:
            self.close()
            raise

    def page(self, number: str) -> str:
        """Where this number's page is."""
        return f"{self.url}/?{urlencode({'number': number})}"

    def close(self) -> None:
        self.child.close()
        self._take_back()
        self._folder.cleanup()

    def _heard(self, event: dict[str, Any]) -> None:
        match event:
            case {"event": "lend", "number": number}:
                self._numbers.lend(number, f"sip:{number}@{LOOPBACK}:{self.child.port}")
                self._lent.add(number)
                self.child.send(lent=number)
            case {"event": "give_back", "number": number}:
                self._numbers.give_back(number)
                self._lent.discard(number)
            case _:
                pass

    def _take_back(self) -> None:
        """No page is left."""
        for number in self._lent:
            self._numbers.give_back(number)
        self._lent.clear()
