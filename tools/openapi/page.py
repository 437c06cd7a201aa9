"""The API reference as one page of HTML, made from docs/openapi.yaml without the product's code.

The page has neither scripts nor inline styles. A server has it from `page` and serves `STYLE` beside it;
`python -m tools.openapi.page FOLDER` writes both as files.
"""

import json
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple

import yaml
from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markdown_it import MarkdownIt
from markupsafe import Markup

_FOLDER = Path(__file__).parent
DOCUMENT = _FOLDER.parents[1] / "docs" / "openapi.yaml"
STYLE = _FOLDER / "page.css"

_METHODS = ("get", "put", "post", "delete")
_LIMITS = {"minimum": "from", "maximum": "up to", "maxItems": "items up to", "default": "by default"}

Document = Mapping[str, Any]


class Field(NamedTuple):
    """A property of a schema. `depth`: in how many other properties it stands."""

    name: str
    depth: int
    kind: str
    required: bool
    said: str
    values: tuple[str, ...]


def page(style: str, home: str = "") -> str:
    """The whole page. `style`: the URL of `STYLE`; `home`: that of a page to link back to."""
    document = yaml.safe_load(DOCUMENT.read_text(encoding="utf-8"))
    markdown = MarkdownIt("commonmark", {"html": False})

    def prose(text: str) -> Markup:
        return Markup(markdown.render(text))  # noqa: S704 - its HTML is off: what it renders is escaped

    def followed(part: Document) -> Document:
        return _followed(document, part)

    environment = Environment(
        loader=FileSystemLoader(_FOLDER),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {"prose": prose, "followed": followed, "pretty": _pretty, "kind": _kind}
    environment.globals |= {"fields": lambda schema: list(_fields(document, schema)), "proofs": _proofs}
    template = environment.get_template("page.html.j2")
    return template.render(document=document, groups=_groups(document), style=style, home=home)


def _groups(document: Document) -> list[tuple[Document, list[tuple[str, str, Document]]]]:
    """Each tag with its operations: method, path, operation."""
    operations = [
        (method.upper(), path, methods[method])
        for path, methods in document["paths"].items()
        for method in _METHODS
        if method in methods
    ]
    return [(tag, [each for each in operations if tag["name"] in each[2]["tags"]]) for tag in document["tags"]]


def _proofs(operation: Document) -> list[str]:
    """The alternatives of an operation's authentication, each as names of security schemes."""
    return [" + ".join(alternative) for alternative in operation["security"]]


def _followed(document: Document, part: Document) -> Document:
    """The part itself, or what its reference names."""
    if "$ref" not in part:
        return part
    found: Any = document
    for name in part["$ref"].removeprefix("#/").split("/"):
        found = found[name]
    return dict(found)


def _fields(document: Document, schema: Document, depth: int = 0) -> Iterator[Field]:
    """The properties of a schema, each followed by those that stand in it."""
    schema = _followed(document, schema)
    for part in schema.get("allOf", ()):
        yield from _fields(document, part, depth)
    for name, own in schema.get("properties", {}).items():
        values = tuple("null" if value is None else str(value) for value in own.get("enum", ()))
        yield Field(name, depth, _kind(own), name in schema.get("required", ()), own.get("description", ""), values)
        yield from _fields(document, own.get("items", own), depth + 1)


def _kind(schema: Document) -> str:
    """Type and limits in a few words; of alternatives, the names."""
    if alternatives := schema.get("oneOf"):
        return " or ".join(each["$ref"].rpartition("/")[2] for each in alternatives)
    types = schema.get("type", "string")
    words = [types if isinstance(types, str) else " or ".join(types), schema.get("format", "")]
    if "maxLength" in schema:
        words.append(f"{schema.get('minLength', 0)} to {schema['maxLength']} characters")
    words += [f"{said} {schema[limit]}" for limit, said in _LIMITS.items() if limit in schema]
    return ", ".join(word for word in words if word)


def _pretty(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, indent=2)


if __name__ == "__main__":
    folder = Path(sys.argv[1])
    (folder / STYLE.name).write_bytes(STYLE.read_bytes())
    (folder / "index.html").write_text(page(STYLE.name), encoding="utf-8")
