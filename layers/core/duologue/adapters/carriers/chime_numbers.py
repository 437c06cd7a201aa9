"""Telephone numbers of Amazon Chime SDK: found again by their name, or ordered once. And patience with the service.

A number has the name of what ordered it, so that the next deployment of this name reuses it and leaves all other
unassigned numbers of the account alone. Numbers cost money, are published, and cannot be ordered again.
"""

import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Literal

from botocore.exceptions import ClientError

from duologue.adapters.basics.aws import code_of
from duologue.domain.errors import OutsideUnavailable

if TYPE_CHECKING:
    from mypy_boto3_chime_sdk_voice import ChimeSDKVoiceClient

Product = Literal["SipMediaApplicationDialIn", "VoiceConnector"]
PAUSE_S = 10.0
_ORDER_CHECKS = 59
_TRIES = 10
_BUSY = ("BadRequestException", "ConflictException")
"""What the service answers while it is still at an earlier change: it disables a rule after it has answered."""


class ChimeNumbers:
    """`product`: what the numbers can be used for."""

    def __init__(
        self, client: "ChimeSDKVoiceClient", product: Product, sleep: Callable[[float], None] = time.sleep
    ) -> None:
        self._client = client
        self._product = product
        self._sleep = sleep

    def take(self, name: str, area_code: str) -> str:
        """An unassigned number of this name and area code, else a new one.

        Raises OutsideUnavailable: none is to be had there, or the service did not finish in time.
        """
        mark = f"{name} {self._client.meta.region_name}"  # numbers belong to the account, lines to a region
        return self._ordered_before(mark, area_code) or self._order(mark, area_code)

    def _ordered_before(self, mark: str, area_code: str) -> str | None:
        token: dict[str, str] = {}
        while True:
            page = self._client.list_phone_numbers(ProductType=self._product, **token)  # type: ignore[arg-type]
            for number in page["PhoneNumbers"]:
                if number.get("Name") != mark or number["E164PhoneNumber"][2:5] != area_code:
                    continue
                if number["Status"] == "Unassigned":
                    return number["E164PhoneNumber"]
                if number["Status"] == "AcquireInProgress":
                    raise OutsideUnavailable(f"{number['E164PhoneNumber']} is still being acquired; deploy again later")
            if "NextToken" not in page:
                return None
            token = {"NextToken": page["NextToken"]}

    def _order(self, mark: str, area_code: str) -> str:
        found = self._client.search_available_phone_numbers(
            AreaCode=area_code, Country="US", PhoneNumberType="Local", MaxResults=1
        )
        if not found["E164PhoneNumbers"]:
            raise OutsideUnavailable(f"no number is available in area code {area_code}; choose another AreaCode")
        number = found["E164PhoneNumbers"][0]
        order = self._client.create_phone_number_order(ProductType=self._product, E164PhoneNumbers=[number], Name=mark)
        order_id = order["PhoneNumberOrder"]["PhoneNumberOrderId"]
        for _ in range(_ORDER_CHECKS):
            status = self._client.get_phone_number_order(PhoneNumberOrderId=order_id)["PhoneNumberOrder"]["Status"]
            if status == "Successful":
                return number
            if status in ("Failed", "Partial", "Cancelled", "Exception"):
                raise OutsideUnavailable(f"phone number order {order_id}: {status}")
            self._sleep(PAUSE_S)
        raise OutsideUnavailable(f"phone number order {order_id} is not complete; deploy again later")


def in_the_end(change: Callable[[], object], sleep: Callable[[float], None]) -> None:
    """Make a change, and again while the service is busy with an earlier one."""
    for tries_left in reversed(range(_TRIES)):
        try:
            change()
        except ClientError as error:
            if code_of(error) not in _BUSY or not tries_left:
                raise
            sleep(PAUSE_S)
        else:
            return
