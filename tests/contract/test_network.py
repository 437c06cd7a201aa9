"""Requests to the network: the fake and the real adapters over HTTP to the local network keep one promise."""

from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from urllib.parse import urlsplit

import boto3
import pytest
from botocore.config import Config
from botocore.exceptions import (
    ConnectionClosedError,
    ConnectTimeoutError,
    EndpointConnectionError,
    NoCredentialsError,
    ParamValidationError,
    ReadTimeoutError,
)

from duologue.adapters.carriers.chime_network import ChimeNetwork
from duologue.adapters.carriers.sip_network import SipNetwork
from duologue.domain.errors import DialRefused, DialUncertain, NoSuchNetworkCall, NothingWasDialled, OutsideUnavailable
from duologue.runtime.carriers import chime
from duologue.wire.chime.invocation import read_invocation
from pstn.clocks import JumpingClock
from pstn.serve import LoopbackServer
from pstn.service import PstnService
from pstn.switches import Quotas, Switches
from tests.fakes.network import FakeNetwork
from tests.nodes import StubNode, dial, network_of, node
from tests.samples import NETWORK_CALL, NOW, SHOWN_TO_CALLER, callback

CALLER, SHOWN = "+12025550111", "+12025550100"
ONCE = Config(retries={"total_max_attempts": 1})


def client(url: str):
    keys = {"aws_access_key_id": "lab", "aws_secret_access_key": "lab", "region_name": "us-east-1"}
    return boto3.client("chime-sdk-voice", endpoint_url=url, config=ONCE, **keys)


class Local:
    """The local network with one call in progress, and the adapters that speak to it."""

    def __init__(self, **switches) -> None:
        self.heard: list[dict] = []
        self.service = PstnService(self._hear, Switches(**switches), clock=JumpingClock(NOW))
        self.exchange = self.service.exchange
        self.exchange.own(SHOWN)
        self.application = self.exchange.create_sma("line", "arn:aws:lambda:us-east-1:111122223333:function:x")
        self.call = self.exchange.create_call(self.application, from_number=SHOWN, to_number=CALLER)
        self.exchange.run_for(5)

    def _hear(self, arn: str, event: dict) -> dict:
        self.heard.append(event)
        return {"SchemaVersion": "1.0", "Actions": []}

    def adapter(self, carrier: str, url: str) -> ChimeNetwork | SipNetwork:
        return ADAPTERS[carrier](url, self.application)


def sip_network(url: str, application: str) -> SipNetwork:
    """One node with two rows: the local network's own calls have none's id, and such a node takes no dials."""
    address = urlsplit(url).netloc
    return network_of([node("", address, room=0), node("1a2b3c4d", address)], application=application)


ADAPTERS: dict[str, Callable[[str, str], ChimeNetwork | SipNetwork]] = {
    "chime": lambda url, application: ChimeNetwork(client(url), application),
    "sip": sip_network,
}
_CARRIERS = pytest.mark.parametrize("carrier", ADAPTERS)


@pytest.fixture(params=ADAPTERS)
def local(request) -> Iterator[tuple[Local, ChimeNetwork | SipNetwork]]:
    network = Local()
    with LoopbackServer(network.service) as url:
        yield network, network.adapter(request.param, url)
    network.service.close()


def test_a_call_in_progress_is_asked_to_end_in_the_word_that_we_read_back(local):
    network, adapter = local
    assert adapter.end(network.call) is True
    network.exchange.run_for(1)
    [event] = [event for event in network.heard if event["InvocationEventType"] == "CALL_UPDATE_REQUESTED"]
    assert type(read_invocation(event, NOW).event).__name__ == "EndAsked"
    assert FakeNetwork(NETWORK_CALL).end(NETWORK_CALL) is True


@pytest.mark.parametrize(
    ("ask", "event"), [("dial_callee", "DialCalleeAsked"), ("say_last_minute", "LastMinuteAsked"), ("end", "EndAsked")]
)
def test_what_is_asked_is_said_in_the_word_that_we_read_back(local, ask, event):
    network, adapter = local
    getattr(adapter, ask)(network.call)
    network.exchange.run_for(1)
    [update] = [said for said in network.heard if said["InvocationEventType"] == "CALL_UPDATE_REQUESTED"]
    assert type(read_invocation(update, NOW).event).__name__ == event
    fake = FakeNetwork(NETWORK_CALL)
    getattr(fake, ask)(NETWORK_CALL)
    assert fake.asked or fake.wanted == [(ask, NETWORK_CALL)]


@pytest.mark.parametrize("ask", ["dial_callee", "say_last_minute"])
def test_a_call_that_the_network_does_not_know_is_asked_nothing(local, ask):
    for network in (local[1], FakeNetwork()):
        with pytest.raises(NoSuchNetworkCall):
            getattr(network, ask)(NETWORK_CALL)


def test_a_dial_rings_the_caller_with_our_id_in_every_event(local):
    network, adapter = local
    dial(adapter)
    network.exchange.run_for(5)
    [first, *_] = [event for event in network.heard if event["CallDetails"]["TransactionId"] != network.call]
    said = read_invocation(first, NOW)
    assert (said.call_id, said.introduces) == (callback().id, True)
    participant = first["CallDetails"]["Participants"][0]
    assert (participant["From"], participant["To"]) == (SHOWN_TO_CALLER.e164, CALLER)


def test_a_call_that_the_network_does_not_know_is_over(local):
    _, adapter = local
    assert adapter.end(NETWORK_CALL) is False
    assert FakeNetwork().end(NETWORK_CALL) is False


def test_a_call_that_has_ended_is_over(local):
    network, adapter = local
    network.exchange.line.hang_up_by_hand(CALLER)
    network.exchange.run_for(5)
    assert adapter.end(network.call) is False


@_CARRIERS
def test_more_updates_in_a_second_than_the_network_takes(carrier):
    network = Local(quotas=Quotas(on=True, updates_per_second=1))
    with LoopbackServer(network.service) as url:
        adapter = network.adapter(carrier, url)
        assert adapter.end(network.call) is True
        with pytest.raises(OutsideUnavailable, match="ThrottledClientException"):
            adapter.end(network.call)
        with pytest.raises(NothingWasDialled, match="ThrottledClientException"):
            adapter.dial_callee(network.call)
    network.service.close()
    with pytest.raises(OutsideUnavailable):
        FakeNetwork(NETWORK_CALL, busy=True).end(NETWORK_CALL)


@_CARRIERS
@pytest.mark.parametrize(
    ("code", "status"),
    [
        ("ResourceLimitExceededException", 400),
        ("ServiceFailureException", 500),
        ("ServiceUnavailableException", 503),
        ("BadRequestException", 400),
        ("ForbiddenException", 403),
        ("GoneException", 410),
        ("UnprocessableEntityException", 422),
    ],
)
def test_what_does_not_say_that_the_call_is_over(carrier, code, status):
    """Not now, or not us: whether a leg is up is not known."""
    with (
        StubNode((status, code), (status, code)) as stub,
        pytest.raises(OutsideUnavailable, match=code),
    ):
        ADAPTERS[carrier](stub.url, "sma").end(NETWORK_CALL)


@_CARRIERS
def test_nobody_there(carrier):
    with pytest.raises(OutsideUnavailable, match=r"EndpointConnectionError|ConnectionRefusedError"):
        ADAPTERS[carrier]("http://127.0.0.1:9", "sma").end(NETWORK_CALL)


@_CARRIERS
@pytest.mark.parametrize(
    ("code", "status", "meaning"),
    [
        ("ThrottledClientException", 429, NothingWasDialled),
        ("SomethingNewException", 429, NothingWasDialled),
        ("ResourceLimitExceededException", 400, NothingWasDialled),
        ("ThrottlingException", 400, NothingWasDialled),
        ("BadRequestException", 400, DialRefused),
        ("ForbiddenException", 403, DialRefused),
        ("AccessDeniedException", 403, DialRefused),
        ("UnauthorizedClientException", 401, DialRefused),
        ("NotFoundException", 404, DialRefused),
        ("RequestTimeout", 408, DialUncertain),
        ("ServiceFailureException", 500, DialUncertain),
        ("ServiceUnavailableException", 503, DialUncertain),
    ],
)
def test_what_the_answer_to_a_dial_says_of_it(carrier, code, status, meaning):
    """The service's text may hold the number: what is raised has the code alone. A dial is sent once."""
    with StubNode((status, code)) as stub, pytest.raises(meaning) as raised:
        dial(ADAPTERS[carrier](stub.url, "sma"))
    assert (str(raised.value), raised.value.code) == (code, code)
    assert raised.value.__cause__ is None
    assert [path for path, _ in stub.seen] == ["/sip-media-applications/sma/calls"]


@pytest.mark.parametrize(
    ("failure", "meaning"),
    [
        (ConnectTimeoutError(endpoint_url="x"), NothingWasDialled),
        (EndpointConnectionError(endpoint_url="x"), NothingWasDialled),
        (NoCredentialsError(), NothingWasDialled),
        (ParamValidationError(report=f"Invalid length for parameter ToPhoneNumber, value: {CALLER}"), DialRefused),
        (ReadTimeoutError(endpoint_url="x"), DialUncertain),
        (ConnectionClosedError(endpoint_url="x"), DialUncertain),
    ],
)
def test_what_no_answer_to_a_dial_says_of_it(failure, meaning):
    class Client:
        def create_sip_media_application_call(self, **_):
            raise failure

    with pytest.raises(meaning) as raised:
        dial(ChimeNetwork(Client(), "sma"))  # type: ignore[arg-type]
    assert str(raised.value) == type(failure).__name__


@pytest.fixture
def counting(monkeypatch):
    """A service that fails every request, and what it got: the path and the Connection header of each."""
    seen = []

    class Failing(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self):
            seen.append((self.path, self.headers["Connection"]))
            self.rfile.read(int(self.headers["Content-Length"]))
            self.send_response(500)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *_):
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Failing)
    Thread(target=server.serve_forever, daemon=True).start()
    monkeypatch.setenv("AWS_ENDPOINT_URL", f"http://127.0.0.1:{server.server_address[1]}")
    monkeypatch.setenv("SIP_MEDIA_APPLICATION_ID", "sma")
    for name, value in {"ACCESS_KEY_ID": "x", "SECRET_ACCESS_KEY": "x", "DEFAULT_REGION": "us-east-1"}.items():
        monkeypatch.setenv(f"AWS_{name}", value)
    yield seen
    server.shutdown()
    server.server_close()


def test_a_dial_is_sent_once_over_a_connection_that_is_not_kept(counting):
    """As it is wired. An SDK's repeat after a 5xx would ring the caller twice; a kept connection may be dead (R5)."""
    with pytest.raises(DialUncertain):
        dial(chime.network())
    assert counting == [("/sip-media-applications/sma/calls", "close")]
