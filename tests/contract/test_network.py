"""The network's control of a call: the fake and the real adapter over HTTP to the local network keep one promise."""

from collections.abc import Iterator

import boto3
import pytest
from botocore.config import Config
from botocore.stub import Stubber

from duologue.adapters.chime_network import ChimeNetwork
from duologue.domain.errors import OutsideUnavailable
from duologue.wire.chime.commands import END_COMMAND
from duologue.wire.chime.invocation import read_invocation
from pstn.clocks import JumpingClock
from pstn.serve import LoopbackServer
from pstn.service import PstnService
from pstn.switches import Quotas, Switches
from tests.fakes.network import FakeNetwork
from tests.samples import NETWORK_CALL, NOW

CALLER, SHOWN = "+12025550111", "+12025550100"
ONCE = Config(retries={"total_max_attempts": 1})


def client(url: str):
    keys = {"aws_access_key_id": "lab", "aws_secret_access_key": "lab", "region_name": "us-east-1"}
    return boto3.client("chime-sdk-voice", endpoint_url=url, config=ONCE, **keys)


class Local:
    """The local network with one call in progress, and the adapter that speaks to it."""

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

    def adapter(self, url: str) -> ChimeNetwork:
        return ChimeNetwork(client(url), self.application, END_COMMAND)


@pytest.fixture
def local() -> Iterator[tuple[Local, ChimeNetwork]]:
    network = Local()
    with LoopbackServer(network.service) as url:
        yield network, network.adapter(url)
    network.service.close()


def test_a_call_in_progress_is_asked_to_end_in_the_word_that_we_read_back(local):
    network, adapter = local
    assert adapter.end(network.call) is True
    network.exchange.run_for(1)
    [event] = [event for event in network.heard if event["InvocationEventType"] == "CALL_UPDATE_REQUESTED"]
    assert type(read_invocation(event, NOW).event).__name__ == "EndAsked"
    assert FakeNetwork(NETWORK_CALL).end(NETWORK_CALL) is True


def test_a_call_that_the_network_does_not_know_is_over(local):
    _, adapter = local
    assert adapter.end(NETWORK_CALL) is False
    assert FakeNetwork().end(NETWORK_CALL) is False


def test_a_call_that_has_ended_is_over(local):
    network, adapter = local
    network.exchange.line.hang_up_by_hand(CALLER)
    network.exchange.run_for(5)
    assert adapter.end(network.call) is False


def test_more_updates_in_a_second_than_the_network_takes():
    network = Local(quotas=Quotas(on=True, updates_per_second=1))
    with LoopbackServer(network.service) as url:
        adapter = network.adapter(url)
        assert adapter.end(network.call) is True
        with pytest.raises(OutsideUnavailable, match="ThrottledClientException"):
            adapter.end(network.call)
    network.service.close()
    with pytest.raises(OutsideUnavailable):
        FakeNetwork(NETWORK_CALL, busy=True).end(NETWORK_CALL)


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
def test_what_does_not_say_that_the_call_is_over(code, status):
    """Not now, or not us: whether a leg is up is not known."""
    chime = client("http://127.0.0.1:9")
    with Stubber(chime) as stub:
        stub.add_client_error("update_sip_media_application_call", code, http_status_code=status)
        with pytest.raises(OutsideUnavailable, match=code):
            ChimeNetwork(chime, "sma", END_COMMAND).end(NETWORK_CALL)


def test_nobody_there():
    with pytest.raises(OutsideUnavailable, match="EndpointConnectionError"):
        ChimeNetwork(client("http://127.0.0.1:9"), "sma", END_COMMAND).end(NETWORK_CALL)
