"""What a node needs of AWS, over HTTP on loopback: the nodes table, and a function that a bench answers for."""

import json
import threading
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import boto3

from pstn.lines.sip.child import LOOPBACK

Invoke = Callable[[dict[str, Any]], dict[str, Any]]
REGION = "us-east-1"
FUNCTION = f"arn:aws:lambda:{REGION}:111122223333:function:bench:live"


class AwsStub:
    """Serves as soon as it is created. `invoke`: the function, an event to its answer; called on several threads.

    Attributes:
        rows: of the nodes table, with DynamoDB's types, by the node's id.
    """

    def __init__(self, invoke: Invoke) -> None:
        self.rows: dict[str, dict[str, Any]] = {}
        stub = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"
            disable_nagle_algorithm = True

            def do_POST(self) -> None:
                body = json.loads(self.rfile.read(int(self.headers["Content-Length"])) or b"{}")
                target = self.headers.get("X-Amz-Target")
                answer = json.dumps(stub.answer(target.rpartition(".")[2], body) if target else invoke(body)).encode()
                self.send_response(200)
                self.send_header("Content-Length", str(len(answer)))
                self.end_headers()
                self.wfile.write(answer)

            def log_message(self, *_: Any) -> None: ...

        self._server = ThreadingHTTPServer((LOOPBACK, 0), Handler)
        self._server.daemon_threads = True
        self._thread = threading.Thread(target=self._server.serve_forever, name="aws-stub", daemon=True)
        self._thread.start()

    def environment(self) -> dict[str, str]:
        """Variables that lead a process's clients here."""
        return {
            "AWS_ENDPOINT_URL": f"http://{LOOPBACK}:{self._server.server_address[1]}",
            "AWS_ACCESS_KEY_ID": "bench",
            "AWS_SECRET_ACCESS_KEY": "bench",
            "AWS_DEFAULT_REGION": REGION,
        }

    def client(self, service: str) -> Any:
        create: Any = boto3.client  # its types want a name that is known beforehand
        return create(
            service,
            endpoint_url=self.environment()["AWS_ENDPOINT_URL"],
            region_name=REGION,
            aws_access_key_id="bench",
            aws_secret_access_key="bench",  # noqa: S106 - nothing real
        )

    def answer(self, operation: str, asked: dict[str, Any]) -> dict[str, Any]:
        """Of DynamoDB, as far as a node uses it; other services' operations succeed with nothing."""
        if operation == "UpdateItem":
            names, values = asked["ExpressionAttributeNames"], asked["ExpressionAttributeValues"]
            self.rows[asked["Key"]["node"]["S"]] = asked["Key"] | {names[f"#{key[1:]}"]: values[key] for key in values}
        return {"Items": list(self.rows.values())} if operation in ("Scan", "Query") else {}

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()
