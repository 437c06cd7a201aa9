"""The account's resources: numbers, SIP media applications and SIP rules, which route inbound calls.

Members and errors follow the chime-sdk-voice model and the admin guide's "Managing SIP media applications"; what the
model leaves open is marked in COVERAGE.md.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from pstn.events import application_arn
from pstn.refusals import ServiceRefusal
from pstn.switches import Switches

DIAL_IN = "SipMediaApplicationDialIn"
OFFERED = [f"+1202555{ending:04d}" for ending in range(100, 110)]
"""Numbers that can be ordered: fictional ones, which the number plan gives to no phone."""
MOST_APPLICATIONS = 30


@dataclass
class Account:
    """Times in answers are timezone-aware datetimes."""

    id: str
    region: str
    now: Callable[[], datetime]
    new_id: Callable[[], str]
    switches: Callable[[], Switches]
    numbers: dict[str, dict[str, Any]] = field(default_factory=dict)
    deleted: dict[str, dict[str, Any]] = field(default_factory=dict)
    orders: dict[str, dict[str, Any]] = field(default_factory=dict)
    applications: dict[str, dict[str, Any]] = field(default_factory=dict)
    logging: dict[str, dict[str, Any]] = field(default_factory=dict)
    rules: dict[str, dict[str, Any]] = field(default_factory=dict)
    tags: dict[str, dict[str, str]] = field(default_factory=dict)

    # -- numbers
    def own(self, number: str, product: str = DIAL_IN) -> None:
        stamp = self.now()
        self.numbers[number] = {
            "PhoneNumberId": number,
            "E164PhoneNumber": number,
            "Country": "US",
            "Type": "Local",
            "ProductType": product,
            "Status": "Unassigned",
            "Capabilities": {"InboundCall": True, "OutboundCall": True, "InboundSMS": False, "OutboundSMS": False},
            "Associations": [],
            "CreatedTimestamp": stamp,
            "UpdatedTimestamp": stamp,
        }

    def owns(self, number: str) -> bool:
        return self.numbers.get(number, {}).get("ProductType") == DIAL_IN

    def search_numbers(self, area_code: str | None, country: str | None, kind: str | None, most: int) -> list[str]:
        if kind == "TollFree" or (country or "US") != "US":
            return []
        ordered = {
            each for order in self.orders.values() for each in order["numbers"] if order["Status"] == "Processing"
        }
        free = [each for each in OFFERED if each not in self.numbers and each not in ordered]
        return [each for each in free if not area_code or each[2:5] == area_code][:most]

    def order_numbers(self, product: str, numbers: list[str], name: str | None) -> dict[str, Any]:
        taken = [each for each in numbers if each in self.numbers]
        if taken or not numbers:
            raise ServiceRefusal("BadRequest", f"Phone numbers not available: {', '.join(taken) or 'none given'}")
        stamp = self.now()
        order: dict[str, Any] = {
            "PhoneNumberOrderId": self.new_id(),
            "ProductType": product,
            "Status": "Processing",
            "OrderType": "New",
            "numbers": list(numbers),
            "name": name,
            "CreatedTimestamp": stamp,
            "UpdatedTimestamp": stamp,
        }
        self.orders[order["PhoneNumberOrderId"]] = order
        return self.shown_order(order)

    def order(self, order_id: str) -> dict[str, Any]:
        order = _known(self.orders, order_id)
        due = order["CreatedTimestamp"] + timedelta(seconds=self.switches().order_delay)
        if order["Status"] == "Processing" and self.now() >= due:
            order["Status"], order["UpdatedTimestamp"] = "Successful", self.now()
            for number in order["numbers"]:
                self.own(number, order["ProductType"])
                if order["name"]:
                    self.numbers[number]["Name"] = order["name"]
        return self.shown_order(order)

    def shown_order(self, order: dict[str, Any]) -> dict[str, Any]:
        status = "Acquired" if order["Status"] == "Successful" else order["Status"]
        shown = {key: value for key, value in order.items() if key not in ("numbers", "name")}
        shown["OrderedPhoneNumbers"] = [{"E164PhoneNumber": each, "Status": status} for each in order["numbers"]]
        return shown

    def number(self, number_id: str) -> dict[str, Any]:
        return _known(self.numbers, _e164(number_id))

    def update_number(self, number_id: str, changes: dict[str, Any]) -> dict[str, Any]:
        number = self.number(number_id)
        number.update(changes, UpdatedTimestamp=self.now())
        return number

    def delete_number(self, number_id: str) -> None:
        """Move it to the deletion queue. Refused while a rule still refers to the number (admin guide)."""
        number = self.number(number_id)
        if any(rule["TriggerValue"] == number["E164PhoneNumber"] for rule in self.rules.values()):
            raise ServiceRefusal("Conflict", "The phone number is used by a SIP rule")
        self.deleted[number["E164PhoneNumber"]] = self.numbers.pop(number["E164PhoneNumber"])

    def restore_number(self, number_id: str) -> dict[str, Any]:
        number = _e164(number_id)
        self.numbers[number] = _known(self.deleted, number)
        del self.deleted[number]
        return self.numbers[number]

    # -- applications
    def create_application(
        self,
        name: str,
        endpoints: list[dict[str, Any]],
        region: str,
        tags: list[dict[str, str]],
        key: str | None = None,
    ) -> dict[str, Any]:
        """`key`: its id; None: a new one."""
        if region != self.region:
            raise ServiceRefusal("BadRequest", f"AwsRegion {region} is not the region of this endpoint")
        if any(each["Name"] == name for each in self.applications.values()):
            raise ServiceRefusal("Conflict", f"A SIP media application named {name} exists")
        if len(self.applications) >= MOST_APPLICATIONS:
            raise ServiceRefusal("ResourceLimitExceeded", "Too many SIP media applications")
        key, stamp = key or self.new_id(), self.now()
        application: dict[str, Any] = {
            "SipMediaApplicationId": key,
            "AwsRegion": region,
            "Name": name,
            "Endpoints": endpoints,
            "CreatedTimestamp": stamp,
            "UpdatedTimestamp": stamp,
            "SipMediaApplicationArn": application_arn(self.region, self.id, key),
        }
        self.applications[key] = application
        self.tag(application["SipMediaApplicationArn"], tags)
        return application

    def application(self, key: str) -> dict[str, Any]:
        return _known(self.applications, key)

    def update_application(self, key: str, changes: dict[str, Any]) -> dict[str, Any]:
        application = self.application(key)
        application.update(changes, UpdatedTimestamp=self.now())
        return application

    def delete_application(self, key: str) -> None:
        application = self.application(key)
        if any(target["SipMediaApplicationId"] == key for rule in self.rules.values() for target in _targets(rule)):
            raise ServiceRefusal("Conflict", "A SIP rule points at the SIP media application")
        del self.applications[key]
        self.tags.pop(application["SipMediaApplicationArn"], None)

    def lambda_arn(self, key: str) -> str:
        return str(self.application(key)["Endpoints"][0]["LambdaArn"])

    # -- rules
    def create_rule(self, wanted: dict[str, Any]) -> dict[str, Any]:
        if wanted["TriggerType"] == "ToPhoneNumber" and not self.owns(wanted["TriggerValue"]):
            raise ServiceRefusal("BadRequest", f"Phone number {wanted['TriggerValue']} is not available")
        for rule in self.rules.values():
            if rule["Name"] == wanted["Name"] or rule["TriggerValue"] == wanted["TriggerValue"]:
                raise ServiceRefusal("Conflict", "A SIP rule with this name or trigger exists")
        self._check_targets(_targets(wanted))
        stamp = self.now()
        rule = {
            "SipRuleId": self.new_id(),
            "Disabled": False,
            **wanted,
            "CreatedTimestamp": stamp,
            "UpdatedTimestamp": stamp,
        }
        self.rules[rule["SipRuleId"]] = rule
        self._assign(rule, [{"Name": "SipRuleId", "Value": rule["SipRuleId"], "AssociatedTimestamp": stamp}])
        return rule

    def rule(self, key: str) -> dict[str, Any]:
        return _known(self.rules, key)

    def update_rule(self, key: str, changes: dict[str, Any]) -> dict[str, Any]:
        rule = self.rule(key)
        self._check_targets(_targets(changes))
        rule.update(changes, UpdatedTimestamp=self.now())
        return rule

    def delete_rule(self, key: str) -> None:
        if not self.rule(key)["Disabled"]:
            raise ServiceRefusal("Conflict", "A SIP rule must be disabled before it is deleted")
        self._assign(self.rules.pop(key), [])

    def _assign(self, rule: dict[str, Any], associations: list[dict[str, Any]]) -> None:
        number = self.numbers.get(rule["TriggerValue"])
        if number is not None:
            number.update(Associations=associations, Status="Assigned" if associations else "Unassigned")

    def route(self, number: str) -> tuple[str, str] | None:
        """Rule and application for a call to this number: the enabled rule's target with the highest priority."""
        for rule in self.rules.values():
            if rule["TriggerType"] == "ToPhoneNumber" and rule["TriggerValue"] == number and not rule["Disabled"]:
                for target in sorted(_targets(rule), key=lambda each: int(each.get("Priority", 1))):
                    if target["SipMediaApplicationId"] in self.applications:
                        return rule["SipRuleId"], target["SipMediaApplicationId"]
        return None

    def _check_targets(self, targets: list[dict[str, Any]]) -> None:
        regions = [each.get("AwsRegion", self.region) for each in targets]
        if len(set(regions)) != len(regions):
            raise ServiceRefusal("BadRequest", "Only one SIP media application per AWS Region is allowed")
        for each in targets:
            if each.get("SipMediaApplicationId") not in self.applications:
                raise ServiceRefusal("BadRequest", "The SIP media application of a target does not exist")

    # -- tags
    def tag(self, arn: str, tags: list[dict[str, str]]) -> None:
        known = {each["SipMediaApplicationArn"] for each in self.applications.values()}
        if arn not in known:
            raise ServiceRefusal("NotFound", "The resource does not exist")
        self.tags.setdefault(arn, {}).update({each["Key"]: each["Value"] for each in tags})


def _targets(rule: dict[str, Any]) -> list[dict[str, Any]]:
    return list(rule.get("TargetApplications") or [])


def _known(table: dict[str, dict[str, Any]], key: str) -> dict[str, Any]:
    """Raises: ServiceRefusal (404)."""
    if key not in table:
        raise ServiceRefusal("NotFound", "The resource does not exist")
    return table[key]


def _e164(number_id: str) -> str:
    """A number's id is the number itself, with or without the plus sign."""
    return number_id if number_id.startswith("+") else f"+{number_id}"
