"""Amazon Chime SDK PSTN audio."""

from __future__ import annotations

from typing import TYPE_CHECKING

from duologue.adapters.basics.aws import FAST, NORMAL
from duologue.adapters.basics.aws_clients import client_once, lazy_client
from duologue.adapters.carriers.chime_network import ChimeNetwork, ChimePromptStopper
from duologue.runtime.settings import setting
from duologue.wire.chime.answer import Buckets
from duologue.wire.chime.network_format import ChimeFormat

if TYPE_CHECKING:
    from duologue.usecases.ports.network import Network, NetworkFormat, PromptStopper

_SERVICE = "chime-sdk-voice"


def network() -> Network:
    return ChimeNetwork(lazy_client(_SERVICE, NORMAL), setting("SIP_MEDIA_APPLICATION_ID"), client_once(_SERVICE))


def network_of_api() -> Network:
    return network()


def network_format() -> NetworkFormat:
    return ChimeFormat(Buckets(setting("PROMPTS_BUCKET"), setting("RECORDINGS_BUCKET")))


def node_table() -> None:
    return None


def prompt_stopper() -> PromptStopper:
    return ChimePromptStopper(lazy_client(_SERVICE, FAST))


def bare_format() -> NetworkFormat:
    return ChimeFormat(Buckets("", ""))
