"""The API in process: the lab's edge and MiniStack's API Gateway, with the template's API, before the real handlers.

bytes ──▶ lab/aws/edge.py ──▶ API Gateway, corrected by lab/aws/overlay ──▶ handlers on stores in memory
"""

import asyncio
import json
import os
from types import SimpleNamespace
from typing import Any, cast

from duologue.runtime.wiring import sessions as sessions_wiring
from duologue.usecases.access.log_in import LogIn
from duologue.usecases.access.log_out import LogOut
from duologue.usecases.access.refresh_token import RefreshToken
from functions.sessions.handler import answer as answer_session
from lab.aws import overlay
from lab.aws.cloud import Cloud
from lab.aws.edge import Edge
from lab.aws.ministack import ACCOUNT, REGION, ministack
from tests.architecture.translated import created
from tests.functions.worlds import CALL_ID, HOST, Api, sample
from tests.hostile.requests import Attack, Sp
from tests.hostile.verdict import Answer, read

_PEER = "203.0.113.7"
_FOREIGN = f"9_9_9_20261123090000@{HOST}"


class _Writer:
    """Keeps what is sent."""

    def __init__(self) -> None:
        self.sent = bytearray()

    def write(self, data: bytes) -> None:
        self.sent += data

    async def drain(self) -> None:
        pass

    def get_extra_info(self, _: str) -> tuple[str, int]:
        return _PEER, 50_000


class InProcess:
    """Use `answer`, and `close` at the end. The stores are new after `renew`."""

    def __init__(self) -> None:
        if not overlay.applied():
            overlay.apply()
        self._edge = Edge(cast("Cloud", SimpleNamespace(account=ACCOUNT, region=REGION)))
        self._api = ministack("services.apigateway_v1")
        self._stock, self._api._call_lambda_raw = self._api._call_lambda_raw, self._invoke
        self._loop = asyncio.new_event_loop()
        ministack("core.responses").set_request_account_id(ACCOUNT)
        ministack("core.responses").set_request_region(REGION)
        self._edge._api_id, self._edge._stage = self._deployed(), "live"
        self.raised: list[BaseException] = []
        self.renew()

    def close(self) -> None:
        self._api._call_lambda_raw = self._stock
        self._edge._listener.close()
        self._loop.close()

    def renew(self) -> None:
        self.world = world = Api()
        world.record()
        world.remember()
        deps = (world.accounts, world.accounts, world.auth_attempts, world.clock, os.urandom)
        self._sessions = sessions_wiring.Dependencies(
            LogIn(*deps), RefreshToken(*deps), LogOut(world.accounts, world.clock)
        )
        query = sample("callback_api", "callback_placed")["queryStringParameters"]
        link = sample("recordings_api", "recording_link_followed")["pathParameters"]["token"]
        proof = {name: query[name] for name in ("app_key", "access_token")}
        self.sp = Sp(proof, (f"{CALL_ID}@{HOST}", _FOREIGN, link, CALL_ID, f"{CALL_ID}.wav"))

    def answer(self, attack: Attack) -> Answer:
        """Raises what the edge or a handler raised."""
        writer = _Writer()
        self._loop.run_until_complete(self._converse(attack.as_sent(f"127.0.0.1:{self._edge.port}"), writer))
        if self.raised:
            raise self.raised.pop()
        return read(bytes(writer.sent), attack.method)

    async def _converse(self, sent: bytes, writer: _Writer) -> None:
        reader = asyncio.StreamReader(limit=2**24)
        reader.feed_data(sent)
        reader.feed_eof()
        await self._edge._converse(reader, cast("asyncio.StreamWriter", writer))

    def _deployed(self) -> str:
        body = created()["Resources"]["Api"]["Properties"]["Body"]
        for methods in body["paths"].values():
            for operation in methods.values():
                integration = operation["x-amazon-apigateway-integration"]
                integration["uri"] = integration["uri"]["Fn::Sub"].replace("${AWS::Region}", REGION)
        api_id = str(self._api._import_rest_api(body))
        self._loop.run_until_complete(self._asked(f"/restapis/{api_id}/deployments", {"stageName": "live"}))
        return api_id

    async def _asked(self, path: str, body: dict[str, str]) -> None:
        status, _, said = await self._api.handle_request("POST", path, {}, json.dumps(body).encode(), {})
        assert status < 300, said

    async def _invoke(self, function: str, event: dict[str, Any], **_: Any) -> tuple[dict[str, Any], None]:
        event = json.loads(json.dumps(event))  # as Lambda gets it
        try:
            is_session = "Sessions" in function
            said = answer_session(event, self._sessions) if is_session else self.world.answer(event)
        except Exception as error:  # noqa: BLE001 - whatever it is, it is what this looks for
            self.raised.append(error)
            return {"error": "Unhandled"}, None
        return {"body": said}, None
