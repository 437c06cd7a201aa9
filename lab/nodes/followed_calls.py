"""What nodes tell the function that controls calls, and what it answers, as events of the network's feed (pstn.feed).

It is seen where the function is invoked. As of a network in this process: `placed` or `called_in` with a call's first
event, `event` or `repeat`, `answer` or `failure`, and `over` once the end of its last leg was answered.
"""

import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from pstn.feed import NetworkEvent


@dataclass
class _Call:
    sequences: set[int] = field(default_factory=set)
    over: bool = False


class FollowedCalls:
    """Give `invoked` to `Cloud.watch_invocations`.

    Args:
        observe: takes each event of the feed.
        bridging, bridged: called with the numbers of both legs when the second one is to be called, and when both are
            connected.
    """

    def __init__(
        self,
        function: str,
        observe: Callable[[NetworkEvent], None],
        bridging: Callable[[str, str], None],
        bridged: Callable[[str, str], None],
    ) -> None:
        self._function, self._observe = function, observe
        self._bridging, self._bridged = bridging, bridged
        self._calls: dict[str, _Call] = {}
        self._lock = threading.Lock()

    def invoked(self, function: str, event: Any, answer: dict[str, Any] | None) -> None:
        """`answer` None: it begins now."""
        if function != self._function or not isinstance(event, dict) or "CallDetails" not in event:
            return
        if answer is None:
            self._begins(event)
        else:
            self._ends(event, answer)

    def _begins(self, event: dict[str, Any]) -> None:
        details, sequence = event["CallDetails"], event["Sequence"]
        transaction, legs = details["TransactionId"], details["Participants"]
        with self._lock:
            is_first = transaction not in self._calls
            call = self._calls.setdefault(transaction, _Call())
            is_repeat = sequence in call.sequences
            call.sequences.add(sequence)
        if is_first:
            inbound = event["InvocationEventType"] == "NEW_INBOUND_CALL"
            more = {"shown": legs[0]["From"]} if inbound else {"from": legs[0]["From"]}
            self._tell("called_in" if inbound else "placed", transaction, to=legs[0]["To"], **more)
        self._tell("repeat" if is_repeat else "event", transaction, event=event, sequence=sequence)
        done = event.get("ActionData", {}).get("Type") if event["InvocationEventType"] == "ACTION_SUCCESSFUL" else None
        if done == "CallAndBridge" and len(legs) == 2:
            self._bridged(_far_end(legs[0]), _far_end(legs[1]))

    def _ends(self, event: dict[str, Any], answer: dict[str, Any]) -> None:
        details, sequence = event["CallDetails"], event["Sequence"]
        transaction, legs = details["TransactionId"], details["Participants"]
        if "error" in answer:
            self._tell("failure", transaction, sequence=sequence, reason=str(answer["error"].get("errorType")))
        else:
            self._tell("answer", transaction, sequence=sequence, payload=answer["result"])
            actions = answer["result"].get("Actions", []) if isinstance(answer["result"], dict) else []
            for action in actions:
                if action.get("Type") == "CallAndBridge":
                    self._bridging(_far_end(legs[0]), action["Parameters"]["Endpoints"][0]["Uri"])
        ended = event["InvocationEventType"] == "HANGUP" and all(each.get("Status") == "Disconnected" for each in legs)
        with self._lock:
            call = self._calls[transaction]
            is_over, call.over = ended and not call.over, call.over or ended
        if is_over:
            self._tell("over", transaction)

    def _tell(self, kind: str, transaction: str, **detail: Any) -> None:
        self._observe(NetworkEvent(datetime.now(UTC), kind, transaction, None, detail))


def _far_end(leg: dict[str, Any]) -> str:
    return str(leg["From"] if leg["Direction"] == "Inbound" else leg["To"])
