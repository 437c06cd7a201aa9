"""How the console writes times, numbers and payloads: local times, and no whole telephone number."""

import json
import re
from collections.abc import Collection
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta, tzinfo
from urllib.parse import urlsplit, urlunsplit

from duologue.call_control.facts import (
    CallAccepted,
    CallEnded,
    CdrWritten,
    Fact,
    InboundCallRecorded,
    LegAnsweredRecorded,
    LegDialledRecorded,
    LegRingingRecorded,
)
from duologue.call_control.history import Attempt
from duologue.domain.numbers.phone_number import PhoneNumber

_E164 = re.compile(r"\+[1-9][0-9]{6,14}")
_LAST = 4


def masked(number: PhoneNumber | str) -> str:
    """The last four digits, which is what people search for; a word, such as `anonymous`, as it is."""
    text = number.e164 if isinstance(number, PhoneNumber) else number
    return f"••• {text[-_LAST:]}" if text.startswith("+") else text


@dataclass(frozen=True, slots=True)
class Writer:
    """`zone`: None: this machine's. `numbers`: the parties' whole numbers, which are hidden wherever they stand."""

    zone: tzinfo | None = None
    numbers: Collection[str] = ()

    def of(self, *numbers: PhoneNumber) -> "Writer":
        """For the payloads of a call of these parties."""
        return Writer(self.zone, tuple(each.e164 for each in numbers if each.e164.startswith("+")))

    def local(self, at: datetime) -> datetime:
        return at.astimezone(self.zone)

    def second(self, at: datetime) -> str:
        return f"{self.local(at):%H:%M:%S}"

    def minute(self, at: datetime) -> str:
        return f"{self.local(at):%d %b %H:%M}"

    def day(self, at: datetime, now: datetime) -> str:
        """Empty for today."""
        return "" if self.local(at).date() == self.local(now).date() else f"{self.local(at):%d %b}"

    def text(self, text: str) -> str:
        """With every telephone number masked."""
        for number in self.numbers:
            text = text.replace(number, masked(number)).replace(number.removeprefix("+"), masked(number))
        return _E164.sub(lambda found: masked(found.group()), text)

    def payload(self, text: str) -> str:
        """JSON with a line for each value; anything else as it is."""
        with suppress(ValueError):
            text = json.dumps(json.loads(text), indent=1, ensure_ascii=False)
        return self.text(text)

    def url(self, text: str) -> str:
        """Without a password."""
        parts = urlsplit(text)
        return self.text(urlunsplit(parts._replace(netloc=parts.netloc.rpartition("@")[2])))

    def attempt(self, attempt: Attempt) -> str:
        took = f"took {attempt.took / timedelta(milliseconds=1):.0f} ms"
        lines = [f"POST {self.url(attempt.url)}", f"{took}; {attempt.note}" if attempt.note else took]
        if attempt.reply:
            lines.append(f"reply: {attempt.reply}")
        return self.text("\n".join(lines))

    def fact(self, fact: Fact) -> str:
        match fact:
            case CallAccepted():
                return "the call was accepted"
            case InboundCallRecorded():
                return "somebody called a display number"
            case LegDialledRecorded():
                return f"the {fact.party} is dialled"
            case LegRingingRecorded():
                return f"the {fact.party}'s phone rings"
            case LegAnsweredRecorded():
                return f"the {fact.party} answered"
            case CallEnded():
                return "the call ended"
            case CdrWritten():
                return "the CDR was written"
