"""Archived CDRs: each is a line of JSON with the CDR of a `fee` notification, our addition to the format.

The link to a recording is left out: whoever has it needs no credentials, and it ends long before the archive does. What
asks for the recording by name stays.
"""

import json
import re
from collections.abc import Mapping
from datetime import date
from typing import Any

from duologue.domain.accounting.cdr import Cdr
from duologue.domain.accounting.cdr_archive import ArchivedCdr, CdrPage
from duologue.domain.errors import InvalidField
from duologue.domain.numbers.phone_number import PhoneNumber
from duologue.wire.huawei.histories import present
from duologue.wire.huawei.notifications import record_of
from duologue.wire.huawei.query import read_day
from duologue.wire.huawei.results import Answer, success

ERASED = "erased"
"""In place of a number."""
_PARTIES = {0: ("calleeNum", "fwdDstNum"), 1: ("callerNum", "fwdDstNum")}
"""The fields with the parties' numbers, by `direction`; the others have display numbers."""
_SEPARATORS = "[ .()/-]{0,3}"
_CURSOR = re.compile(r"[0-9]{8}T[0-9]{9}-[0-9a-f]{8}", re.ASCII)


class HuaweiCdrs:
    """Implements `usecases.ports.cdr_archive.CdrFormat`."""

    def __init__(self, host: str) -> None:
        """`host`: the part of a session id after `@`."""
        self._host = host

    def line(self, cdr: Cdr) -> str:
        return _written(record_of(cdr, self._host, None))

    def read(self, line: str) -> ArchivedCdr:
        record = json.loads(line)
        return ArchivedCdr(line, record["sessionId"], record["spId"], record["callEndTime"])

    def without(self, line: str, number: PhoneNumber) -> str | None:
        """`userData` is the SP's own text: the number is found there in international form, also with separators."""
        record = json.loads(line)
        changed = {name: ERASED for name in _PARTIES[record["direction"]] if record.get(name) == number.e164}
        said = record.get("userData", "")
        if (rest := _as_people_write(number).sub(ERASED, said)) != said:
            changed["userData"] = rest
        return _written(record | changed) if changed else None


def _as_people_write(number: PhoneNumber) -> re.Pattern[str]:
    digits = number.e164.removeprefix("+")
    return re.compile(rf"(?<![0-9])\+?{_SEPARATORS.join(digits)}(?![0-9])", re.ASCII)


def read_cdrs_query(query: Mapping[str, str]) -> tuple[date, str]:
    """Day and cursor; "": from the beginning. Raises InvalidField."""
    day, cursor = read_day(query, "day"), query.get("cursor") or ""
    if cursor and not _CURSOR.fullmatch(cursor):
        raise InvalidField("cursor", "must be the `cursor` of an earlier answer")
    return day, cursor


def cdrs_found(page: CdrPage) -> Answer:
    """No session twice."""
    records = {record["sessionId"]: record for record in map(json.loads, page.lines)}
    return success(cdrs=list(records.values()), **present(cursor=page.after))


def _written(record: Mapping[str, Any]) -> str:
    return json.dumps(record, ensure_ascii=False, separators=(",", ":"))
