"""Tandem, a carrier that is told its actions: the module that the product would have for it in `runtime/carriers`.

Tandem sends events as webhooks, repeated and in any order, each with its own id. It takes orders: lists of steps with
an id, done in turn. An order replaces the one before it; a second order with the same id is ignored. A mark on a
session comes back as an event. The service itself: tests/e2e/carrier/tandem.py.
"""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from http.client import HTTPException
from typing import Any
from urllib.error import HTTPError, URLError
from urllib.request import ProxyHandler, Request, build_opener

from duologue.call_control.actions import Action, DialAndBridge, HangUp, PlayPrompt, StartRecording
from duologue.call_control.events import (
    ActionRefused,
    CallEvent,
    DialAccepted,
    DialCalleeAsked,
    EndAsked,
    Informational,
    LastMinuteAsked,
    LegAnswered,
    LegEnded,
    LegRinging,
    PromptPlayed,
)
from duologue.call_control.prompt_keys import key_of
from duologue.domain.calls.call import Call
from duologue.domain.calls.outcome import Party
from duologue.domain.errors import (
    DialRefused,
    DialUncertain,
    NoSuchNetworkCall,
    NothingWasDialled,
    OutsideUnavailable,
)
from duologue.usecases.ports.network import Invocation, Network, NetworkFormat, PromptStopper

ADDRESS = "http://127.0.0.1:0"  # the test replaces it before the layer is built
_SECONDS = 3.0
_PARTIES = {"first": Party.CALLER, "second": Party.CALLEE}
_SIDES = {party: side for side, party in _PARTIES.items()}
_DIAL, _MINUTE, _END = "connect them", "one minute left", "end it"


def network() -> Network:
    return TandemNetwork()


def network_of_api() -> Network:
    return network()


def network_format() -> NetworkFormat:
    return TandemFormat()


def node_table() -> None:
    return None


def prompt_stopper() -> PromptStopper:
    return NothingToStop()


def bare_format() -> NetworkFormat:
    return TandemFormat()


@dataclass(frozen=True, slots=True)
class Webhook:
    """One event. Each has the reference that its session was created with."""

    network_call: str
    event_key: str
    call_id: str | None
    event: CallEvent
    introduces: bool = False
    application: str = ""
    called_in_at: datetime | None = None


class TandemFormat:
    sends_again = True

    def read(self, payload: Mapping[str, Any], now: datetime) -> Webhook:
        session = str(payload.get("session", ""))
        at = datetime.fromisoformat(payload["at"]) if "at" in payload else now
        event = _event(payload, at, session)
        return Webhook(session, str(payload.get("id", "")), payload.get("reference"), event)

    def write(self, actions: Sequence[Action], introduces: str | None) -> str:
        return json.dumps([_step(action) for action in actions])

    def carry_out(self, said: Invocation, answer: str) -> None:
        steps = json.loads(answer)
        if not steps:
            return
        status, _ = _post(f"/sessions/{said.network_call}/orders", {"id": said.event_key, "steps": steps})
        if status not in (204, 404):  # 404: every leg has ended meanwhile
            raise OutsideUnavailable(f"tandem: {status}")


class TandemNetwork:
    def mark(self, unique: str) -> str:
        return unique

    def dial_caller(self, call: Call, mark: str, store: Callable[[str], bool]) -> None:
        caller = call.caller
        wanted = {"reference": call.id, "to": caller.number.e164, "show": caller.display_number.e164}
        status, code = _post("/sessions", wanted)
        if status == 429 or code == "ConnectionRefusedError":
            raise NothingWasDialled(code)
        if 400 <= status < 500:
            raise DialRefused(code)
        if status != 201:
            raise DialUncertain(code)

    def dial_callee(self, network_call: str) -> None:
        self._mark(network_call, _DIAL)

    def say_last_minute(self, network_call: str) -> None:
        self._mark(network_call, _MINUTE)

    def end(self, network_call: str) -> bool:
        try:
            self._mark(network_call, _END)
        except NoSuchNetworkCall:
            return False
        return True

    def _mark(self, network_call: str, mark: str) -> None:
        status, code = _post(f"/sessions/{network_call}/marks", {"mark": mark})
        if status == 404:
            raise NoSuchNetworkCall(network_call)
        if status != 204:
            raise OutsideUnavailable(f"tandem: {code}")


class NothingToStop:
    """An order replaces the one before it, a prompt included."""

    def stop_prompt(self, application: str, network_call: str) -> None: ...


def _event(payload: Mapping[str, Any], at: datetime, session: str) -> CallEvent:
    leg, what = payload.get("leg") or {}, str(payload.get("what", ""))
    leg_id, party = str(leg.get("id", "")), _PARTIES.get(str(leg.get("side")), Party.CALLER)
    up = {_PARTIES[side]: each for side, each in (payload.get("up") or {}).items()}
    match what:
        case "leg.placed" if party is Party.CALLER:
            return DialAccepted(at, session, leg_id, at)
        case "leg.ringing":
            return LegRinging(at, session, party, leg_id, None)
        case "leg.answered" if party is Party.CALLER:
            return LegAnswered(at, session, Party.CALLER, leg_id, None)
        case "legs.joined":
            return LegAnswered(at, session, Party.CALLEE, leg_id, None)
        case "leg.ended":
            others = {other: each for other, each in up.items() if other is not party}
            return LegEnded(at, session, party, leg_id, int(payload.get("sip", 0)), others)
        case "sound.finished":
            return PromptPlayed(at, session)
        case "step.failed":
            return ActionRefused(at, session, _OURS.get(str(payload.get("step")), ""), "step.failed")
        case "mark":
            return _asked(str(payload.get("mark", "")), at, session, up)
    return Informational(at, session, what)


def _asked(mark: str, at: datetime, session: str, up: Mapping[Party, str]) -> CallEvent:
    match mark:
        case "connect them":
            return DialCalleeAsked(at, session)
        case "one minute left":
            return LastMinuteAsked(at, session)
        case "end it":
            return EndAsked(at, session, up)
    return Informational(at, session, mark)


_OURS = {"say": "PlayPrompt", "connect": "DialAndBridge", "drop": "HangUp", "tape": "StartRecording"}


def _step(action: Action) -> dict[str, Any]:
    match action:
        case PlayPrompt(party, prompt):
            return {"do": "say", "to": _SIDES[party], "sound": key_of(prompt)}
        case DialAndBridge(number, display_number, ring_limit, waiting):
            return {
                "do": "connect",
                "number": number.e164,
                "show": display_number.e164,
                "seconds": ring_limit.total_seconds(),
                "loop": None if waiting is None else key_of(waiting),
            }
        case HangUp(_, leg_id):
            return {"do": "drop", "leg": leg_id}
        case StartRecording(_, folder):
            return {"do": "tape", "folder": folder}


def _post(path: str, body: object) -> tuple[int, str]:
    """HTTP status and Tandem's code; status 0 with the error's name if there was no answer."""
    request = Request(ADDRESS + path, json.dumps(body).encode(), {"Content-Type": "application/json"})
    try:
        with build_opener(ProxyHandler({})).open(request, timeout=_SECONDS) as reply:
            return reply.status, ""
    except HTTPError as error:
        return error.code, str(json.loads(error.read() or b"{}").get("code", ""))
    except URLError as error:
        return 0, type(error.reason).__name__
    except (HTTPException, OSError) as error:
        return 0, type(error).__name__
