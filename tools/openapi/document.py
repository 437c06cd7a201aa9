"""The whole document, as plain values and as text."""

import json
import tomllib
from typing import Any

import yaml

from duologue.call_control.app_events import CommittedFacts, EventPage, EventPosition, Replayed, UndeliveredFact
from duologue.call_control.facts import CdrWritten
from duologue.domain.access.accounts import App
from duologue.domain.access.tokens import TokenPair
from duologue.domain.accounting.cdr import Cdr, cdr_of
from duologue.domain.accounting.cdr_archive import CdrPage
from duologue.domain.calls.call import NotifyTo
from duologue.wire.huawei.app_events import events_found, replayed, undelivered_found
from duologue.wire.huawei.call_lists import calls_found, usage_found
from duologue.wire.huawei.cdrs import HuaweiCdrs, cdrs_found
from duologue.wire.huawei.deliveries import delivered, pinged
from duologue.wire.huawei.histories import history_of
from duologue.wire.huawei.memories import memories_found, memory_found
from duologue.wire.huawei.notifications import HuaweiWebhooks, event_of
from duologue.wire.huawei.requests import CallMemoryChange, CallStop, Click2Call, NotificationUrls
from duologue.wire.huawei.results import notification_urls, placed, signed_in, success
from tools.openapi import samples
from tools.openapi.answers import phrase, refused
from tools.openapi.operations import OPERATIONS, TAGS, Operation
from tools.openapi.shapes import Schema, of_examples, of_model
from tools.openapi.words import MEMORY, MEMORY_CHANGE, PING, PINGED, REFRESH
from tools.template import ROOT

PAGE = ROOT / "docs" / "openapi.yaml"
_JSON = "application/json"
_FORM = "application/x-www-form-urlencoded"

_INTRODUCTION = """\
Ring two people, join them, and show neither the other's number. Compatible with the voice callback of Huawei Cloud's
VoiceCall. Reasons and worked requests: docs/api.md.

What a request should look like is written here; some other spellings of flags, numbers and Base64, and empty texts for
fields that are not required, are read as well (docs/api.md).

Every GET may also be a HEAD, which has the same answer without its body and ignores `Range`.

A failure has both a status that is not 200 and the envelope. A request is authenticated by a token in a header or
in the query, or by a digest in two headers; a token in the query takes precedence.
"""


def document() -> dict[str, Any]:
    paths, responses = _paths()
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "Duologue",
            "version": project["version"],
            "description": _INTRODUCTION,
            "license": {"name": project["license"], "identifier": project["license"]},
        },
        "servers": [
            {"url": "http://127.0.0.1:8080", "description": "make up"},
            {
                "url": "https://{host}",
                "description": "the output ApiUrl, or the custom domain",
                "variables": {"host": {"default": samples.HOST}},
            },
        ],
        "tags": [{"name": name, "description": said} for name, (said, _) in TAGS.items()],
        "paths": paths,
        "webhooks": _webhooks(),
        "components": {
            "schemas": _schemas(),
            "responses": responses,
            "headers": _headers(),
            "securitySchemes": _proofs(),
        },
    }


def text() -> str:
    """As it stands in the repository."""
    head = "# Written by `python -m tools.openapi` (make openapi) from the product's code. Do not edit.\n"
    written: str = yaml.dump(document(), Dumper=_Dumper, sort_keys=False, allow_unicode=True, width=110)
    return head + written


class _Dumper(yaml.SafeDumper):
    """No anchors; a text of several lines as such."""

    def ignore_aliases(self, data: Any) -> bool:
        return True


def _several_lines(dumper: yaml.SafeDumper, said: str) -> yaml.ScalarNode:
    style = "|" if "\n" in said else None
    return dumper.represent_scalar("tag:yaml.org,2002:str", said, style=style)


_Dumper.add_representer(str, _several_lines)


def _paths() -> tuple[dict[str, Any], dict[str, Any]]:
    """All operations, and the responses that several of them have."""
    paths = {
        path: {method: _operation(operation, _tag_of(path)) for method, operation in methods.items()}
        for path, methods in OPERATIONS.items()
    }
    answered = [operation["responses"] for methods in paths.values() for operation in methods.values()]
    shared: dict[str, Any] = {}
    for responses in answered:
        for status, response in list(responses.items()):
            name = _known(shared, response)
            if name is None and status[0] != "2" and sum(other.get(status) == response for other in answered) > 1:
                words = phrase(int(status)).replace(" ", "")
                alike = sum(known.startswith(words) for known in shared)
                name = f"{words}{alike + 1}" if alike else words
                shared[name] = response
            if name is not None:
                responses[status] = {"$ref": f"#/components/responses/{name}"}
    return paths, shared


def _known(shared: dict[str, Any], response: dict[str, Any]) -> str | None:
    return next((name for name, known in shared.items() if known == response), None)


def _tag_of(path: str) -> str:
    return next(name for name, (_, paths) in TAGS.items() if path in paths)


def _operation(operation: Operation, tag: str) -> dict[str, Any]:
    digests = any("aksk" in schemes for schemes in operation.proof)
    said: dict[str, Any] = {
        "operationId": operation.name,
        "tags": [tag],
        "summary": operation.summary,
        "security": [{name: [] for name in schemes} for schemes in operation.proof],
        "parameters": list(operation.parameters),
        "responses": operation.success | refused(operation.refusals, digests=digests),
    }
    if operation.body:
        schema = {"$ref": f"#/components/schemas/{operation.body}"}
        content: dict[str, Any] = {"schema": schema}
        if operation.examples:
            content["examples"] = operation.examples
        media = _FORM if operation.form else _JSON
        said["requestBody"] = {"required": operation.body_required, "content": {media: content}}
    if operation.form:
        said["description"] = (
            "The fields may as well be in the query, as the original has them; but secrets in URLs get into logs."
        )
    return {name: value for name, value in said.items() if value not in ([], {}) or name == "security"}


def _webhooks() -> dict[str, Any]:
    def told(name: str, summary: str, schema: str, again: str) -> dict[str, Any]:
        answer = {"description": f"Taken. Anything else, or no answer within six seconds, and it comes again{again}."}
        body = {"required": True, "content": {_JSON: {"schema": {"$ref": f"#/components/schemas/{schema}"}}}}
        signed: list[dict[str, list[str]]] = [{"aksk": [], "akskScheme": []}]
        post = {"operationId": name, "summary": summary, "security": signed, "requestBody": body}
        return {"post": {**post, "responses": {"2XX": answer}}}

    return {
        "statusEvent": told(
            "tellStatus",
            "POST to `statusUrl`: one step of a call",
            "StatusEvent",
            "; but a step of a leg not after the end",
        ),
        "ping": told("tellPing", "POST to either URL: a test that was asked for", "PingEvent", ""),
        "cdr": told("tellCdr", "POST to `feeUrl`: the account of a call", "Cdr", ""),
    }


def _schemas() -> dict[str, Schema]:
    calls = (samples.TALKED, samples.UNANSWERED, samples.UNTOUCHED, samples.REFUSED, samples.RETURNED, samples.NOBODY)
    told = [
        (fact, event_of(call, fact, cdr_of(call), samples.HOST, samples.RECORDS))
        for call in calls
        for fact in samples.FACTS
    ]
    events = [(fact, event) for fact, event in told if event is not None]
    memories = [dict(memory_found(each, samples.HOST).body) for each in samples.MEMORIES]
    pages = [
        dict(memories_found([(each.memory, each.opened) for each in samples.MEMORIES], cursor, samples.HOST).body)
        for cursor in ("a cursor", None)
    ]
    return {
        "Envelope": of_examples([dict(success().body)]),
        "SignedIn": of_examples([dict(signed_in(TokenPair("an access token", "a refresh token")).body)]),
        "Placed": of_examples([dict(placed("a session", idle).body) for idle in (9, None)]),
        "History": of_examples(dict(success(**history_of(each, samples.HOST)).body) for each in samples.histories()),
        "Events": _events(),
        "Callbacks": of_examples(
            dict(calls_found([each.call], cursor, samples.HOST).body)
            for each in samples.histories()
            for cursor in ("a cursor", None)
        ),
        "Usage": of_examples([dict(usage_found({}, [samples.TALKED.accepted_at.date()]).body)]),
        "Cdrs": _cdrs([cdr_of(call) for call in calls]),
        "Undelivered": of_examples(
            dict(undelivered_found([UndeliveredFact(_POSITION, each)], "", 1).body)
            for history in samples.histories()
            for each in history.deliveries.values()
        ),
        "Replayed": of_examples(dict(replayed(Replayed(3, at)).body) for at in (None, samples.TALKED.accepted_at)),
        "PingEvent": _pings(),
        "Pinged": of_examples([dict(pinged(samples.PINGS).body)], PINGED),
        "Deliveries": of_examples(dict(delivered(each, samples.HOST).body) for each in samples.histories()),
        "NotificationUrlsAnswer": of_examples(
            [dict(notification_urls(NotifyTo(*urls)).body) for urls in (("a URL", "a URL"), (None, None))]
        ),
        "CallMemory": of_examples(memories, MEMORY),
        "CallMemories": of_examples([*memories, *pages], MEMORY),
        "Refresh": _refresh(),
        "Click2Call": of_model(Click2Call),
        "CallStop": of_model(CallStop),
        "NotificationUrls": of_model(NotificationUrls),
        "Ping": of_model(NotificationUrls, PING),
        "CallMemoryChange": of_model(CallMemoryChange, MEMORY_CHANGE),
        "StatusEvent": of_examples(event for fact, event in events if not isinstance(fact, CdrWritten)),
        "Cdr": of_examples(event for fact, event in events if isinstance(fact, CdrWritten)),
    }


_POSITION = EventPosition(0, samples.TALKED.id, 1)


def _events() -> Schema:
    body = {"oneOf": [{"$ref": "#/components/schemas/StatusEvent"}, {"$ref": "#/components/schemas/Cdr"}]}
    page = EventPage([CommittedFacts(_POSITION, samples.TALKED, {}, None)], more=True)
    schema = of_examples([dict(events_found(page, "", samples.HOST, samples.RECORDS).body)])
    event = of_examples([{"id": "1_2_3_20261123090000-2", "sequence": 2}])
    event["properties"]["notification"] = {"description": "the body of its notification", **body}
    event["required"] = [*event["required"], "notification"]
    schema["properties"]["events"] = {"type": "array", "description": "in the order of their commits", "items": event}
    return schema


def _cdrs(cdrs: list[Cdr]) -> Schema:
    written = HuaweiCdrs(samples.HOST)
    lines = tuple(written.line(cdr) for cdr in cdrs)
    pages = [*(CdrPage((line,), None) for line in lines), CdrPage(lines[:1], "a cursor")]
    return of_examples(dict(cdrs_found(page).body) for page in pages)


def _pings() -> Schema:
    webhooks = HuaweiWebhooks(samples.HOST, lambda: "a nonce", samples.RECORDS)
    app = App("app", "sp", "secret", display_numbers=(samples.BARE.caller.display_number.e164,))
    urls = NotifyTo("https://sp.example.com/status", "https://sp.example.com/fee")
    posted = webhooks.pings(samples.BARE.id, urls, app, samples.BARE.accepted_at)
    return of_examples([json.loads(each.body) for each in posted], PINGED)


def _refresh() -> Schema:
    properties = {name: {"type": "string", "minLength": 1, "maxLength": 512} | said for name, said in REFRESH.items()}
    return {"type": "object", "required": list(REFRESH), "properties": properties}


def _headers() -> dict[str, Any]:
    return {
        "RetryAfter": {
            "description": "Seconds after which the same request may succeed",
            "schema": {"type": "integer", "minimum": 1},
        },
        "Location": {"description": "Where to go", "required": True, "schema": {"type": "string"}},
        "AcceptRanges": {"description": "`Range` may ask for a part", "schema": {"type": "string", "enum": ["bytes"]}},
        "ContentRange": {
            "description": "The part, and the size of the whole; `*`: no part",
            "required": True,
            "schema": {"type": "string", "pattern": "^bytes ([0-9]+-[0-9]+|[*])/[0-9]+$"},
        },
        "IdempotencyReplayed": {
            "description": "The answer that this key got before",
            "schema": {"type": "string", "enum": ["true"]},
        },
    }


def _proofs() -> dict[str, Any]:
    def key(name: str, place: str, said: str) -> dict[str, str]:
        return {"type": "apiKey", "name": name, "in": place, "description": said}

    scheme = 'realm="SDP",profile="UsernameToken",type="Appkey"'
    token = 'UsernameToken Username="<app key>",PasswordDigest="<digest>",Nonce="<nonce>",Created="<time>"'
    return {
        "password": key("Authorization", "header", "The SP's password itself, without scheme or encoding"),
        "bearer": {
            "type": "http",
            "scheme": "bearer",
            "description": "`<app_key>.<access_token>`: the app's key, a dot, and the token of a log-in or a refresh",
        },
        "appKey": key("app_key", "query", "The app's key"),
        "accessToken": key("access_token", "query", "The token of a log-in or a refresh"),
        "akskScheme": key("Authorization", "header", f"`AKSK {scheme}`"),
        "aksk": key("X-AKSK", "header", f"`{token}`; Base64 of HMAC-SHA256, keyed by the secret, of nonce and time"),
        "wsseScheme": key("Authorization", "header", f"`WSSE {scheme}`"),
        "wsse": key("X-WSSE", "header", f"`{token}`; Base64 of SHA-256 (raw or in hex) of nonce, time and secret"),
    }
