"""Generation 2, Python: sign every request by the app's secret (AKSK), place a callback, stop it.

Environment: API (the platform's address), APP_KEY, APP_SECRET, CALLER, CALLEE.
"""

import base64
import hashlib
import hmac
import http.client
import json
import os
import secrets
import sys
import time
from urllib.parse import urlsplit

API = urlsplit(os.environ["API"])
RINGS_S = 1.0
"""How long to let the caller's phone ring before the stop."""


class Refused(Exception):
    """The platform said no; the text has its code and its reason."""


def signed():
    """The headers of one request. A nonce is good once."""
    nonce = secrets.token_hex(16)
    created = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
    mac = hmac.digest(os.environ["APP_SECRET"].encode(), (nonce + created).encode(), hashlib.sha256)
    digest = base64.b64encode(mac).decode()
    return {
        "Authorization": 'AKSK realm="SDP",profile="UsernameToken",type="Appkey"',
        "X-AKSK": f'UsernameToken Username="{os.environ["APP_KEY"]}",'
        f'PasswordDigest="{digest}",Nonce="{nonce}",Created="{created}"',
        "Content-Type": "application/json;charset=UTF-8",
    }


def post(path, body):
    secure = API.scheme == "https"
    connection = (http.client.HTTPSConnection if secure else http.client.HTTPConnection)(API.netloc, timeout=30)
    try:
        connection.request("POST", API.path + path, json.dumps(body), signed())
        answer = json.loads(connection.getresponse().read())
    finally:
        connection.close()
    if answer["resultcode"] != "0":
        raise Refused(f"{answer['resultcode']} {answer['resultdesc']}")
    return answer


def main():
    wanted = {"callerNbr": os.environ["CALLER"], "calleeNbr": os.environ["CALLEE"], "maxDuration": 5}
    session = post("/rest/httpsessions/click2Call/v2.0", wanted)["sessionId"]
    print(json.dumps({"placed": session}), flush=True)
    time.sleep(RINGS_S)
    stopped = post("/rest/httpsessions/callStop/v2.0", {"sessionid": session, "signal": "call_stop"})
    print(json.dumps({"stopped": stopped["resultdesc"]}), flush=True)


if __name__ == "__main__":
    try:
        main()
    except Refused as refused:
        sys.exit(f"refused: {refused}")
