"""What is wrong with a trunk file, in words for whoever wrote it: the line, the row, the rule and what to write.

A validator raises ValueError with the rule. One that is about several rows begins it with the row: `srtp: needs …`.
"""

import re
from collections.abc import Iterator, Mapping
from difflib import get_close_matches
from typing import Any, get_args

import yaml
from pydantic import AfterValidator, BaseModel, ValidationError

_ABOUT = re.compile(r"(?P<row>[a-z_]+(?:\[[0-9]+\])?(?:\.[a-z_]+)*): (?P<rule>.+)", re.DOTALL)
_RULES = {
    "missing": "is required",
    "string_type": 'must be text: write it in quotes, "…"',
    "path_type": "must be the name of a file",
    "bool": "must be true or false",
    "int": "must be a whole number",
    "float": "must be a number",
    "tuple_type": "must be a list: [one, another]",
    "model": "must have rows of its own: {row: value}",
    "too_short": "must have one entry at least",
    "ip_v4_network": "must be an IPv4 network such as 203.0.113.0/24, with no bit set after its prefix",
    "ip_v4_address": "must be an IPv4 address such as 203.0.113.5",
}
"""By the type of pydantic's error, or by its first word."""


def matching(pattern: str, words: str) -> AfterValidator:
    """Text that matches as a whole. `words`: what it must be, after "must be"."""
    compiled = re.compile(pattern)

    def check(given: str) -> str:
        if not compiled.fullmatch(given):
            raise ValueError(f"must be {words}")
        return given

    return AfterValidator(check)


def between(least: float, most: float) -> AfterValidator:
    """A number of this range, both ends included."""

    def check(given: float) -> float:
        if not least <= given <= most:
            raise ValueError(f"must be {least} to {most}")
        return given

    return AfterValidator(check)


def nearest(written: object, known: Mapping[str, object] | list[str]) -> str:
    """`did you mean …`, or all names that there are."""
    near = get_close_matches(str(written).lower(), known, n=1, cutoff=0.7)
    return f"did you mean {near[0]}?" if near else f"there are {', '.join(known)}"


def lines_of(error: ValidationError, model: type[BaseModel], text: str) -> Iterator[tuple[int | None, str, str]]:
    """Of each fault: its line of the text, counted from 1; its place, such as `trunks[0].digest.secret`; the rule."""
    faults = error.errors(include_url=False, include_input=False)
    places = [each["loc"] for each in faults]
    for each in faults:
        location, kind = each["loc"], each["type"]
        if kind == "too_short" and any(other != location and other[: len(location)] == location for other in places):
            continue  # what is there was refused for another fault
        place, rule = _place(location), _rule(each, model)
        if kind == "value_error" and (about := _ABOUT.fullmatch(rule)):
            place, rule = f"{place}.{about['row']}".lstrip("."), about["rule"]
        yield _line(location, text), place or "the file", rule


def _rule(fault: Any, model: type[BaseModel]) -> str:
    kind, context = fault["type"], fault.get("ctx", {})
    match kind:
        case "value_error":
            return str(context["error"])
        case "extra_forbidden":
            return f"there is no such row here; {nearest(fault['loc'][-1], _rows_at(model, fault['loc'][:-1]))}"
        case "literal_error":
            return f"must be {context['expected'].replace(chr(39), '')}"
        case "too_long":
            return f"must have {context['max_length']} entries at most"
    rule = _RULES.get(kind) or _RULES.get(kind.partition("_")[0])
    return rule or str(fault["msg"]).replace("Input should", "must").replace("\n", " ")


def _rows_at(model: type[BaseModel], location: tuple[int | str, ...]) -> list[str]:
    """The names that the file may have at this place."""
    for part in location:
        if isinstance(part, str):
            field = next(each for name, each in model.model_fields.items() if part == (each.alias or name))
            model = next(_models(field.annotation))
    return [field.alias or name for name, field in model.model_fields.items()]


def _models(annotation: Any) -> Iterator[type[BaseModel]]:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        yield annotation
    for part in get_args(annotation):
        yield from _models(part)


def _place(location: tuple[int | str, ...]) -> str:
    text = "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in location)
    return text.lstrip(".")


def _line(location: tuple[int | str, ...], text: str) -> int | None:
    """Of the row, or of the one that it would be in."""
    node = yaml.compose(text, Loader=yaml.SafeLoader)
    line = None if node is None else node.start_mark.line
    for part in location:
        if isinstance(node, yaml.MappingNode):
            found = next(((key, value) for key, value in node.value if key.value == part), None)
            if found is None:
                break
            line, node = found[0].start_mark.line, found[1]
        elif isinstance(node, yaml.SequenceNode) and isinstance(part, int) and part < len(node.value):
            node = node.value[part]
            line = node.start_mark.line
        else:
            break
    return None if line is None else line + 1
