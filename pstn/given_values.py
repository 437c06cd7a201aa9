"""Values that somebody gives for the fields of a dataclass, such as switches in JSON: checked before they are used."""

from collections.abc import Mapping
from dataclasses import is_dataclass
from types import NoneType
from typing import Any, Literal, get_args, get_origin, get_type_hints

_MOST = 1_000_000_000


def check(of: type, given: Mapping[str, Any], owner: str) -> None:
    """Each name is a field, and each value one that it can have. `owner`: completes "<name> is no …; it has …".

    Fields are choices (Literal), flags, numbers from 0, sets of text, or such a dataclass themselves; or None.

    Raises:
        ValueError: names the field and the rule.
    """
    types = get_type_hints(of)
    for name, value in given.items():
        if name not in types:
            raise ValueError(f"{name} is no {owner}; it has {', '.join(types)}")
        _check(name, types[name], value)


def _check(name: str, wanted: Any, value: Any) -> None:
    if NoneType in get_args(wanted):
        if value is None:
            return
        wanted = next(each for each in get_args(wanted) if each is not NoneType)
    if is_dataclass(wanted) and isinstance(value, Mapping):
        check(wanted, value, f"part of {name}")  # type: ignore[arg-type]
    else:
        rule = _rule_broken(wanted, value)
        if rule:
            raise ValueError(f"{name} is {rule}")


def _rule_broken(wanted: Any, value: Any) -> str:
    if get_origin(wanted) is Literal:
        return "" if value in get_args(wanted) else f"one of {', '.join(map(str, get_args(wanted)))}"
    if get_origin(wanted) is frozenset:
        is_list = isinstance(value, list | set | frozenset) and all(isinstance(each, str) for each in value)
        return "" if is_list else "a list of text"
    if is_dataclass(wanted):
        return "an object"
    if wanted is bool:
        return "" if isinstance(value, bool) else "true or false"
    number = (int, float) if wanted is float else int
    is_number = isinstance(value, number) and not isinstance(value, bool) and 0 <= value < _MOST
    return "" if is_number else f"a number of type {wanted.__name__}, at least 0"
