"""Control of a call in progress on Amazon Chime SDK PSTN audio."""

from typing import TYPE_CHECKING

from botocore.exceptions import ClientError

from duologue.adapters.aws import code_of, outside
from duologue.domain.errors import OutsideUnavailable

if TYPE_CHECKING:
    from mypy_boto3_chime_sdk_voice import ChimeSDKVoiceClient


class ChimeNetwork:
    """Plays `usecases.ports.Network`. The command's word is read back by `wire.chime.invocation`."""

    def __init__(self, client: "ChimeSDKVoiceClient", application_id: str, end_command: dict[str, str]) -> None:
        self._client = client
        self._application_id = application_id
        self._end_command = end_command

    def end(self, network_call: str) -> bool:
        try:
            with outside("telephone network"):
                self._client.update_sip_media_application_call(
                    SipMediaApplicationId=self._application_id,
                    TransactionId=network_call,
                    Arguments=self._end_command,
                )
        except ClientError as error:
            if code_of(error) == "NotFoundException":
                return False
            # Whatever else it is (a quota, a permission of ours), whether the call is up is not known: ask again.
            raise OutsideUnavailable(f"telephone network: {code_of(error)}") from error
        return True
