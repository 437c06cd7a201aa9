"""A station and a phone by themselves, without an exchange: commands that come at an awkward time."""

import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from pstn.lines.sip.child import LOOPBACK, Child
from pstn.lines.sip.line import LEG_HEADER
from tests.e2e.sockets import only_on_linux, sockets

OPTIONS = {"codecs": ("pcmu", "pcma"), "silence_s": 0}
PATIENCE_S = 60.0


class Heard:
    """What a child told."""

    def __init__(self, module: str, folder: Any) -> None:
        self.events: list[dict[str, Any]] = []
        self._changed = threading.Condition()
        log = folder / f"{module}.log"
        self.child = Child(module, self._options, self._take, lambda _: None, log)
        self.child.begin()

    def waits_for(self, event: str, leg: str) -> bool:
        def came() -> bool:
            return any((each["event"], each.get("leg")) == (event, leg) for each in self.events)

        with self._changed:
            return self._changed.wait_for(came, PATIENCE_S)

    def _take(self, event: dict[str, Any]) -> None:
        with self._changed:
            self.events.append(event)
            self._changed.notify_all()

    @staticmethod
    def _options(port: int) -> dict[str, Any]:
        return {"sip_port": port, **OPTIONS}


@pytest.fixture(scope="module")
def network(tmp_path_factory) -> Iterator[Heard]:
    one = Heard("pstn.lines.sip", tmp_path_factory.mktemp("network"))
    one.child.wait()
    yield one
    one.child.close()


@pytest.fixture(scope="module")
def phones(tmp_path_factory) -> Iterator[Heard]:
    one = Heard("lab.phones.process", tmp_path_factory.mktemp("phones"))
    one.child.wait()
    yield one
    one.child.close()


def dial(network: Heard, phones: Heard, leg: str) -> None:
    uri = f"sip:+12025550111@{LOOPBACK}:{phones.child.port}"
    network.child.send(do="dial", leg=leg, caller_id="+12025550100", uri=uri, headers={LEG_HEADER: leg})


@pytest.mark.parametrize("order", ["expected first", "called first"])
def test_a_phone_answers_whether_it_was_told_or_called_first(network, phones, order):
    leg = order.replace(" ", "-")
    if order == "called first":
        dial(network, phones, leg)
        assert phones.waits_for("incoming", leg)
    phones.child.send(do="expect", leg=leg)
    phones.child.send(do="answer", leg=leg)
    if order == "expected first":
        dial(network, phones, leg)
    assert network.waits_for("answered", leg)
    network.child.send(do="forget", leg=leg)
    assert network.waits_for("ended", leg)
    assert phones.waits_for("ended", leg)


def test_who_is_forgotten_while_it_is_dialled_rings_no_longer(network, phones):
    dial(network, phones, "soon-over")
    network.child.send(do="forget", leg="soon-over")
    assert network.waits_for("ended", "soon-over")
    assert phones.waits_for("ended", "soon-over")


def test_a_phone_that_is_forgotten_ends_its_call_if_the_network_does_not(network, phones):
    phones.child.send(do="expect", leg="kept")
    phones.child.send(do="answer", leg="kept")
    dial(network, phones, "kept")
    assert network.waits_for("answered", "kept")
    phones.child.send(do="forget", leg="kept", grace=0.2)
    assert network.waits_for("ended", "kept")


def test_what_cannot_be_done_is_told_and_the_next_command_is_taken(network):
    network.child.send(do="play", leg="nobody", play="one", sound="/nowhere.pcm", times=1)
    assert network.waits_for("trouble", "nobody")
    network.child.send(do="dial", leg="nowhere", caller_id="+12025550100", uri="sip:two\r\nlines", headers={})
    assert network.waits_for("ended", "nowhere")
    assert network.child.generation == 1


@pytest.mark.skipif(sys.platform != "linux", reason="/proc is Linux's")
def test_their_tables_of_open_files_need_not_grow(network, phones):
    for one in (network, phones):
        status = Path(f"/proc/{one.child.pid}/status").read_text()
        assert int(status.split("FDSize:")[1].split()[0]) >= 1024


@only_on_linux
def test_every_socket_is_on_loopback_also_during_a_call(network, phones):
    phones.child.send(do="expect", leg="near")
    phones.child.send(do="answer", leg="near")
    dial(network, phones, "near")
    assert network.waits_for("answered", "near")
    for one in (network, phones):
        opened = sockets([one.child.pid])
        assert len(opened) >= 6  # SIP over UDP and TCP, the DNS client, RTP and RTCP
        assert [each for each in opened if not each.address.is_loopback] == []
    network.child.send(do="forget", leg="near")
    assert network.waits_for("ended", "near")
