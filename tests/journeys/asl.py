"""The part of the Amazon States Language that the flow uses, as functions of a state and its data."""

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml

ASL = Path(__file__).parents[2] / "statemachines" / "callback.asl.yaml"
_RUNTIME = "States.Runtime"


class NotInThePlayer(Exception):
    """The file uses something that is not known here."""


class TaskFailed(Exception):
    """A task failed, with the error's name as a Catch would have it."""

    def __init__(self, name: str) -> None:
        super().__init__(name)
        self.name = name


def load(substitutions: Mapping[str, str], document: Path = ASL) -> dict[str, Any]:
    """The document as deployed. Raises KeyError if the file wants a substitution that is not given."""
    text = re.sub(r"\$\{(\w+)\}", lambda name: substitutions[name[1]], document.read_text())
    loaded: dict[str, Any] = yaml.load(text, yaml.CSafeLoader)
    return loaded


def matches(names: list[str], error: str) -> bool:
    """Whether a retrier's or catcher's ErrorEquals names this error."""
    if error in names:
        return True
    if error == _RUNTIME:
        return False
    return "States.ALL" in names or ("States.TaskFailed" in names and error != "States.Timeout")


def pause(rule: Mapping[str, Any], done: int, chance: float) -> float:
    """Seconds before the next attempt when this retrier has made `done` retries; jitter leaves the share `chance`."""
    seconds = float(rule.get("IntervalSeconds", 1) * rule.get("BackoffRate", 2.0) ** done)
    seconds = min(seconds, rule.get("MaxDelaySeconds", seconds))
    return seconds * chance if rule.get("JitterStrategy") == "FULL" else seconds


def limit(state: Mapping[str, Any], data: Any, context: Any) -> int:
    """The seconds of a task. Raises: TaskFailed States.Runtime if its path names no whole number from 1 on."""
    if "TimeoutSecondsPath" not in state:
        return int(state["TimeoutSeconds"])
    seconds = look_up(state["TimeoutSecondsPath"], data, context)
    if isinstance(seconds, bool) or not isinstance(seconds, int) or seconds < 1:
        raise TaskFailed(_RUNTIME)
    return seconds


def fill(template: Any, data: Any, context: Any) -> Any:
    """Parameters with their paths read. Raises: TaskFailed States.Runtime for a path to nothing."""
    if isinstance(template, dict):
        return {
            name.removesuffix(".$"): look_up(value, data, context)
            if name.endswith(".$")
            else fill(value, data, context)
            for name, value in template.items()
        }
    return [fill(value, data, context) for value in template] if isinstance(template, list) else template


def look_up(path: str, data: Any, context: Any = None) -> Any:
    """What `$`, `$.a.b` or `$$.Task.Token` names. Raises: TaskFailed States.Runtime if it is not there."""
    found, names = (context, path[2:]) if path.startswith("$$") else (data, path[1:])
    if not re.fullmatch(r"(\.\w+)*", names):
        raise NotInThePlayer(path)
    for name in names.split(".")[1:]:
        if not isinstance(found, dict) or name not in found:
            raise TaskFailed(_RUNTIME)
        found = found[name]
    return found


def stored(data: Any, path: str | None, result: Any) -> Any:
    """A state's data after ResultPath."""
    if path is None:
        return data
    if path == "$":
        return result
    name = path.removeprefix("$.")
    if "." in name:
        raise NotInThePlayer(path)
    return {**data, name: result}
