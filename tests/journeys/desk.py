"""The SP's API before a line: a request as it comes over the wire, through the function's handler, to the phones."""

import json
from dataclasses import replace
from typing import Any

from duologue.usecases.calls.look_up_callback import LookUpCallback
from duologue.usecases.notifying.fetch_events import FetchEvents
from duologue.usecases.notifying.replay_notifications import ReplayNotifications
from functions.callback_api.handler import answer
from tests.fakes.recordings import RECORDS
from tests.functions.worlds import Api, sample
from tests.journeys.line import CALLEE, CALLER, Line


class Desk:
    """Asks for callbacks on a line. `settings`: of the app, where they are not those by default."""

    def __init__(self, line: Line, **settings: Any) -> None:
        self._api = Api(**settings)
        line.app = replace(self._api.accounts.app(self._api.key), concurrent_calls=line.app.concurrent_calls)
        self._api.accounts.apps[self._api.key] = line.app
        others = replace(
            self._api.dependencies.others(),
            stop=line.stop_callback,
            look_up=LookUpCallback(line.calls),
            fetch_events=FetchEvents(line.calls, line.clock),
            app_events=line.calls,
            replay=ReplayNotifications(line.calls, line.calls, line.calls, line.clock),
            records=RECORDS,
        )
        self._parts = replace(
            self._api.dependencies,
            authenticate=replace(self._api.dependencies.authenticate, clock=line.clock),
            place=line.place_callback,
            others=lambda: others,
        )

    def ask(self, **fields: Any) -> dict[str, Any]:
        """The answer to a request with these fields beside the two numbers and the URLs of the sample."""
        event = sample("callback_api", "callback_placed")
        named = {name: value for name, value in json.loads(event["body"]).items() if name.endswith("Url")}
        body = {"callerNbr": CALLER, "calleeNbr": CALLEE, **named, **fields}
        said: dict[str, Any] = json.loads(answer(event | {"body": json.dumps(body)}, self._parts)["body"])
        return said

    def place(self, **fields: Any) -> str:
        """The id of the call that a request was accepted as."""
        said = self.ask(**fields)
        assert said["resultcode"] == "0", said
        session: str = said["sessionId"]
        return session.partition("@")[0]
