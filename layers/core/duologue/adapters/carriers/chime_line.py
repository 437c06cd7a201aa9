"""The telephone line on Amazon Chime SDK: display numbers, one SIP media application, one SIP rule per number.

`ensure` is idempotent: after a crash or a CloudFormation retry it creates nothing twice; above all it never orders a
second number. Numbers are kept when the line is removed (chime_numbers).
"""

import logging
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from botocore.exceptions import ClientError

from duologue.adapters.basics.aws import code_of
from duologue.adapters.carriers.chime_message_log import MessageLog
from duologue.adapters.carriers.chime_numbers import ChimeNumbers, in_the_end

if TYPE_CHECKING:
    from mypy_boto3_chime_sdk_voice import ChimeSDKVoiceClient
    from mypy_boto3_chime_sdk_voice.type_defs import SipMediaApplicationEndpointTypeDef, SipMediaApplicationTypeDef

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class LineWanted:
    name: str
    call_control_arn: str
    numbers: tuple[str, ...]
    area_code: str
    keep_logs_days: int

    @classmethod
    def read(cls, properties: Mapping[str, str]) -> "LineWanted":
        given = properties.get("DisplayNumbers", "")
        numbers = tuple(number for number in given.split(",") if number)
        area_code, keep_logs_days = properties.get("AreaCode", ""), int(properties["KeepLogsDays"])
        return cls(properties["Name"], properties["CallControlArn"], numbers, area_code, keep_logs_days)


@dataclass(frozen=True, slots=True)
class Line:
    application_id: str
    application_arn: str
    numbers: tuple[str, ...]


class ChimeLine:
    def __init__(
        self, client: "ChimeSDKVoiceClient", messages: MessageLog, sleep: Callable[[float], None] = time.sleep
    ) -> None:
        self._client = client
        self._messages = messages
        self._numbers = ChimeNumbers(client, "SipMediaApplicationDialIn", sleep)
        self._sleep = sleep

    def ensure(self, wanted: LineWanted) -> Line:
        """Create or update the line. Raises OutsideUnavailable: the service did not finish in time."""
        application = self._application(wanted)
        application_id = application["SipMediaApplicationId"]
        self._log_messages(application_id, wanted.keep_logs_days)
        ruled = self._ruled_numbers(application_id)
        numbers = wanted.numbers or tuple(ruled) or (self._numbers.take(wanted.name, wanted.area_code),)
        for number in numbers:
            if number not in ruled:
                self._rule(wanted.name, number, application_id, application["AwsRegion"])
        for number in ruled.keys() - set(numbers):
            self._remove_rule(ruled[number])
        return Line(application_id, application["SipMediaApplicationArn"], numbers)

    def remove(self, application_id: str) -> None:
        """Delete the rules and the application of a line, if they exist; the numbers stay."""
        try:
            self._client.get_sip_media_application(SipMediaApplicationId=application_id)
        except ClientError as error:
            if code_of(error) != "NotFoundException":
                raise
            return
        for rule_id in self._ruled_numbers(application_id).values():
            self._remove_rule(rule_id)
        in_the_end(lambda: self._client.delete_sip_media_application(SipMediaApplicationId=application_id), self._sleep)

    def remove_unfinished(self, name: str) -> None:
        """The same for a line that `ensure` did not finish, so that its id was never returned."""
        application = self._find(name)
        if application is not None:
            self.remove(application["SipMediaApplicationId"])

    def _application(self, wanted: LineWanted) -> "SipMediaApplicationTypeDef":
        endpoints: list[SipMediaApplicationEndpointTypeDef] = [{"LambdaArn": wanted.call_control_arn}]
        found = self._find(wanted.name)
        if found is None:
            region = self._client.meta.region_name
            made = self._client.create_sip_media_application(AwsRegion=region, Name=wanted.name, Endpoints=endpoints)
            return made["SipMediaApplication"]
        if found["Endpoints"] != endpoints:
            self._client.update_sip_media_application(
                SipMediaApplicationId=found["SipMediaApplicationId"], Name=wanted.name, Endpoints=endpoints
            )
        return found

    def _log_messages(self, application_id: str, days: int) -> None:
        """Have the messages of calls logged. Without the log nothing explains a dropped call, but calls work."""
        self._messages.keep(application_id, days)
        try:
            self._client.put_sip_media_application_logging_configuration(
                SipMediaApplicationId=application_id,
                SipMediaApplicationLoggingConfiguration={"EnableSipMediaApplicationMessageLogs": True},
            )
        except ClientError as error:
            # Such as an account that has all its resource policies of CloudWatch Logs:
            # https://github.com/cdklabs/cdk-amazon-chime-resources/issues/502
            if code_of(error) != "ForbiddenException":
                raise
            _log.warning("message log not switched on: %s", error)

    def _find(self, name: str) -> "SipMediaApplicationTypeDef | None":
        for page in self._client.get_paginator("list_sip_media_applications").paginate():
            for application in page["SipMediaApplications"]:
                if application["Name"] == name:
                    return application
        return None

    def _ruled_numbers(self, application_id: str) -> dict[str, str]:
        """Number → id of the SIP rule that routes it to this application."""
        ruled: dict[str, str] = {}
        for page in self._client.get_paginator("list_sip_rules").paginate(SipMediaApplicationId=application_id):
            ruled |= {rule["TriggerValue"]: rule["SipRuleId"] for rule in page["SipRules"]}
        return ruled

    def _rule(self, name: str, number: str, application_id: str, region: str) -> None:
        """Create the rule. A number that was just ordered is refused for a while."""
        in_the_end(
            lambda: self._client.create_sip_rule(
                Name=f"{name} {number.removeprefix('+')}",
                TriggerType="ToPhoneNumber",
                TriggerValue=number,
                TargetApplications=[{"SipMediaApplicationId": application_id, "Priority": 1, "AwsRegion": region}],
            ),
            self._sleep,
        )

    def _remove_rule(self, rule_id: str) -> None:
        name = self._client.get_sip_rule(SipRuleId=rule_id)["SipRule"]["Name"]
        in_the_end(lambda: self._client.update_sip_rule(SipRuleId=rule_id, Name=name, Disabled=True), self._sleep)
        in_the_end(lambda: self._client.delete_sip_rule(SipRuleId=rule_id), self._sleep)
