"""Invokes the function that controls calls, as the role of this machine.

The engine repeats an event after 5 s and drops a call after 20 s. So nothing is repeated here but what certainly did
not reach the function: a connection that was not made, and an invocation that Lambda throttled.
"""

import json
import time
from collections.abc import Callable
from typing import Any

from botocore.exceptions import ClientError, ConnectTimeoutError, EndpointConnectionError

ANSWER_S = 21.0
"""Longer than the engine waits for any answer."""
CONNECT_S = 2.0
PAUSES = (0.2, 0.5, 1.0)
"""Before each repeat; together well below the 5 s after which the engine repeats the event itself."""
_NOT_INVOKED = {"TooManyRequestsException", "EC2ThrottledException"}
Measured = Callable[[float, bool], None]
"""(seconds, whether it succeeded) of one event's invocation, its repeats included."""


class FunctionFailed(Exception):
    """The function raised, or its answer is not JSON. The text has the error's type only: messages can name people."""


class InvokeFunction:
    """Implements `pstn.lambdas.InvokeLambda`. `client`: of Lambda, without repeats of its own."""

    def __init__(self, client: Any, measured: Measured, sleep: Callable[[float], None] = time.sleep) -> None:
        self._client, self._measured, self._sleep = client, measured, sleep

    def __call__(self, arn: str, event: dict[str, Any]) -> Any:
        begun = time.monotonic()
        succeeded = False
        try:
            answer = _payload(self._invoke(arn, json.dumps(event).encode()))
            succeeded = True
        finally:
            self._measured(time.monotonic() - begun, succeeded)
        return answer

    def _invoke(self, arn: str, payload: bytes) -> Any:
        for pause in PAUSES:
            try:
                return self._client.invoke(FunctionName=arn, Payload=payload)
            except (ConnectTimeoutError, EndpointConnectionError):
                pass
            except ClientError as error:
                if error.response.get("Error", {}).get("Code") not in _NOT_INVOKED:
                    raise
            self._sleep(pause)
        return self._client.invoke(FunctionName=arn, Payload=payload)


def _payload(response: Any) -> Any:
    """Raises: FunctionFailed."""
    content = response["Payload"].read()
    try:
        answer = json.loads(content)
    except ValueError:
        answer, is_json = None, False
    else:
        is_json = True
    if kind := response.get("FunctionError"):
        raised = answer.get("errorType") if isinstance(answer, dict) else None
        raise FunctionFailed(f"{kind}: {raised}")
    if not is_json:
        raise FunctionFailed("the answer is not JSON")
    return answer
