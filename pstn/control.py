"""Control API beside the service's own: phones, calls, the feed, the switches (`/_lab/…`, JSON, no signature).

| Request | What |
| --- | --- |
| GET /_lab/phones[/{number}] | behaviour and log |
| PUT /_lab/phones/{number} | a new behaviour, {"kind": "answers", "talks": 5, …}, and a new log |
| DELETE /_lab/phones/{number} | back to the number plan |
| POST /_lab/phones/{number}/call {"to": …} | dial by hand; `from`: any text as caller ID instead of the number |
| POST /_lab/phones/{number}/hang-up · /press {"digits": …} | do what a person does by hand |
| GET /_lab/calls | every call: transaction, legs, over or not |
| GET /_lab/feed?since=n | network events, from the n-th on |
| GET, PUT /_lab/switches | the switches for future calls; PUT changes those that it names |
"""

import json
import re
from dataclasses import asdict, fields, replace
from datetime import datetime
from typing import Any
from urllib.parse import unquote

from pstn.exchange import Exchange
from pstn.feed import EventLog
from pstn.given_values import check
from pstn.lines.behaviours import Behaviour
from pstn.lines.phone_state import Phone, PhoneCall
from pstn.refusals import ServiceRefusal
from pstn.switches import Switches

PREFIX = "/_lab/"
_COUNT = re.compile("[0-9]{1,9}")
_CALLER_ID = re.compile("[ -~]{0,64}")


class Control:
    def __init__(self, exchange: Exchange, network_events: EventLog) -> None:
        self.exchange = exchange
        self.network_events = network_events

    def handle(self, method: str, path: str, query: dict[str, list[str]], body: bytes) -> Any:
        """Returns the JSON to answer with. Raises: ServiceRefusal."""
        try:
            given = json.loads(body) if body.strip() else {}
        except (ValueError, RecursionError) as error:  # RecursionError: thousands of nested brackets
            raise ServiceRefusal("BadRequest", "The request body is not valid JSON") from error
        if not isinstance(given, dict):
            raise ServiceRefusal("BadRequest", "The request body is not a JSON object")
        with self.exchange.lock:
            match method, unquote(path).removeprefix(PREFIX).strip("/").split("/"):
                case "GET", ["phones"]:
                    return {number: show_phone(phone) for number, phone in self.exchange.phones.items()}
                case _, ["phones", number, *rest]:
                    return self._phone(method, number, rest, given)
                case "GET", ["calls"]:
                    return [self._call(key) for key in self.exchange.calls]
                case "GET", ["feed"]:
                    since = _COUNT.fullmatch(query.get("since", ["0"])[0])
                    if since is None:
                        raise ServiceRefusal("BadRequest", "since must be a whole number: how many events to skip")
                    return [event.as_json() for event in self.network_events.since(int(since[0]))]
                case "GET", ["switches"]:
                    return show_switches(self.exchange.switches)
                case "PUT", ["switches"]:
                    self.exchange.switches = change_switches(self.exchange.switches, given)
                    return show_switches(self.exchange.switches)
        raise ServiceRefusal("NotFound", f"No such resource: {method} {path}")

    def _phone(self, method: str, number: str, rest: list[str], given: dict[str, Any]) -> Any:
        number = number if number.startswith("+") else f"+{number}"
        phones, line = self.exchange.phones, self.exchange.line
        match method, rest:
            case "GET", []:
                return show_phone(phones[number])
            case "PUT", []:
                behaviour = read_behaviour(given)
                if phones[number].current:
                    phones[number].behaviour = behaviour
                else:
                    phones[number] = Phone(behaviour)
                return show_phone(phones[number])
            case "DELETE", []:
                phones.pop(number, None)
                return {}
            case "POST", ["call"]:
                return {"transaction": self._dial(number, given)}
            case "POST", ["hang-up"]:
                return {"done": line.hang_up_by_hand(number)}
            case "POST", ["press"]:
                return {"done": line.press(number, str(given.get("digits", "")))}
        raise ServiceRefusal("NotFound", f"No such operation on a phone: {method} {'/'.join(rest)}")

    def _dial(self, number: str, given: dict[str, Any]) -> str | None:
        """The transaction of a call to the account; None: a telephone is called."""
        to, caller_id = given.get("to"), given.get("from", number)
        if not isinstance(to, str):
            raise ServiceRefusal("BadRequest", "to is the number that the phone calls")
        if not isinstance(caller_id, str) or not _CALLER_ID.fullmatch(caller_id):
            raise ServiceRefusal("BadRequest", "from is a text of at most 64 printable ASCII characters")
        transaction = self.exchange.call_in(number, to, caller_id=caller_id)
        code = None if transaction else self.exchange.line.call_phone(number, to, caller_id)
        if code is not None:
            raise ServiceRefusal("NotFound", f"No SIP rule matches a call to {to}, nor a telephone: SIP {code}")
        return transaction

    def _call(self, key: str) -> dict[str, Any]:
        call = self.exchange.calls[key].call
        legs = [
            {"tag": leg.tag.value, "state": leg.state.value, "shown": leg.caller_id, "to": leg.to} for leg in call.legs
        ]
        return {"transaction": key, "over": call.over, "legs": legs}


def show_phone(phone: Phone) -> dict[str, Any]:
    log = [{"at": at, "what": what, "with": detail} for at, what, detail in phone.log]
    calls = [show_phone_call(call) for call in phone.calls]
    whole = {"number": phone.number, "behaviour": asdict(phone.behaviour), "log": log, "calls": calls}
    return {key: _plain(value) for key, value in whole.items()}


def show_phone_call(call: PhoneCall) -> dict[str, Any]:
    shown = {
        each.name: getattr(call, each.name)
        for each in fields(call)
        if each.name not in ("phone", "timers", "plays", "leaving")
    }
    return {key: value for key, value in shown.items() if value is not None}


def _plain(value: Any) -> Any:
    if isinstance(value, datetime):
        return value.isoformat(timespec="milliseconds")
    if isinstance(value, dict):
        return {key: _plain(each) for key, each in value.items()}
    return [_plain(each) for each in value] if isinstance(value, (list, tuple)) else value


TEXTS = {"kind", "presses", "press_when"}
CHOICES = {
    "kind": ("answers", "busy", "never_answers", "rejects", "invalid"),
    "press_when": ("answer", "prompt", "join"),
}


def read_behaviour(given: dict[str, Any]) -> Behaviour:
    """Raises: ServiceRefusal."""
    known = {each.name for each in fields(Behaviour)}
    for name, value in given.items():
        wrong = value not in CHOICES[name] if name in CHOICES else isinstance(value, str) is not (name in TEXTS)
        if name in CHOICES and wrong:
            raise ServiceRefusal("BadRequest", f"{name} is one of {', '.join(CHOICES[name])}")
        if name not in known or wrong or (isinstance(value, int | float) and value < 0):
            raise ServiceRefusal("BadRequest", f"{name} is wrong; a behaviour has {', '.join(sorted(known))}")
    return Behaviour(**given)


SETS = {"lost_events", "refused_creates"}
"""Switches that are lists in JSON."""


def show_switches(switches: Switches) -> dict[str, Any]:
    sets = {name: sorted(getattr(switches, name)) for name in SETS}
    return {**asdict(switches), **sets}


def change_switches(switches: Switches, given: dict[str, Any]) -> Switches:
    """Raises: ServiceRefusal."""
    changes = dict(given)
    try:
        check(Switches, changes, "switch of the network")
        if "quotas" in changes:
            changes["quotas"] = replace(switches.quotas, **changes["quotas"])
        for name in SETS & changes.keys():
            changes[name] = frozenset(changes[name])
        return replace(switches, **changes)
    except ValueError as error:
        raise ServiceRefusal("BadRequest", str(error)) from error
