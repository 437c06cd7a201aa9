"""A story of the model, for people."""

from itertools import pairwise
from typing import Any

from duologue.call_control.actions import Action, DialAndBridge, HangUp, PlayPrompt
from duologue.domain.calls.call import Call
from duologue.domain.calls.leg import Leg
from duologue.usecases.ports.call_changes import Change
from tests.model.how import How
from tests.model.invocations import Title
from tests.model.library import Outcome
from tests.model.parts import Parts
from tests.model.programs import Op, Raised, Read
from tests.model.world import World

_LEGS = ("idle", "ringing", "up", "ended", "calling in")
_MOMENTS = ("taken_up_at", "prelude_at", "ended_at")
_VALUES = ("network_call", "dial_refusal", "ending")


def told(world: World, path: list[int]) -> list[str]:
    """The states of a path, step by step, and where it leads."""
    lines = []
    for state, after in pairwise(path):
        _, how, title, wrong = next(each for each in world.following(state) if each[0] == after)
        fault = "" if how in (How.MUST, How.MAY) else f"   <- fault: {how}"
        lines.append(said(world.parts, title) + fault + (f"   <- {wrong}" if wrong else ""))
    return [*lines, described(world.parts, path[-1])]


def said(parts: Parts, title: Title) -> str:
    """One step."""
    if isinstance(title, str):
        return title
    library = parts.library
    if isinstance(title, int):
        return f"{library.programs[title].title}: {_end(parts, library.outcomes[title])}"
    node, result = title
    op, title = library.ops[library.op[node]], library.programs[node].title
    if op.name == "carry_out":
        op = Op("tells the network:", tuple(_action(action) for action in parts.answers.actions(op.args[1])))
    return f"{title}: {_operation(op, library.results[result])}"


def described(parts: Parts, state: int) -> str:
    """One state."""
    row, net, execution, rest = parts.row(state), parts.network(state), parts.execution(state), parts.rest(state)
    running = [parts.library.programs[node].title for node, _ in parts.invocations(state)]
    more: dict[str, list[str]] = {
        "on their way": [sent.title for sent in net.sent],
        "running": running,
        "in the stream": [*rest.stream],
    }
    return "; ".join(
        [
            f"= call {row.call.phase.name}" + (f" ({row.call.ending})" if row.call.ending else ""),
            f"caller {_LEGS[net.caller]}, callee {_LEGS[net.callee]}",
            f"execution {execution.mode}: {execution.state or '-'} ({execution.token})",
            f"stored: {row.token.value if row.token else 'no token'}",
            *(f"{name}: {', '.join(things)}" for name, things in more.items() if things),
        ]
    )


def _end(parts: Parts, outcome: Outcome) -> str:
    if outcome.error is not None:
        return f"raises {outcome.error}"
    actions = parts.answers.actions(outcome.value) if isinstance(outcome.value, str) else ()
    return "returns" + "".join(f", {_action(action)}" for action in actions)


def _action(action: Action) -> str:
    match action:
        case PlayPrompt(party=party, prompt=prompt):
            return f"play {prompt} to the {party}"
        case HangUp(party=party):
            return f"hang up the {party}"
        case DialAndBridge():
            return "dial the callee"
        case _:
            return type(action).__name__


def _operation(op: Op, result: Any) -> str:
    """An operation, and what it gave."""
    if isinstance(result, Raised):
        return f"{op.name} -> {result.error.__name__}"
    match op.name, op.args, result:
        case "load", _, Read(call=call):
            return f"reads the call: {call.phase.name}"
        case "load_event", _, _:
            return f"reads the event: {'processed before' if result else 'new'}"
        case "save", (Change() as change,), _:
            return f"writes {_change(change)}"
        case "store_token", (token,), _:
            return f"stores its token, for {token.waits_for}"
        case "task_token", _, _:
            return f"reads the token: {result.value if result else None}"
        case "resume", (token,), _:
            return f"resumes {token}" + ("" if result else ": that wait is over")
        case _:
            return " ".join([op.name, *map(str, op.args)]) + ("" if result is None else f" -> {result}")


def _change(change: Change) -> str:
    before, after = change.before.call, change.after
    parts = [name for name in _MOMENTS if getattr(before, name) != getattr(after, name)]
    parts += [f"{name}={getattr(after, name)}" for name in _VALUES if getattr(before, name) != getattr(after, name)]
    parts += _legs(before, after)
    parts += (
        ["its dial mark"] if change.dial_mark else ["that the dial mark is gone"] if change.clears_dial_mark else []
    )
    return ", ".join(parts) + (f" (resumes {change.resumes})" if change.resumes else "")


def _legs(before: Call, after: Call) -> list[str]:
    pairs: tuple[tuple[Leg, Leg], ...] = ((before.caller, after.caller), (before.callee, after.callee))
    names = ("dialled_at", "alerting_at", "answered_at", "ended_at")
    return [f"{now.party}.{name}" for was, now in pairs for name in names if getattr(was, name) != getattr(now, name)]
