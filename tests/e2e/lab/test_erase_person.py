"""A person is erased from a running lab: before, the number is readable nowhere; afterwards, it is nowhere."""

import json
import os
import subprocess
import sys
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread

import pytest

from lab.lab import AUDIO
from pstn.lines.behaviours import answers
from pstn.lines.phone_state import Phone
from tests.e2e.lab import traces
from tests.telephone_numbers import telephone_numbers_in

LONGEST_S = 120


@pytest.fixture(scope="module")
def operate(lab):
    def run(*words):
        command = [sys.executable, "-m", "duologue.operator", *map(str, words)]
        done = subprocess.run(
            command, env={**os.environ, **lab.environment}, check=True, capture_output=True, encoding="utf-8"
        )
        return json.loads(done.stdout)

    return run


class _Echo(BaseHTTPRequestHandler):
    """An SP's server that fails, and repeats in its reply what it was sent."""

    def do_POST(self):
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.send_response(500)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass


@pytest.fixture
def failing_url():
    with ThreadingHTTPServer(("127.0.0.1", 0), _Echo) as server:
        Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}/status"
        server.shutdown()


def until(happened, what):
    ends = time.monotonic() + LONGEST_S
    while not happened():
        assert time.monotonic() < ends, what
        time.sleep(0.2)


def call_ids(operate, number):
    return [call["call"] for call in operate("person", "show", number)["calls"]]


def test_a_person_is_erased_from_all_that_calls_leave(lab, new_sp, operate, messages, failing_url):
    sp = new_sp("eraser", settings=("--recording",))
    operate("prompt", "put", sp.client.account.app_key, AUDIO / "recording-notice.wav", "--name", "ours.wav")
    other, person = "+13125550161", "+13125550162"
    digits = person.removeprefix("+1")
    phones = lab.pstn.exchange.phones
    phones[other], phones[person] = Phone(answers(1)), Phone(answers(1, talks=6.0))

    def readable():
        """Where the number is, whoever looks."""
        places = [*traces.items(lab), *traces.executions(lab).values(), *messages]
        places += [*traces.log_lines(lab), *traces.object_keys(lab)]
        return telephone_numbers_in(places, digits)

    recorded = sp.place(other, person, recordFlag="true", userData=f"ask {person}").body["sessionId"]
    assert sp.receiver.wait_for_fee(recorded, LONGEST_S)

    def files() -> set[str]:
        """Where there is one of the recording: the network's, and the one for the SP."""
        return {key.partition("/")[0] for key in traces.object_keys(lab) if recorded.partition("@")[0] in key}

    until(lambda: files() == {"calls", "published"}, "no recording")
    phones[other] = Phone(answers(1, talks=2.0))
    lab.pstn.exchange.call_in(person, sp.numbers[1])
    until(lambda: len(call_ids(operate, person)) == 2, "no return call")
    urls = {"status_url": failing_url, "fee_url": failing_url}
    failing = sp.client.place(callerNbr=person, calleeNbr=other, **urls).body["sessionId"]
    refused = sp.client.place(callerNbr=other, calleeNbr=person, displayNbr="+12025550199", **urls)
    assert refused.body["resultcode"] != "0"
    phases = {"over"}
    until(
        lambda: (
            {call["phase"] for call in operate("person", "show", person)["calls"]} == phases
            and len(call_ids(operate, person)) == 3
        ),
        "a call is not over",
    )
    until(
        lambda: failing.partition("@")[0] in str(operate("notification", "list", "--app", sp.client.account.app_key)),
        "no notification waits",
    )
    calls = call_ids(operate, person)
    assert readable() == []
    assert [call for call in calls if not any(call in item for item in traces.items(lab))] == []

    erased = operate("person", "erase", person)
    assert (erased["calls"], erased["recordings"], erased["in_progress"]) == (3, 1, [])
    assert erased["memories"] >= 1
    assert readable() == []
    assert call_ids(operate, person) == []
    left = [item for item in traces.items(lab) if any(call in item for call in calls)]
    assert [item for item in left if '"sealed"' in item] == []
    assert [key for key in traces.object_keys(lab) if any(call in key for call in calls)] == []
    erased = operate("person", "erase", person)
    assert (erased["calls"], erased["recordings"], erased["memories"]) == (0, 0, 0)
