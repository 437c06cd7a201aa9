"""Requests to the operator's own nodes, which speak the wire of Amazon Chime SDK PSTN audio (docs/carriers.md).

A dial goes to one node after another until one takes it, an update to the node that the call is on:

| What the node does                      | A dial            | An update                                       |
| --------------------------------------- | ----------------- | ----------------------------------------------- |
| no connection                           | the next node     | OutsideUnavailable; NoSuchNetworkCall if silent |
| 429, or another error for "no room"     | the next node     | NothingWasDialled                               |
| an answer that breaks off, a time-out   | DialUncertain     | as for no connection                            |
| 404                                     | DialRefused       | NoSuchNetworkCall                               |
| another error                           | as of Chime       | OutsideUnavailable                              |
| no node is left to ask; it has no row   | NothingWasDialled | NoSuchNetworkCall                               |
| the table or the secret cannot be read  | NothingWasDialled | OutsideUnavailable                              |

A node that has been silent is still asked: it may only have lost the table.
"""

from __future__ import annotations

import logging
from collections.abc import Callable

from duologue.adapters.chime_network import AsksByCommand, dial_error, update_error
from duologue.adapters.dynamo_nodes import DynamoNodes
from duologue.adapters.node_requests import NodeRefused, NodeRequests, NotAnswered, NotReached
from duologue.domain.call import Call
from duologue.domain.errors import DialUncertain, NoSuchNetworkCall, NothingWasDialled, OutsideUnavailable
from duologue.domain.node import Burial, Node, node_of, picked
from duologue.usecases.ports.outside import Clock
from duologue.wire.chime.commands import command
from duologue.wire.chime.invocation import CALL_ID

_log = logging.getLogger(__name__)


class SipNetwork(AsksByCommand):
    """Implements `usecases.ports.network.Network`. `chance`: random from 0 to 1."""

    def __init__(
        self,
        nodes: DynamoNodes,
        requests: NodeRequests,
        application_id: str,
        clock: Clock,
        chance: Callable[[], float],
    ) -> None:
        self._nodes = nodes
        self._requests = requests
        self._path = f"/sip-media-applications/{application_id}/calls"
        self._clock = clock
        self._chance = chance

    def dial_caller(self, call: Call) -> None:
        body = {
            "FromPhoneNumber": call.caller.display_number.e164,
            "ToPhoneNumber": call.caller.number.e164,
            "ArgumentsMap": {CALL_ID: call.id},
        }
        refusal = NothingWasDialled("NoNodeHasRoom")
        for node in self._to_ask():
            try:
                self._requests.post(node.address, self._path, body)
            except NotReached as error:
                refusal = NothingWasDialled(str(error))
            except NotAnswered as error:
                raise DialUncertain(str(error)) from None
            except OutsideUnavailable:
                _log.warning("no secret to sign a dial with", extra={"call_id": call.id}, exc_info=True)
                raise NothingWasDialled("NoSecret") from None
            except NodeRefused as error:
                meaning = dial_error(error.code, error.status)
                if not isinstance(meaning, NothingWasDialled):
                    raise meaning from None
                refusal = meaning
            else:
                return
        raise refusal

    def _to_ask(self) -> list[Node]:
        try:
            nodes = self._nodes.recent()
        except OutsideUnavailable:
            _log.warning("the nodes table cannot be read", exc_info=True)
            raise NothingWasDialled("NoNodesTable") from None
        return picked(nodes.values(), self._clock.now(), self._chance)

    def _ask(self, network_call: str, word: str) -> None:
        owner = node_of(network_call)
        # The rows that are kept may be older than the node.
        node = self._nodes.recent().get(owner) or self._nodes.current().get(owner)
        if node is None or node.gone or node.burial is Burial.DONE:
            raise NoSuchNetworkCall(network_call)
        try:
            self._requests.post(node.address, f"{self._path}/{network_call}", {"Arguments": command(word)})
        except (NotReached, NotAnswered) as error:
            if node.is_silent(self._clock.now()):
                raise NoSuchNetworkCall(network_call) from None
            raise OutsideUnavailable(f"node {node.id}: {error}") from None
        except NodeRefused as error:
            raise update_error(error.code, error.status, network_call) from None


class SipPromptStopper:
    """Implements `usecases.ports.network.PromptStopper`, for the reason that `ChimePromptStopper` has.

    `network_of`: the network, by the id of the application that the event names.
    """

    def __init__(self, network_of: Callable[[str], SipNetwork]) -> None:
        self._network_of = network_of

    def stop_prompt(self, application: str, network_call: str) -> None:
        self._network_of(application).end(network_call)
