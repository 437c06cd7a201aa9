"""The cloud's part of the control API (`/_lab/cloud`, JSON, no signature; web pages get nothing, pstn/http_guard.py).

| Request | What |
| --- | --- |
| GET /_lab/cloud | the switches, and by fault how many occasions and faults there were |
| PUT /_lab/cloud | changes the switches that it names, from now on |
"""

from __future__ import annotations

import json
from typing import Any

from lab.aws import switches
from lab.aws.cloud import Cloud
from lab.aws.fault_plan import PLAN
from lab.aws.overlay.requests import Handler

PREFIX = "/_lab/cloud"


def control(cloud: Cloud) -> Handler:
    """Serves `PREFIX` for this cloud."""

    async def handle(
        method: str, path: str, _: dict[str, str], body: bytes, __: dict[str, list[str]]
    ) -> tuple[int, dict[str, str], bytes]:
        if path.rstrip("/") != PREFIX or method not in ("GET", "PUT"):
            return _answer(404, {"message": f"No such resource: {method} {path}"})
        if method == "PUT":
            try:
                given = json.loads(body)
                if not isinstance(given, dict):
                    raise ValueError("The request body is not a JSON object")
                cloud.switches = switches.changed(cloud.switches, given)
            except (ValueError, RecursionError) as error:
                return _answer(400, {"message": str(error)})
        return _answer(200, {"switches": switches.shown(cloud.switches), "faults": PLAN.counts()})

    return handle


def _answer(status: int, content: dict[str, Any]) -> tuple[int, dict[str, str], bytes]:
    return status, {"Content-Type": "application/json"}, json.dumps(content).encode()
