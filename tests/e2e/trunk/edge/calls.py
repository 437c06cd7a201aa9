"""What a node does at an edge."""

from tests.e2e.trunk.edge.peer import Dialog, Peer, Received, sdp
from tests.e2e.trunk.edge.running import CALLED, SHOWN, Edge


def places(node: Peer, edge: Edge, *headers: str, shown=SHOWN, called=CALLED, body: str | None = None) -> Dialog:
    """INVITE. `headers`: further lines."""
    call = Dialog.of_caller(node, shown, called, edge.at)
    offer = sdp(node.host, 40000) if body is None else body
    node.send(edge.at, node.request("INVITE", call.uri, call, *headers, body=offer))
    return call


def is_answered(node: Peer, edge: Edge, call: Dialog, trunk: Peer, body: str | None = None) -> Received:
    """The trunk answers, the node acknowledges; returns the INVITE at the trunk."""
    invite = trunk.next("INVITE", holding=f"tag={call.tag}\r\n")
    trunk.answer(invite, 200, body=sdp(trunk.host, 42000) if body is None else body)
    call.answered(node.next("200", holding=(call.call_id, " INVITE\r\n")))
    node.send(edge.at, node.request("ACK", call.uri, call))
    trunk.next("ACK", holding=(f"tag={call.tag}\r\n", "Max-Forwards: 69"))
    return invite


def hangs_up(node: Peer, edge: Edge, call: Dialog, trunk: Peer) -> Received:
    """Returns the BYE at the trunk."""
    call.cseq += 1
    node.send(edge.at, node.request("BYE", call.uri, call))
    bye = trunk.next("BYE")
    trunk.answer(bye, 200)
    node.next("200", holding=" BYE\r\n")
    return bye


def cancels(node: Peer, edge: Edge, call: Dialog) -> None:
    """The INVITE, which it sent last."""
    via = node.last.partition("Via: ")[2].partition("\r\n")[0]
    lines = node.request("CANCEL", call.uri, call).splitlines()
    lines[1] = f"Via: {via}"
    node.send(edge.at, "\r\n".join(lines) + "\r\n")
