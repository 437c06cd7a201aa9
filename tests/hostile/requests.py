"""Draw requests: routes × methods × credentials × parameters × headers × bodies, each with its sizes and encodings."""

import base64
import gzip
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from random import Random
from typing import Any
from urllib.parse import quote, urlencode

from tools.template import functions, read_template

_METHODS = ("GET", "HEAD", "POST", "PUT", "DELETE", "PATCH", "OPTIONS", "TRACE", "BREW", "post")
_PARAMETERS = (
    *("app_key", "access_token", "refresh_token", "grant_type", "app_secret", "username", "format", "after", "limit"),
    *("fileName", "recordDomain", "displayNbr", "calleeNbr", "version", "cursor", "call", "sequence", "from", "to"),
)
_FIELDS = (
    *("callerNbr", "calleeNbr", "displayNbr", "displayCalleeNbr", "bindNbr", "statusUrl", "feeUrl", "returnIdlePort"),
    *(
        "recordFlag",
        "recordHintTone",
        "maxDuration",
        "lastMinVoice",
        "lastMinToUE",
        "waitVoice",
        "preVoice",
        "userData",
    ),
    *("sessionid", "signal", "version", "callMemory", "callBackTone", "languageType", "partyTypeRequiredInDisconnect"),
)
_TEXTS = (
    *(
        "",
        " ",
        "0",
        "-1",
        "1e999",
        "NaN",
        "null",
        "true",
        "undefined",
        "+12025550111",
        "+1202555011１",
        "tel:+12025550111",
    ),
    *(
        "\0",
        "\r\nX-Injected: 1",
        "%00",
        "%",
        "%zz",
        "%ff%fe",
        "%u0041",
        "../../etc/passwd",
        "..%2f..%2f",
        "{{7*7}}",
        "${7}",
    ),
    *(
        "'",
        '"',
        "' OR 1=1--",
        "<script>alert(1)</script>",
        "$(id)",
        "`id`",
        "__proto__",
        "a" * 257,
        "é" * 200,
        "\u202e0",
    ),
    *(
        "\U0001f4de",
        "\ud800",
        "\x7f",
        "\x85",
        "٠١٢٣",
        "http://169.254.169.254/",
        "http://[::1]:80/",
        "https://u:p@x/",
        "data:,x",
    ),
    *(
        "2026-11-23T09:00:00Z",
        "9999-99-99",
        "1" * 400,
        "0x10",
        "1_000",
        "#",
        "&&",
        "=",
        ";",
        "a=b",
        "#~",
        "0000000000#x#000001",
    ),
)
_VALUES: tuple[Any, ...] = (
    *(None, True, False, 0, -1, 1, 2**31, 2**63, 10**400, 1.5, -0.0, [], {}, [[]], [None], {"a": {"b": []}}, [1] * 100),
    *({"$ref": "#"}, "x" * 5000),
)
_TYPES = (
    *("application/json", "application/json;charset=UTF-8", "application/x-www-form-urlencoded", "text/plain", ""),
    *(
        "multipart/form-data; boundary=x",
        "application/xml",
        "application/json; charset=utf-16",
        "a/b" * 50,
        "image/png",
    ),
)
_DIGESTS = (
    'UsernameToken Username="{key}",PasswordDigest="{text}",Nonce="{text}",Created="{text}"',
    "UsernameToken Username={key},PasswordDigest=x,Nonce=x,Created=2026-11-23T09:00:00Z",
    "UsernameToken",
    "{text}",
    'UsernameToken Username="' + "," * 500,
)


@dataclass(frozen=True)
class Sp:
    """What an SP may use, and what is another's. `own`: the paths' values that it knows."""

    credentials: Mapping[str, str]
    own: Sequence[str]


@dataclass(frozen=True)
class Attack:
    """One request as it is sent."""

    method: str
    target: bytes
    headers: list[tuple[bytes, bytes]] = field(default_factory=list)
    body: bytes = b""

    def as_sent(self, host: str) -> bytes:
        lines = [b"%s %s HTTP/1.1" % (self.method.encode(), self.target), b"Host: " + host.encode()]
        lines += [b"%s: %s" % line for line in self.headers]
        lines += [b"Content-Length: %d" % len(self.body), b"Connection: close"]
        return b"\r\n".join(lines) + b"\r\n\r\n" + self.body


def routes() -> list[tuple[str, str]]:
    """Method and path of each route of the template."""
    events = [
        each for function in functions(read_template()) for each in function.properties.get("Events", {}).values()
    ]
    return [
        (each["Properties"]["Method"].upper(), each["Properties"]["Path"]) for each in events if each["Type"] == "Api"
    ]


def attacks(seed: int, sp: Sp) -> Iterator[Attack]:
    """Endless, and the same for the same seed. Half carry the SP's credentials."""
    draw, declared = Random(seed), routes()
    while True:
        method, path = draw.choice(declared)
        if draw.random() < 0.3:
            method = draw.choice(_METHODS)
        proof = dict(sp.credentials) if draw.random() < 0.5 else {}
        query = [*proof.items(), *_query(draw)]
        if draw.random() < 0.1:
            draw.shuffle(query)
        target = _path(draw, path, sp) + (b"?" + _encoded(draw, query) if query else b"")
        yield Attack(method, target, _headers(draw, sp), _body(draw, path, sp))


def _path(draw: Random, path: str, sp: Sp) -> bytes:
    while "{" in path:
        before, _, rest = path.partition("{")
        value = draw.choice(sp.own) if draw.random() < 0.5 else _text(draw)
        path = before + quote(value.encode(errors="replace"), safe="") + rest.partition("}")[2]
    if draw.random() < 0.2:
        path = draw.choice(
            (
                path + "/",
                "/" + path,
                path.upper(),
                path.replace("/", "//"),
                path + "/../..",
                path.replace("v", "%76"),
                path + ";x=y",
            )
        )
    return (path if draw.random() < 0.97 else "/" + quote(_text(draw).encode(errors="replace"))).encode() or b"/"


def _query(draw: Random) -> list[tuple[str, str]]:
    some = draw.choices(_PARAMETERS, k=draw.choice((0, 0, 1, 2, 4)))
    return [(name if draw.random() < 0.95 else _text(draw), _text(draw)) for name in some]


def _encoded(draw: Random, query: list[tuple[str, str]]) -> bytes:
    text = urlencode(query, errors="replace").encode()
    match draw.randrange(20):
        case 0:
            return text.replace(b"%", b"%25")
        case 1:
            return text + b"&%ff=%fe&&&=&" + b"x" * draw.choice((1, 3000))
        case 2:
            return bytes(byte for byte in text if byte != ord("%"))
    return text


def _headers(draw: Random, sp: Sp) -> list[tuple[bytes, bytes]]:
    key = sp.credentials["app_key"]
    made = [("Content-Type", draw.choice(_TYPES))] if draw.random() < 0.8 else []
    if draw.random() < 0.12:
        digest = draw.choice(_DIGESTS).replace("{key}", key).replace("{text}", _text(draw))
        made += [
            ("Authorization", draw.choice(('WSSE realm="SDP"', _text(draw)))),
            (draw.choice(("X-WSSE", "X-AKSK")), digest),
        ]
    elif draw.random() < 0.06:
        bearer = draw.choice((".".join(sp.credentials.values()), f"{key}.{_text(draw)}", _text(draw)))
        made.append(("Authorization", f"Bearer {bearer}"))
    others = (
        "Idempotency-Key",
        "Range",
        "If-Range",
        "Accept",
        "X-Forwarded-For",
        "X-Forwarded-Proto",
        "Content-Encoding",
    )
    for name in draw.sample(others, draw.choice((0, 0, 1, 3))):
        made.append((name, draw.choice(("bytes=0-", "bytes=9-1,5-", "gzip", "203.0.113.9", _text(draw)))))
    return [(name.encode(), _header_value(value)) for name, value in made]


def _header_value(text: str) -> bytes:
    """What a server takes as a header at all: no line ends, no NUL."""
    return "".join(each for each in text if each.isprintable()).strip().encode("utf-8", "replace")


def _body(draw: Random, path: str, sp: Sp) -> bytes:
    if draw.random() < 0.2:
        return b""
    fields: dict[str, Any] = {"callerNbr": "+12025550111", "calleeNbr": "+12025550133"}
    if "callStop" in path:
        fields = {"sessionid": draw.choice(sp.own), "signal": "call_stop"}
    for name in draw.choices(_FIELDS, k=draw.choice((1, 1, 2, 5))):
        fields[name] = _value(draw)
    text = json.dumps(fields, ensure_ascii=draw.random() < 0.5)
    whole = text.encode(errors="surrogatepass")
    match draw.randrange(24):
        case 0:
            return whole[: draw.randrange(len(whole))]
        case 1:
            return text.encode("utf-16", "surrogatepass")
        case 2:
            return b"\xef\xbb\xbf" + whole
        case 3:
            return gzip.compress(whole, mtime=0)
        case 4:
            return draw.randbytes(draw.choice((1, 40, 3000)))
        case 5:
            return urlencode([(name, str(value)) for name, value in fields.items()], errors="replace").encode()
        case 6:
            return b"[" * draw.choice((1, 100, 50_000))
        case 7:
            return b" " * draw.choice((10, 70_000)) + whole
        case 8:
            return whole[:-1] + b"," + whole[1:]
        case 9:
            return b'<?xml version="1.0"?><!DOCTYPE a [<!ENTITY b SYSTEM "file:///etc/passwd">]><a>&b;</a>'
        case 10:
            return b"&".join(b"a%d=b" % number for number in range(draw.choice((10, 300))))
        case 11:
            return json.dumps(_value(draw)).encode()
        case 12:
            return b'{"a":' * 2000 + b"1" + b"}" * 2000
    return whole


def _value(draw: Random) -> Any:
    match draw.randrange(4):
        case 0:
            return draw.choice(_VALUES)
        case 1:
            return base64.b64encode(_text(draw).encode(errors="replace")).decode()
    return _text(draw)


def _text(draw: Random) -> str:
    text = draw.choice(_TEXTS)
    return text if draw.random() < 0.9 else text + draw.choice(_TEXTS)
