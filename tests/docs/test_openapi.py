"""docs/openapi.yaml says what the product's code does now, of every route and every refusal."""

import json
from html.parser import HTMLParser
from typing import Any

import jsonschema_rs
import pytest
import schemathesis
import yaml

from duologue.domain.access.tokens import TokenPair
from duologue.domain.errors import AccountExists, AlreadyDone, DuologueError, NotYet, RequestRefused
from duologue.wire.huawei.requests import read_callback
from duologue.wire.huawei.results import ERROR_ROWS, placed, signed_in
from tests.functions.worlds import Api, sample, samples
from tools.openapi.document import PAGE, text
from tools.openapi.operations import OPERATIONS
from tools.openapi.page import page
from tools.template import functions, read_template

# What no request meets: the operator's, a repeat's, and rows for classes that have no row of their own.
_NOT_MET = {AccountExists, AlreadyDone, NotYet, RequestRefused}


@pytest.fixture(scope="module")
def document() -> dict[str, Any]:
    return yaml.safe_load(PAGE.read_text(encoding="utf-8"))


def resolved(document: dict[str, Any], part: Any) -> Any:
    """A part of the document with every reference in it followed."""
    if isinstance(part, list):
        return [resolved(document, item) for item in part]
    if not isinstance(part, dict):
        return part
    if "$ref" in part:
        found: Any = document
        for name in part["$ref"].removeprefix("#/").split("/"):
            found = found[name]
        return resolved(document, found)
    return {name: resolved(document, value) for name, value in part.items()}


def fit(document: dict[str, Any], schema: str, body: Any) -> None:
    """Fails with what does not fit."""
    jsonschema_rs.validate(resolved(document, document["components"]["schemas"][schema]), body)


def test_the_page_is_up_to_date():
    assert PAGE.read_text(encoding="utf-8") == text(), "stale: make openapi writes it again"


def test_every_route_of_the_template_is_there_and_no_other(document):
    declared = {
        (event["Properties"]["Path"], event["Properties"]["Method"])
        for function in functions(read_template())
        for event in function.properties.get("Events", {}).values()
        if event["Type"] == "Api"
    }
    told = {(path, method) for path, methods in document["paths"].items() for method in methods}
    heads = {(path, "head") for path, method in told if method == "get"}
    assert told | heads == declared, "RFC 9110 §9.1: a GET may be a HEAD, which the document says once"


def test_every_operation_has_a_tag_that_is_described(document):
    used = {
        tag for methods in document["paths"].values() for operation in methods.values() for tag in operation["tags"]
    }
    assert used == {tag["name"] for tag in document["tags"]}


def test_every_refusal_that_an_sp_can_meet_belongs_to_a_request():
    told = {refusal for methods in OPERATIONS.values() for each in methods.values() for refusal in each.refusals}
    assert set(ERROR_ROWS) - _NOT_MET == told & set(ERROR_ROWS)
    assert all(issubclass(refusal, DuologueError) for refusal in told)


def test_it_can_be_read_by_a_tool_for_such_documents(document):
    schema = schemathesis.openapi.from_dict(document)
    operations = [result.ok().label for result in schema.get_all_operations()]
    assert len(operations) == sum(len(methods) for methods in document["paths"].values())


def test_each_schema_is_a_schema(document):
    for shape in resolved(document, document["components"]["schemas"]).values():
        jsonschema_rs.meta.validate(shape)


@pytest.mark.parametrize(
    ("schema", "body"),
    [
        ("Placed", placed("1_2_3_20261123090000@duologue.example.com", 9).body),
        ("SignedIn", signed_in(TokenPair("a", "b")).body),
    ],
)
def test_what_is_answered_fits(document, schema, body):
    fit(document, schema, dict(body))


def test_what_is_looked_up_fits(document):
    api = Api()
    api.record()
    found = api.say(sample("callback_api", "callback_looked_up"))[1]
    fit(document, "History", found)


@pytest.mark.parametrize("name", [name for name in samples("callback_api") if name.startswith("callback_placed")])
def test_a_sample_of_a_request_fits(document, name):
    body = yaml.safe_load(sample("callback_api", name)["body"])
    fit(document, "Click2Call", body)


def test_the_examples_of_requests_are_good_ones(document):
    """The handler's own reader takes them."""
    api = Api()
    content = document["paths"]["/rest/httpsessions/click2Call/v2.0"]["post"]["requestBody"]["content"]
    for example in content["application/json"]["examples"].values():
        assert read_callback(json.dumps(example["value"])).request(api.accounts.app(api.key))


class _Page(HTMLParser):
    """What a browser makes of the page: its text, elements, ids and links."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.text, self.elements, self.ids = "", set[str](), list[str]()
        self.links, self.attributes = set[str](), set[str]()
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.add(tag)
        self.attributes |= {name for name, _ in attrs}
        self.ids += [value or "" for name, value in attrs if name == "id"]
        self.links |= {value or "" for name, value in attrs if name == "href"}

    def handle_data(self, data: str) -> None:
        self.text += data


def names(part: Any) -> set[str]:
    """Every operation, path, parameter, field and enumerated value of a part of the document."""
    if isinstance(part, list):
        return set().union(*(names(item) for item in part))
    if not isinstance(part, dict):
        return set()
    own = {str(part[key]) for key in ("name", "operationId") if isinstance(part.get(key), str)}
    own |= {name for key in ("paths", "properties", "content", "securitySchemes") for name in part.get(key, ())}
    own |= {str(value) for value in part.get("enum", ()) if value is not None and "resultcode" not in str(part)}
    return own.union(*(names(value) for value in part.values()))


def test_the_page_for_people_has_all_that_the_document_has(document):
    shown = _Page(page("/api.css", home="/"))
    assert {name for name in names(document) if name not in shown.text} == set()
    assert len(shown.ids) == len(set(shown.ids))
    assert {link for link in shown.links if link[1:] not in shown.ids} == {"/", "/api.css"}
    assert not shown.elements & {"script", "style"} and not shown.attributes & {"style", "onclick"}, "the site's policy"
    assert {"app", "digest", "time"}.isdisjoint(shown.elements), "descriptions are text, not HTML"
