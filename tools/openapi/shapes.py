"""JSON Schemas: of a request model, and of what an encoder writes, told from everything that it writes of the samples.

A field that is in every example is required. Its description, and what no example shows, stand in `words`: a field
without words there is a KeyError.
"""

from collections.abc import Iterable, Mapping
from typing import Any

from pydantic import BaseModel

from tools.openapi.words import REQUESTS, TOLD

Schema = dict[str, Any]
Words = Mapping[str, Any]


def of_model(model: type[BaseModel], words: Words = REQUESTS) -> Schema:
    """A request body. Null counts as absent, so a field that is not required may be null."""
    made = model.model_json_schema()
    needed = made.get("required", [])
    properties = {
        name: _described(words[name], _field(shape, optional=name not in needed))
        for name, shape in made["properties"].items()
    }
    return {"type": "object", "required": needed, "properties": properties}


def of_examples(examples: Iterable[dict[str, Any]], words: Words = TOLD) -> Schema:
    """What has all of these forms."""
    seen = list(examples)
    names = list(dict.fromkeys(name for example in seen for name in example))
    properties = {name: _value(name, [example[name] for example in seen if name in example], words) for name in names}
    needed = [name for name in names if all(name in example for example in seen)]
    return {"type": "object", "required": needed, "properties": properties}


def _field(shape: Schema, *, optional: bool) -> Schema:
    kinds = shape.get("anyOf", [shape])
    own = next(kind for kind in kinds if kind.get("type") != "null")
    own = {key: value for key, value in own.items() if key not in ("title", "default")}
    if not optional:
        return own
    if "enum" in own:
        own["enum"] = [*own["enum"], None]
    own["type"] = [own["type"], "null"]
    default = shape.get("default")
    if isinstance(default, bool):  # a flag is a string on the wire
        default = str(default).lower()
    return own if default is None else own | {"default": default}


def _value(name: str, values: list[Any], words: Words) -> Schema:
    there = [value for value in values if value is not None]
    first = there[0]
    if isinstance(first, dict):
        shape = of_examples(there, words)
    elif isinstance(first, list):
        shape = {"type": "array", "items": of_examples((item for value in there for item in value), words)}
    else:
        shape = {"type": _kind(first)}
    if len(there) < len(values):
        shape["type"] = [shape["type"], "null"]
    return _described(words[name], shape)


def _kind(value: Any) -> str:
    kinds = {bool: "boolean", int: "integer", float: "number", str: "string"}
    return kinds[type(value)]


def _described(said: str | Schema, shape: Schema) -> Schema:
    return {**shape, **({"description": said} if isinstance(said, str) else said)}
