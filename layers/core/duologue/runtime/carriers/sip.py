"""The operator's own nodes on SIP trunks. They speak the wire of Amazon Chime SDK PSTN audio."""

from __future__ import annotations

from functools import cache
from random import SystemRandom
from typing import TYPE_CHECKING

from duologue.adapters.basics.aws import FAST
from duologue.adapters.basics.aws_clients import lazy_client
from duologue.adapters.basics.system_clock import SystemClock
from duologue.adapters.carriers.dynamo_nodes import DynamoNodes
from duologue.adapters.carriers.node_requests import NodeRequests, NodeSecret
from duologue.adapters.carriers.sip_network import SipNetwork, SipPromptStopper
from duologue.runtime.settings import setting
from duologue.wire.chime.answer import Buckets
from duologue.wire.chime.network_format import ChimeFormat

if TYPE_CHECKING:
    from duologue.usecases.ports.network import Network, NetworkFormat, PromptStopper
    from duologue.usecases.ports.nodes import NodeTable

_APPLICATION = "duologue"
"""The id of the one application that every node has."""
_CONNECT_S, _ANSWER_S = 1, 5
"""As of a dial to Chime (adapters.basics.aws.ONCE): with three nodes to ask, a request is over within 8 s."""
_CONNECT_FAST_S, _ANSWER_FAST_S = 0.5, 1
"""As of adapters.basics.aws.FAST: call_control has 10 s in all."""


def network() -> Network:
    return _network(_APPLICATION, _CONNECT_S, _ANSWER_S)


def network_of_api() -> None:
    """callback_api, which the Internet reaches, is not let into the nodes' network."""
    return


def network_format() -> NetworkFormat:
    return ChimeFormat(Buckets(setting("PROMPTS_BUCKET"), setting("RECORDINGS_BUCKET")))


def node_table() -> NodeTable:
    return _nodes()


def prompt_stopper() -> PromptStopper:
    return SipPromptStopper(lambda application: _network(application, _CONNECT_FAST_S, _ANSWER_FAST_S))


def bare_format() -> NetworkFormat:
    return ChimeFormat(Buckets("", ""))


def _network(application: str, connect_s: float, answer_s: float) -> SipNetwork:
    clock = SystemClock()
    requests = NodeRequests(_secret(), clock, connect_s, answer_s)
    return SipNetwork(_nodes(), requests, application, clock, SystemRandom().random)


@cache
def _nodes() -> DynamoNodes:
    """One for the process: it keeps the rows for a moment, as `_secret` does the secret."""
    return DynamoNodes(lazy_client("dynamodb", FAST), setting("NODES_TABLE"), SystemClock())


@cache
def _secret() -> NodeSecret:
    return NodeSecret(lazy_client("secretsmanager", FAST), setting("NODE_SECRET"), SystemClock())
