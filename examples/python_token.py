"""Generation 1, Python: log in for a token, place a callback, wait for its CDR, log out.

Environment: API (the platform's address), APP_KEY, APP_SECRET, SP_USERNAME, SP_PASSWORD, CALLER, CALLEE.
"""

import base64
import hashlib
import hmac
import json
import os
import queue
import threading
import time
import urllib.error
import urllib.parse
import urllib.request
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

API = os.environ["API"]
TIMEOUT_S = 120
TOLERANCE_S = 300


class Refused(Exception):
    """The platform said no; the text has its code and its reason."""


def post(path, query, body=b"", headers=None):
    """One POST. A refusal has a body too, and a status that is not 200."""
    url = f"{API}{path}?{urllib.parse.urlencode(query)}"
    request = urllib.request.Request(url, data=body, headers=headers or {}, method="POST")
    try:
        with urllib.request.urlopen(request, timeout=30) as response:
            answer = json.load(response)
    except urllib.error.HTTPError as error:
        answer = json.load(error)
    if answer["resultcode"] != "0":
        raise Refused(f"{answer['resultcode']} {answer['resultdesc']}")
    return answer


def is_signed(headers, body, now):
    """Whether the platform sent this body, not long ago (https://www.standardwebhooks.com)."""
    signed = f"{headers['webhook-id']}.{headers['webhook-timestamp']}.".encode() + body
    expected = base64.b64encode(hmac.digest(os.environ["APP_SECRET"].encode(), signed, hashlib.sha256)).decode()
    given = [each.removeprefix("v1,") for each in headers["webhook-signature"].split()]  # two, during a rotation
    good = any([hmac.compare_digest(each, expected) for each in given])
    return good and abs(now - int(headers["webhook-timestamp"])) <= TOLERANCE_S


class Seen:
    """The notifications that were processed. A server with several processes keeps them in its database."""

    def __init__(self):
        self._ids = set()
        self._lock = threading.Lock()

    def is_new(self, headers):
        """The id is the same for every attempt, so this ends repeats by the platform and replays by others alike."""
        with self._lock:
            known = headers["webhook-id"] in self._ids
            self._ids.add(headers["webhook-id"])
            return not known


def listen():
    """A server for what the platform tells, and the queue that it puts the CDR into."""
    records, seen = queue.Queue(), Seen()

    class Receiver(BaseHTTPRequestHandler):
        def do_POST(self):
            body = self.rfile.read(int(self.headers["Content-Length"]))
            if not is_signed(self.headers, body, time.time()):
                self.send_error(403)
                return
            if seen.is_new(self.headers):
                told = json.loads(body)
                if told["eventType"] == "fee":
                    records.put(told["feeLst"][0])
                else:
                    print(json.dumps({"event": told["eventType"], **told.get("statusInfo", {})}), flush=True)
            answer = b'{"resultcode":"0","resultdesc":"Success"}'
            self.send_response(200)
            self.send_header("Content-Length", str(len(answer)))
            self.end_headers()
            self.wfile.write(answer)

        def log_message(self, *_):
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Receiver)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    return f"http://127.0.0.1:{server.server_address[1]}", records


def main():
    key = os.environ["APP_KEY"]
    who = {"app_key": key, "username": os.environ["SP_USERNAME"]}
    token = post("/rest/fastlogin/v1.0", who, headers={"Authorization": os.environ["SP_PASSWORD"]})["access_token"]
    proof = {"app_key": key, "access_token": token}

    url, records = listen()
    encoded = base64.b64encode(url.encode()).decode()
    wanted = {
        "callerNbr": os.environ["CALLER"],
        "calleeNbr": os.environ["CALLEE"],
        "statusUrl": encoded,
        "feeUrl": encoded,
        "userData": "order-17",
    }
    body = json.dumps(wanted).encode()
    kind = {"Content-Type": "application/json;charset=UTF-8"}
    placed = post("/rest/httpsessions/click2Call/v2.0", proof, body, kind)
    print(json.dumps({"placed": placed["sessionId"]}), flush=True)

    record = records.get(timeout=TIMEOUT_S)
    print(json.dumps({"record": record}), flush=True)
    print(json.dumps({"out": post("/rest/logout/v1.0", proof)["resultdesc"]}), flush=True)


if __name__ == "__main__":
    main()
