"""Requests to Amazon Chime SDK PSTN audio.

Errors of CreateSipMediaApplicationCall (R5; source: botocore's model of chime-sdk-voice):

| Error                                                        | Translated to     |
| ------------------------------------------------------------ | ----------------- |
| any 429; ResourceLimitExceeded and Throttling with their 400 | NothingWasDialled |
| no connection, no credentials: the request never left        | NothingWasDialled |
| any other 4xx but 408; the request violates the model        | DialRefused       |
| 408, any 5xx, read time-out, broken connection               | DialUncertain     |

Only codes and class names leave this module: texts of the service and of botocore may contain a number.
"""

from abc import ABC, abstractmethod
from collections.abc import Callable
from typing import TYPE_CHECKING

from botocore.exceptions import (
    BotoCoreError,
    ClientError,
    ConnectTimeoutError,
    EndpointConnectionError,
    NoCredentialsError,
    ParamValidationError,
    ProxyConnectionError,
)

from duologue.adapters.basics.aws import code_of, status_of
from duologue.domain.calls.call import Call
from duologue.domain.errors import (
    DialError,
    DialRefused,
    DialUncertain,
    DuologueError,
    NoSuchNetworkCall,
    NothingWasDialled,
    OutsideUnavailable,
)
from duologue.wire.chime.commands import DIAL_CALLEE, END, LAST_MINUTE, command
from duologue.wire.chime.invocation import CALL_ID

if TYPE_CHECKING:
    from mypy_boto3_chime_sdk_voice import ChimeSDKVoiceClient

_NEVER_LEFT = (ConnectTimeoutError, EndpointConnectionError, NoCredentialsError, ProxyConnectionError)
_NO_ROOM = {"ResourceLimitExceededException", "ThrottlingException", "Throttling", "RequestLimitExceeded"}
"""Whatever their status: those of throttling are what AWS's front ends say (botocore's standard retries name them)."""


class AsksByCommand(ABC):
    """The requests of `usecases.ports.network.Network` that are commands of the Chime wire to a call in progress."""

    def dial_callee(self, network_call: str) -> None:
        self._ask(network_call, DIAL_CALLEE)

    def say_last_minute(self, network_call: str) -> None:
        self._ask(network_call, LAST_MINUTE)

    def end(self, network_call: str) -> bool:
        try:
            self._ask(network_call, END)
        except NoSuchNetworkCall:
            return False
        except NothingWasDialled as error:
            raise OutsideUnavailable(f"telephone network: {error.code}") from None
        return True

    @abstractmethod
    def _ask(self, network_call: str, word: str) -> None:
        """Raises NoSuchNetworkCall, NothingWasDialled, OutsideUnavailable."""


class ChimeNetwork(AsksByCommand):
    """Implements `usecases.ports.network.Network`. `wire.chime.invocation` parses the commands."""

    def __init__(
        self, client: "ChimeSDKVoiceClient", application_id: str, dialling: "ChimeSDKVoiceClient | None" = None
    ) -> None:
        """`dialling`: the client for dials, without retries and kept connections (`aws_clients.client_once`)."""
        self._client = client
        self._application_id = application_id
        self._dialling = dialling or client

    def mark(self, unique: str) -> str:
        return unique

    def dial_caller(self, call: Call, mark: str, store: Callable[[str], bool]) -> None:
        try:
            self._dialling.create_sip_media_application_call(
                SipMediaApplicationId=self._application_id,
                FromPhoneNumber=call.caller.display_number.e164,
                ToPhoneNumber=call.caller.number.e164,
                ArgumentsMap={CALL_ID: call.id},
            )
        except ClientError as error:
            raise dial_error(code_of(error), status_of(error)) from None
        except BotoCoreError as error:
            raise _of_dial(error) from None

    def _ask(self, network_call: str, word: str) -> None:
        try:
            self._client.update_sip_media_application_call(
                SipMediaApplicationId=self._application_id, TransactionId=network_call, Arguments=command(word)
            )
        except BotoCoreError as error:
            raise OutsideUnavailable(f"telephone network: {type(error).__name__}") from None
        except ClientError as error:
            raise update_error(code_of(error), status_of(error), network_call) from None


class ChimePromptStopper:
    """Implements `usecases.ports.network.PromptStopper`.

    The service plays a prompt to its end before it executes the answer to the end of a leg; only that to an update
    interrupts it. call_control cannot have the application's id as a setting: the application is created with the
    function's ARN.
    """

    def __init__(self, client: "ChimeSDKVoiceClient") -> None:
        self._client = client

    def stop_prompt(self, application: str, network_call: str) -> None:
        ChimeNetwork(self._client, application).end(network_call)


def dial_error(code: str, status: int) -> DialError:
    """What an error of the service says of a dial. `code`: its name; `status`: of HTTP."""
    if _has_no_room(code, status):
        return NothingWasDialled(code)
    return DialRefused(code) if 400 <= status < 500 and status != 408 else DialUncertain(code)


def update_error(code: str, status: int, network_call: str) -> DuologueError:
    """What an error of the service says of a call in progress.

    Any other error (an outage, a missing permission) leaves open whether the call is up: OutsideUnavailable.
    """
    if code == "NotFoundException":
        return NoSuchNetworkCall(network_call)
    if _has_no_room(code, status):
        return NothingWasDialled(code)
    return OutsideUnavailable(f"telephone network: {code}")


def _of_dial(error: BotoCoreError) -> DialError:
    name = type(error).__name__
    if isinstance(error, _NEVER_LEFT):
        return NothingWasDialled(name)
    return DialRefused(name) if isinstance(error, ParamValidationError) else DialUncertain(name)


def _has_no_room(code: str, status: int) -> bool:
    return status == 429 or code in _NO_ROOM
