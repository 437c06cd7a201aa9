"""What differs between the local Chime and `Carrier: sip` when the cases are played; docs/carriers.md shows it.

Everything else is the same: the steps notified, both phones, the codes, the CDR, its times, the recording, and that
nothing is left over.
"""

from pstn.switches import OWN_NETWORK

NETWORK = OWN_NETWORK
"""A node's behaviour, from which expected steps and codes follow as they do from any switches."""

_TOLD = "A node always reports why the callee's leg failed: that is `{}`"
LEFT_OUT = {
    "callee_busy": _TOLD.format("callee_busy_told"),
    "callee_rejects": _TOLD.format("callee_rejects_told"),
    "callee_invalid": _TOLD.format("callee_invalid_told"),
    "dial_refused": "No switch makes a node refuse a dial: `tests/contract/test_nodes.py`",
    "no_room": "No switch takes a node's room: the test plays it after every node has left, with `NoNodeHasRoom`",
}
"""Cases that are not played, with the reason."""

DIFFERENCES = {
    "The callee's phone rings": "It is reported: `alerting` is notified for both legs, by Chime for the caller's alone",
    "A prompt is heard": "Judged by the sound that the phone receives; the local Chime itself says what it plays",
    "Variants and switches of the network": "A node behaves in one way; they are what Chime's documents leave open",
}
"""What, and how it is with `Carrier: sip`."""
