"""The browser phone's own process: which numbers ring there, and what becomes of them when it dies."""

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from urllib.parse import urlsplit

import pytest
from websockets.exceptions import ConnectionClosed
from websockets.sync.client import ClientConnection, connect

from lab.phones.browser.phone import BrowserPhone
from pstn.lines.sip.child import ChildError
from pstn.lines.sip.directory import Directory
from pstn.lines.sip.settings import missing
from tests.phone.test_server import PATIENCE_S, closed_with, say, told

pytestmark = pytest.mark.skipif(bool(missing()), reason=missing() or "")
JACK, SOPHIA = "+12025550111", "+12025550122"


class Watched(Directory):
    """Tells when a number was given back."""

    def __init__(self, file) -> None:
        super().__init__(file)
        self.changed = threading.Condition()

    def release(self, number: str) -> None:
        with self.changed:
            super().release(number)
            self.changed.notify_all()

    def wait(self, number: str, address: str | None) -> None:
        with self.changed:
            assert self.changed.wait_for(lambda: self.address(number) == address, PATIENCE_S)


@pytest.fixture(scope="module")
def numbers(tmp_path_factory) -> Watched:
    numbers = Watched(tmp_path_factory.mktemp("numbers") / "numbers.json")
    numbers.set(SOPHIA, "sip:sophia@127.0.0.1:5070")
    return numbers


@pytest.fixture(scope="module")
def phone(numbers) -> Iterator[BrowserPhone]:
    before = set(threading.enumerate())
    phone = BrowserPhone(numbers, "127.0.0.1:9")
    yield phone
    phone.close()
    assert set(threading.enumerate()) <= before


@contextmanager
def switched_on(phone: BrowserPhone, number: str) -> Iterator[ClientConnection]:
    origin = phone.url
    with connect(f"ws://{urlsplit(origin).netloc}/socket", origin=origin, proxy=None) as socket:
        say(socket, do="on", number=number)
        assert told(socket) == {"say": "on", "number": number}
        yield socket


def test_the_number_rings_there_for_as_long_as_the_page_is_open(phone, numbers):
    for _ in range(2):
        assert numbers.address(JACK) is None
        with switched_on(phone, JACK):
            assert numbers.address(JACK) == f"sip:{JACK}@127.0.0.1:{phone.child.port}"
        numbers.wait(JACK, None)


def test_what_a_person_wrote_in_the_file_is_in_force_again_afterwards(phone, numbers):
    with switched_on(phone, SOPHIA):
        assert numbers.address(SOPHIA).endswith(f":{phone.child.port}")
        assert json.loads(numbers.file.read_text()) == {SOPHIA: "sip:sophia@127.0.0.1:5070"}
    numbers.wait(SOPHIA, "sip:sophia@127.0.0.1:5070")


def test_the_older_of_two_pages_closes_and_the_number_stays(phone, numbers):
    with switched_on(phone, JACK) as older:
        with switched_on(phone, JACK):
            assert closed_with(older) == 4001
            with switched_on(phone, SOPHIA):
                pass
            numbers.wait(SOPHIA, "sip:sophia@127.0.0.1:5070")
            assert numbers.address(JACK)
        numbers.wait(JACK, None)


@pytest.mark.parametrize("time", ["once", "twice"])
def test_it_dies_and_is_there_again(phone, numbers, time):
    with switched_on(phone, JACK) as socket:
        generation = phone.child.generation
        phone.child.kill()
        numbers.wait(JACK, None)
        with pytest.raises(ConnectionClosed):
            socket.recv(PATIENCE_S)
    phone.child.wait()
    assert phone.child.generation == generation + 1
    with switched_on(phone, JACK):
        assert numbers.address(JACK)


def test_a_taken_port_is_told(numbers, phone, monkeypatch):
    monkeypatch.setattr("pstn.lines.sip.child.READY_S", 1.0)
    with pytest.raises(ChildError, match=r"address already in use|did not start"):
        BrowserPhone(numbers, "127.0.0.1:9", port=urlsplit(phone.url).port or 0)
