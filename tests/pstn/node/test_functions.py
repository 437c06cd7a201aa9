"""Which invocations are repeated here, and what an answer is."""

import io
from typing import Any

import pytest
from botocore.exceptions import ClientError, ConnectTimeoutError, EndpointConnectionError, ReadTimeoutError

from pstn.node.functions import FunctionFailed, InvokeFunction

ARN = "arn:aws:lambda:us-east-1:111122223333:function:duologue-call-control:live"


def _error(code, status=400):
    answer: Any = {"Error": {"Code": code}, "ResponseMetadata": {"HTTPStatusCode": status}}
    return ClientError(answer, "Invoke")


class Lambda:
    """Gives each of these in turn: an error, or a payload with the error that the function raised, if any."""

    def __init__(self, *answers):
        self.answers, self.asked, self.measured = list(answers), [], []

    def invoke(self, **request):
        self.asked.append(request)
        answer = self.answers.pop(0)
        if isinstance(answer, Exception):
            raise answer
        payload, failed = answer if isinstance(answer, tuple) else (answer, None)
        return {"Payload": io.BytesIO(payload), **({"FunctionError": failed} if failed else {})}

    def asks(self):
        invoke = InvokeFunction(self, lambda _, succeeded: self.measured.append(succeeded), lambda _: None)
        return invoke(ARN, {"Sequence": 1})


def test_an_event_goes_to_the_alias_and_its_answer_is_read():
    function = Lambda(b'{"Actions": []}')
    assert function.asks() == {"Actions": []}
    assert function.asked == [{"FunctionName": ARN, "Payload": b'{"Sequence": 1}'}]
    assert function.measured == [True]


@pytest.mark.parametrize(
    "error",
    [
        ConnectTimeoutError(endpoint_url="https://lambda"),
        EndpointConnectionError(endpoint_url="https://lambda"),
        _error("TooManyRequestsException", 429),
    ],
    ids=lambda error: type(error).__name__,
)
def test_what_never_reached_the_function_is_sent_again(error):
    function = Lambda(error, error, b"{}")
    assert function.asks() == {}
    assert (len(function.asked), function.measured) == (3, [True])
    down = Lambda(*[error] * 10)
    with pytest.raises(type(error)):
        down.asks()
    assert (len(down.asked), down.measured) == (4, [False])


@pytest.mark.parametrize(
    ("answer", "told"),
    [
        (ReadTimeoutError(endpoint_url="https://lambda"), "Read timeout"),
        (_error("ServiceException", 500), "ServiceException"),
        (_error("ResourceNotFoundException", 404), "ResourceNotFoundException"),
        ((b'{"errorType": "KeyError", "errorMessage": "+12025550111"}', "Unhandled"), "Unhandled: KeyError"),
        ((b"no JSON of +12025550111", "Unhandled"), "Unhandled: None"),
        (b"no JSON of +12025550111", "the answer is not JSON"),
    ],
)
def test_a_failure_is_left_to_the_engine_and_told_without_what_the_function_said(answer, told):
    function = Lambda(answer)
    with pytest.raises((FunctionFailed, ReadTimeoutError, ClientError), match=told) as raised:
        function.asks()
    assert "5550111" not in str(raised.value)
    assert function.measured == [False]
