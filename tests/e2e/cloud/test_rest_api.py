"""The REST API at the root of its own port."""

import http.client
import json
import socket

import pytest


def test_a_request_reaches_the_function_as_the_client_wrote_it(stack):
    host = f"localhost:{stack.edge.port}"
    raw = (
        b"POST /echo/bob?a=1&a=2&b=%C3%A9 HTTP/1.1\r\nHost: " + host.encode() + b"\r\nX-aKsk-MiXed: one\r\n"
        b"Authorization: Secret\r\nx-twice: 1\r\nx-twice: 2\r\nContent-Length: 2\r\nConnection: close\r\n\r\nhi"
    )
    with socket.create_connection(("127.0.0.1", stack.edge.port)) as connection:
        connection.sendall(raw)
        answer = b""
        while chunk := connection.recv(65536):
            answer += chunk
    head, _, body = answer.partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 201 ")
    shown = json.loads(body)
    assert shown["path"] == "/echo/bob"
    assert shown["pathParameters"] == {"name": "bob"}
    assert shown["query"] == {"a": "2", "b": "é"}
    assert shown["headers"]["X-aKsk-MiXed"] == "one"
    assert shown["headers"]["Authorization"] == "Secret"
    assert shown["headers"]["Host"] == host
    assert shown["multiValueHeaders"]["x-twice"] == ["1", "2"]
    assert shown["headers"]["x-twice"] == "2"
    assert (shown["body"], shown["isBase64Encoded"]) == ("hi", True), "of a type that the API has as binary"


def test_the_address_is_the_peers_whatever_a_header_claims(stack):
    shown = stack.request("/echo/bob", "POST", b"", X_Forwarded_For="203.0.113.9").json()
    assert shown["sourceIp"] == "127.0.0.1"
    assert shown["headers"]["X-Forwarded-For"] == "203.0.113.9, 127.0.0.1"


def test_status_headers_and_body_come_back(stack):
    answer = stack.request("/echo/bob", "POST", b"x")
    assert answer.status == 201
    assert answer.headers["X-Answer"] == "yes"
    assert answer.headers["Content-Type"] == "application/json"
    assert answer.headers["x-amzn-RequestId"]


@pytest.mark.parametrize("accept", [None, "*/*", "audio/wav", "text/html,application/xhtml+xml,*/*;q=0.8"])
def test_bytes_come_back_whatever_the_client_accepts(stack, accept):
    """AWS: so for the binary media type */*; of other types only the first one of Accept is looked at."""
    line = http.client.HTTPConnection("127.0.0.1", stack.edge.port)
    try:
        for method, body in (("POST", b"bytes"), ("HEAD", None)):
            line.request(method, "/echo/bob", body, {} if accept is None else {"Accept": accept})
            answer = line.getresponse()
            assert (answer.status, answer.headers["Content-Length"]) == (200, "256")
            assert answer.read() == (bytes(range(256)) if method == "POST" else b"")
    finally:
        line.close()


def test_an_answer_that_lambda_does_not_take_is_the_gateways_own(stack):
    answer = stack.request("/echo/bob", "POST", b"too much")
    assert (answer.status, answer.json()) == (502, {"resultcode": "5xx"})


def test_an_unknown_route_answers_with_the_gateway_response(stack):
    for answer in (stack.request("/nowhere"), stack.request("/echo/bob", "GET")):
        assert (answer.status, answer.json()) == (404, {"resultcode": "404"})


@pytest.mark.parametrize("how", [b"raise", b"nonsense", b"no status"])
def test_a_function_that_fails_is_the_gateways_own_answer_without_its_error(stack, how):
    answer = stack.request("/echo/bob", "POST", how)
    assert (answer.status, answer.json()) == (502, {"resultcode": "5xx"})
    assert b"secret" not in answer.body


def test_too_many_requests_answer_with_the_gateway_response(stack):
    answers = [stack.request(f"/limited/{number}") for number in range(5)]
    assert [answer.status for answer in answers] == [201, 201, 429, 429, 429], "a burst of two"
    assert answers[-1].json() == {"resultcode": "throttled"}
    assert stack.request("/echo/bob", "POST").status == 201, "another method has its own limit"


def test_a_connection_serves_request_after_request(stack):
    connection = http.client.HTTPConnection("127.0.0.1", stack.edge.port)
    try:
        for number in range(3):
            connection.request("POST", "/echo/bob", body=str(number))
            answer = connection.getresponse()
            assert (answer.status, f'"body": "{number}"'.encode() in answer.read()) == (201, True)
    finally:
        connection.close()


def test_nonsense_on_the_wire_is_a_bad_request(stack):
    with socket.create_connection(("127.0.0.1", stack.edge.port)) as connection:
        connection.sendall(b"this is not HTTP\r\n\r\n")
        assert connection.recv(1000).startswith(b"HTTP/1.1 400 ")


def test_a_body_over_the_limit_is_refused(stack):
    answer = stack.request("/echo/bob", "POST", b"x" * (10 * 1024 * 1024 + 1))
    assert (answer.status, answer.json()) == (413, {"resultcode": "4xx"})


def test_nothing_of_a_request_is_logged(stack, caplog, capfd):
    with caplog.at_level("DEBUG"):
        stack.request("/echo/bob?password=hunter2", "POST", b"hi", Authorization="TokenOfMine")
    out, err = capfd.readouterr()
    for text in (caplog.text, out, err):
        assert "hunter2" not in text
        assert "TokenOfMine" not in text
