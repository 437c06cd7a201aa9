"""The log group of a SIP media application's message log, which has full numbers.

The service would create the group when it is told to write the log, and such a group keeps everything for ever:
https://docs.aws.amazon.com/chime-sdk/latest/dg/debug-sip-app.html
"""

from contextlib import suppress
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from mypy_boto3_logs import CloudWatchLogsClient

PREFIX = "/aws/ChimeSipMediaApplicationSipMessages/"


class MessageLog:
    def __init__(self, client: "CloudWatchLogsClient") -> None:
        self._client = client

    def keep(self, application_id: str, days: int) -> None:
        """Create the application's group, if it does not exist, and have its entries deleted after so many days."""
        group = PREFIX + application_id
        with suppress(self._client.exceptions.ResourceAlreadyExistsException):
            self._client.create_log_group(logGroupName=group)
        self._client.put_retention_policy(logGroupName=group, retentionInDays=days)
