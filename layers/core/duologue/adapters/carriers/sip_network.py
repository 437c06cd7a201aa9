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
from collections.abc import Callable, Collection

from duologue.adapters.carriers.chime_network import AsksByCommand, dial_error, update_error
from duologue.adapters.carriers.dynamo_nodes import DynamoNodes
from duologue.adapters.carriers.node_requests import NodeRefused, NodeRequests, NotAnswered, NotReached
from duologue.domain.calls.call import Call
from duologue.domain.calls.node import MOST_ASKED, Burial, Node, node_of, picked
from duologue.domain.errors import DialUncertain, NoSuchNetworkCall, NothingWasDialled, OutsideUnavailable
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

    def mark(self, unique: str) -> str:
        try:
            asked = self._to_ask(())
        except NothingWasDialled:
            return unique
        return f"{asked[0].id}-{unique}" if asked else unique

    def dial_caller(self, call: Call, mark: str, store: Callable[[str], bool]) -> None:
        node_id, asked, refusal = node_of(mark), list[str](), NothingWasDialled("NoNodeHasRoom")
        unique = mark.removeprefix(f"{node_id}-")
        for _ in range(MOST_ASKED):
            if not node_id:
                node_id = next((node.id for node in self._to_ask(asked)), "")
                if not node_id or not store(f"{node_id}-{unique}"):
                    break
            try:
                self._dial(node_id, call)
            except NothingWasDialled as why:
                refusal = why
            else:
                return
            asked.append(node_id)
            node_id = ""
        raise refusal

    def _dial(self, node_id: str, call: Call) -> None:
        """Ask this node, which the call's mark names.

        Its row is read after the mark was stored, and the sweeper looks for marks after it has declared a node dead. So
        either the node is seen here to be dead, or the call is found among those of the node.
        """
        try:
            node = self._nodes.current().get(node_id)
        except OutsideUnavailable:
            raise _no_table() from None
        if node is None or not node.takes_dials(self._clock.now()):
            raise NothingWasDialled("NoNodeHasRoom")
        body = {
            "FromPhoneNumber": call.caller.display_number.e164,
            "ToPhoneNumber": call.caller.number.e164,
            "ArgumentsMap": {CALL_ID: call.id},
        }
        try:
            self._requests.post(node.address, self._path, body)
        except NotReached as error:
            raise NothingWasDialled(str(error)) from None
        except NotAnswered as error:
            raise DialUncertain(str(error)) from None
        except OutsideUnavailable:
            _log.warning("no secret to sign a dial with", extra={"call_id": call.id}, exc_info=True)
            raise NothingWasDialled("NoSecret") from None
        except NodeRefused as error:
            raise dial_error(error.code, error.status) from None

    def _to_ask(self, but: Collection[str]) -> list[Node]:
        try:
            nodes = self._nodes.recent()
        except OutsideUnavailable:
            raise _no_table() from None
        fit = [node for node in nodes.values() if node.id not in but]
        return picked(fit, self._clock.now(), self._chance)

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


def _no_table() -> NothingWasDialled:
    _log.warning("the nodes table cannot be read", exc_info=True)
    return NothingWasDialled("NoNodesTable")
