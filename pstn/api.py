"""The chime-sdk-voice operations that an application and its provisioning use, one function each.

An operation takes the parameters as the model names them and returns the members of the answer, or raises
`ServiceRefusal`. Operations of the model that are not here are answered with 501.
"""

import re
from collections.abc import Callable
from typing import Any

from pstn.actions.bridge import sip_header_allowed
from pstn.exchange import Exchange
from pstn.refusals import ServiceRefusal

_INDEX = re.compile("[0-9]{1,9}")

Parameters = dict[str, Any]
Operation = Callable[[Exchange, Parameters], Parameters | None]
OPERATIONS: dict[str, Operation] = {}


def operation(function: Operation) -> Operation:
    """Register under the service's own name: create_sip_rule → CreateSipRule."""
    OPERATIONS["".join(part.capitalize() for part in function.__name__.split("_"))] = function
    return function


def page(items: list[Parameters], parameters: Parameters, name: str) -> Parameters:
    """One page of a list. The token is the index where the next page starts."""
    token, most = str(parameters.get("NextToken", "0")), parameters.get("MaxResults", 100)
    if not _INDEX.fullmatch(token):
        raise ServiceRefusal("BadRequest", "NextToken is invalid")
    start = int(token)
    end = start + most
    answer: Parameters = {name: items[start:end]}
    if end < len(items):
        answer["NextToken"] = str(end)
    return answer


# -- calls


@operation
def create_sip_media_application_call(exchange: Exchange, given: Parameters) -> Parameters:
    headers = given.get("SipHeaders")
    bad = [name for name, value in (headers or {}).items() if not sip_header_allowed(name, value)]
    if bad:
        raise ServiceRefusal("BadRequest", f"Invalid SIP header(s) provided: {', '.join(bad)}")
    transaction = exchange.create_call(
        given["SipMediaApplicationId"],
        from_number=_plus(given["FromPhoneNumber"]),
        to_number=_plus(given["ToPhoneNumber"]),
        arguments=given.get("ArgumentsMap"),
        sip_headers=headers,
    )
    return {"SipMediaApplicationCall": {"TransactionId": transaction}}


@operation
def update_sip_media_application_call(exchange: Exchange, given: Parameters) -> Parameters:
    exchange.update_call(given["SipMediaApplicationId"], given["TransactionId"], given["Arguments"])
    return {"SipMediaApplicationCall": {"TransactionId": given["TransactionId"]}}


def _plus(number: str) -> str:
    """Adds the plus sign, which the model makes optional."""
    return number if number.startswith("+") else f"+{number}"


# -- applications


@operation
def create_sip_media_application(exchange: Exchange, given: Parameters) -> Parameters:
    application = exchange.account.create_application(
        given["Name"], given["Endpoints"], given["AwsRegion"], given.get("Tags", [])
    )
    return {"SipMediaApplication": application}


@operation
def get_sip_media_application(exchange: Exchange, given: Parameters) -> Parameters:
    return {"SipMediaApplication": exchange.account.application(given["SipMediaApplicationId"])}


@operation
def update_sip_media_application(exchange: Exchange, given: Parameters) -> Parameters:
    changes: Parameters = {key: given[key] for key in ("Name", "Endpoints") if key in given}
    return {"SipMediaApplication": exchange.account.update_application(given["SipMediaApplicationId"], changes)}


@operation
def delete_sip_media_application(exchange: Exchange, given: Parameters) -> None:
    exchange.account.delete_application(given["SipMediaApplicationId"])


@operation
def list_sip_media_applications(exchange: Exchange, given: Parameters) -> Parameters:
    return page(list(exchange.account.applications.values()), given, "SipMediaApplications")


LOGGING = "SipMediaApplicationLoggingConfiguration"


@operation
def put_sip_media_application_logging_configuration(exchange: Exchange, given: Parameters) -> Parameters:
    key = exchange.account.application(given["SipMediaApplicationId"])["SipMediaApplicationId"]
    exchange.account.logging[key] = given.get(LOGGING, {})
    return {LOGGING: exchange.account.logging[key]}


@operation
def get_sip_media_application_logging_configuration(exchange: Exchange, given: Parameters) -> Parameters:
    key = exchange.account.application(given["SipMediaApplicationId"])["SipMediaApplicationId"]
    return {LOGGING: exchange.account.logging.get(key, {"EnableSipMediaApplicationMessageLogs": False})}


# -- rules


@operation
def create_sip_rule(exchange: Exchange, given: Parameters) -> Parameters:
    return {"SipRule": exchange.account.create_rule(dict(given))}


@operation
def get_sip_rule(exchange: Exchange, given: Parameters) -> Parameters:
    return {"SipRule": exchange.account.rule(given["SipRuleId"])}


@operation
def update_sip_rule(exchange: Exchange, given: Parameters) -> Parameters:
    changes = {key: value for key, value in given.items() if key in ("Name", "Disabled", "TargetApplications")}
    return {"SipRule": exchange.account.update_rule(given["SipRuleId"], changes)}


@operation
def delete_sip_rule(exchange: Exchange, given: Parameters) -> None:
    exchange.account.delete_rule(given["SipRuleId"])


@operation
def list_sip_rules(exchange: Exchange, given: Parameters) -> Parameters:
    wanted = given.get("SipMediaApplicationId")
    rules = [
        rule
        for rule in exchange.account.rules.values()
        if wanted is None
        or any(each["SipMediaApplicationId"] == wanted for each in rule.get("TargetApplications") or [])
    ]
    return page(rules, given, "SipRules")


# -- numbers


@operation
def search_available_phone_numbers(exchange: Exchange, given: Parameters) -> Parameters:
    free = exchange.account.search_numbers(
        given.get("AreaCode"), given.get("Country"), given.get("PhoneNumberType"), given.get("MaxResults", 10)
    )
    return {"E164PhoneNumbers": free}


@operation
def create_phone_number_order(exchange: Exchange, given: Parameters) -> Parameters:
    order = exchange.account.order_numbers(given["ProductType"], given["E164PhoneNumbers"], given.get("Name"))
    return {"PhoneNumberOrder": order}


@operation
def get_phone_number_order(exchange: Exchange, given: Parameters) -> Parameters:
    return {"PhoneNumberOrder": exchange.account.order(given["PhoneNumberOrderId"])}


@operation
def list_phone_number_orders(exchange: Exchange, given: Parameters) -> Parameters:
    orders = [exchange.account.order(key) for key in exchange.account.orders]
    return page(orders, given, "PhoneNumberOrders")


@operation
def get_phone_number(exchange: Exchange, given: Parameters) -> Parameters:
    return {"PhoneNumber": exchange.account.number(given["PhoneNumberId"])}


@operation
def list_phone_numbers(exchange: Exchange, given: Parameters) -> Parameters:
    wanted = {key: given[key] for key in ("Status", "ProductType") if key in given}
    numbers = [
        number
        for number in exchange.account.numbers.values()
        if all(number[key] == value for key, value in wanted.items())
    ]
    return page(numbers, given, "PhoneNumbers")


@operation
def update_phone_number(exchange: Exchange, given: Parameters) -> Parameters:
    changes: Parameters = {key: given[key] for key in ("ProductType", "CallingName", "Name") if key in given}
    return {"PhoneNumber": exchange.account.update_number(given["PhoneNumberId"], changes)}


@operation
def delete_phone_number(exchange: Exchange, given: Parameters) -> None:
    exchange.account.delete_number(given["PhoneNumberId"])


@operation
def restore_phone_number(exchange: Exchange, given: Parameters) -> Parameters:
    return {"PhoneNumber": exchange.account.restore_number(given["PhoneNumberId"])}


# -- tags


@operation
def tag_resource(exchange: Exchange, given: Parameters) -> None:
    exchange.account.tag(given["ResourceARN"], given["Tags"])


@operation
def untag_resource(exchange: Exchange, given: Parameters) -> None:
    exchange.account.tag(given["ResourceARN"], [])
    for key in given["TagKeys"]:
        exchange.account.tags[given["ResourceARN"]].pop(key, None)


@operation
def list_tags_for_resource(exchange: Exchange, given: Parameters) -> Parameters:
    exchange.account.tag(given["ResourceARN"], [])
    tags = exchange.account.tags[given["ResourceARN"]]
    return {"Tags": [{"Key": key, "Value": value} for key, value in tags.items()]}
