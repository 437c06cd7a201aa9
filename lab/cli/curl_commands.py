"""An SP's requests as `curl` commands for a second terminal, with valid credentials filled in."""

import base64
import json
import shlex
from urllib.parse import quote

from lab.sp.client import CALL_STOP, CLICK2CALL, LOG_IN
from lab.sp.service_provider import ServiceProvider

_JSON = "-H 'Content-Type: application/json'"


def commands(api_url: str, sp: ServiceProvider, caller: str, callee: str) -> str:
    """Log in, place a callback, stop it: three commands for a POSIX shell with curl, each after a comment."""
    key = quote(sp.account.app_key)
    login = f"{api_url}{LOG_IN}?app_key={key}&username={quote(sp.account.username)}"
    password = shlex.quote(f"Authorization: {sp.account.password}")
    body = json.dumps(
        {
            "callerNbr": caller,
            "calleeNbr": callee,
            "displayNbr": sp.numbers[0],
            "displayCalleeNbr": sp.numbers[1],
            "statusUrl": _base64(sp.receiver.status_url),
            "feeUrl": _base64(sp.receiver.fee_url),
            "userData": "order-17",
        }
    )
    return f"""\
# log in (tokens are valid for 48 hours; at most 5 log-ins a minute)
TOKEN=$(curl -s -X POST -H {password} {shlex.quote(login)} | {_value_of("access_token")}); echo "$TOKEN"

# ring {caller}, then {callee}, and join them
SESSION=$(curl -s {_JSON} "{api_url}{CLICK2CALL}?app_key={key}&access_token=$TOKEN" \\
  -d {shlex.quote(body)} | tee /dev/stderr | {_value_of("sessionId")})

# stop it
curl -s {_JSON} "{api_url}{CALL_STOP}?app_key={key}&access_token=$TOKEN" \\
  -d '{{"sessionid": "'"$SESSION"'", "signal": "call_stop"}}'
"""


def _base64(url: str) -> str:
    return base64.b64encode(url.encode()).decode()


def _value_of(name: str) -> str:
    """A filter that prints one string value of a flat JSON object, so that only curl is needed."""
    return f"""sed -E 's/.*"{name}": ?"([^"]*)".*/\\1/'"""
