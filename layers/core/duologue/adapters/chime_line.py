"""The telephone line on Amazon Chime SDK: display numbers, one SIP media application, one SIP rule per number.

`ensure` is idempotent: after a crash or a CloudFormation retry it creates nothing twice; above all it never orders a
second number. Numbers are kept when the line is removed: they cost money, are published, and cannot be ordered again.
A number has the name of the line that ordered it, so that the next line of this name reuses it and leaves all other
unassigned numbers of the account alone.
"""

import logging
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from botocore.exceptions import ClientError

from duologue.adapters.aws import code_of
from duologue.adapters.chime_message_log import MessageLog
from duologue.domain.errors import OutsideUnavailable

if TYPE_CHECKING:
    from mypy_boto3_chime_sdk_voice import ChimeSDKVoiceClient
    from mypy_boto3_chime_sdk_voice.type_defs import SipMediaApplicationEndpointTypeDef, SipMediaApplicationTypeDef

_DIAL_IN: Literal["SipMediaApplicationDialIn"] = "SipMediaApplicationDialIn"
_ORDER_CHECKS = 59
_TRIES = 10
_PAUSE_S = 10.0
_BUSY = ("BadRequestException", "ConflictException")
"""What the service answers while it is still at an earlier change: it disables a rule after it has answered."""
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
        self._sleep = sleep

    def ensure(self, wanted: LineWanted) -> Line:
        """Create or update the line. Raises OutsideUnavailable: the service did not finish in time."""
        application = self._application(wanted)
        application_id = application["SipMediaApplicationId"]
        self._log_messages(application_id, wanted.keep_logs_days)
        ruled = self._ruled_numbers(application_id)
        numbers = wanted.numbers or tuple(ruled) or (self._ordered_before(wanted) or self._order(wanted),)
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
        self._in_the_end(lambda: self._client.delete_sip_media_application(SipMediaApplicationId=application_id))

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

    def _mark(self, wanted: LineWanted) -> str:
        """The name given to numbers that this line orders. Numbers belong to the account, lines to a region."""
        return f"{wanted.name} {self._client.meta.region_name}"

    def _ordered_before(self, wanted: LineWanted) -> str | None:
        """An unassigned number that a line of this name ordered, left by an earlier deployment; None: none."""
        token: dict[str, str] = {}
        while True:
            page = self._client.list_phone_numbers(ProductType=_DIAL_IN, **token)  # type: ignore[arg-type]
            for number in page["PhoneNumbers"]:
                if number.get("Name") != self._mark(wanted) or number["E164PhoneNumber"][2:5] != wanted.area_code:
                    continue
                if number["Status"] == "Unassigned":
                    return number["E164PhoneNumber"]
                if number["Status"] == "AcquireInProgress":
                    raise OutsideUnavailable(f"{number['E164PhoneNumber']} is still being acquired; deploy again later")
            if "NextToken" not in page:
                return None
            token = {"NextToken": page["NextToken"]}

    def _order(self, wanted: LineWanted) -> str:
        found = self._client.search_available_phone_numbers(
            AreaCode=wanted.area_code, Country="US", PhoneNumberType="Local", MaxResults=1
        )
        if not found["E164PhoneNumbers"]:
            raise OutsideUnavailable(f"no number is available in area code {wanted.area_code}; choose another AreaCode")
        number = found["E164PhoneNumbers"][0]
        order = self._client.create_phone_number_order(
            ProductType=_DIAL_IN, E164PhoneNumbers=[number], Name=self._mark(wanted)
        )
        order_id = order["PhoneNumberOrder"]["PhoneNumberOrderId"]
        for _ in range(_ORDER_CHECKS):
            status = self._client.get_phone_number_order(PhoneNumberOrderId=order_id)["PhoneNumberOrder"]["Status"]
            if status == "Successful":
                return number
            if status in ("Failed", "Partial", "Cancelled", "Exception"):
                raise OutsideUnavailable(f"phone number order {order_id}: {status}")
            self._sleep(_PAUSE_S)
        raise OutsideUnavailable(f"phone number order {order_id} is not complete; deploy again later")

    def _rule(self, name: str, number: str, application_id: str, region: str) -> None:
        """Create the rule. A number that was just ordered is refused for a while."""
        self._in_the_end(
            lambda: self._client.create_sip_rule(
                Name=f"{name} {number.removeprefix('+')}",
                TriggerType="ToPhoneNumber",
                TriggerValue=number,
                TargetApplications=[{"SipMediaApplicationId": application_id, "Priority": 1, "AwsRegion": region}],
            )
        )

    def _remove_rule(self, rule_id: str) -> None:
        name = self._client.get_sip_rule(SipRuleId=rule_id)["SipRule"]["Name"]
        self._in_the_end(lambda: self._client.update_sip_rule(SipRuleId=rule_id, Name=name, Disabled=True))
        self._in_the_end(lambda: self._client.delete_sip_rule(SipRuleId=rule_id))

    def _in_the_end(self, change: Callable[[], object]) -> None:
        """Make a change, and again while the service is busy with an earlier one."""
        for tries_left in reversed(range(_TRIES)):
            try:
                change()
            except ClientError as error:
                if code_of(error) not in _BUSY or not tries_left:
                    raise
                self._sleep(_PAUSE_S)
            else:
                return
