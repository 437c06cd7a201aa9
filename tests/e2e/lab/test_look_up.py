"""Look up a callback, what it left in call memory, and its recording, over HTTP and with permissions checked."""

import json
import urllib.request
from datetime import UTC, datetime
from urllib.parse import quote, urlsplit

import pytest

from duologue.operator.__main__ import main
from lab.cases.catalogue import named
from lab.sp.client import CALL_MEMORIES, Reply
from tests.e2e.waiting import until

SOUND = b"RIFF and so on"


@pytest.fixture(scope="module")
def talked(quiet_once):
    """A callback that is over, in which both talked."""
    return quiet_once.at_once([named("talked")])[0].result(timeout=120)


@pytest.fixture(scope="module")
def quiet_once(case_player):
    case_player.wait()
    return case_player


def look_up(sp, session: str) -> Reply:
    return get(sp, f"/duologue/v1/callbacks/{quote(session)}")


def get(sp, path: str, **query: str) -> Reply:
    proof = {"app_key": sp.account.app_key, "access_token": sp.client.access_token}
    return sp.client.send(path, {**proof, **query}, method="GET")


def test_a_callback_tells_its_whole_story(talked):

    def told() -> list[str]:
        """Which were acknowledged, which is stored a moment after the SP has done so."""
        facts = look_up(talked.sp, talked.session).body["facts"]
        return [fact["eventType"] for fact in facts if fact.get("told", {}).get("accepted")]

    until(lambda: told() == [notification.kind for notification in talked.notifications])
    body = look_up(talked.sp, talked.session).body
    assert (body["phase"], body["ending"]["stateCode"]) == ("over", 0)
    assert (body["caller"]["number"], body["callee"]["number"]) == (talked.pair.caller, talked.pair.callee)
    assert [fact["sequence"] for fact in body["facts"]] == list(range(1, len(body["facts"]) + 1))


def test_the_log_lines_of_a_callback_are_found(talked, lab, capsys):
    """In the log groups that the functions write to."""
    assert main(("logs", talked.session, "--json"), lab.client) == 0
    lines = json.loads(capsys.readouterr().out)["lines"]
    assert {line["function"] for line in lines} >= {"callback_api", "flow", "call_control", "notify_sp"}
    assert lines == sorted(lines, key=lambda line: line["at"])


def test_another_sp_is_told_what_an_unknown_id_is(talked, new_sp):
    other = new_sp("curious")
    foreign, unknown = look_up(other, talked.session), look_up(other, "1_2_3_20261123090000@duologue.example.com")
    assert (foreign.status, foreign.body) == (unknown.status, unknown.body) == (403, unknown.body)
    assert foreign.code == "1020152"
    record = {"fileName": f"{talked.call_id}.wav", "recordDomain": "duologue.example.com"}
    assert get(other, "/rest/provision/voice/record/v1.0", **record).code == "1012007"


def test_an_app_lists_its_calls_its_usage_and_its_cdrs(talked, new_sp):
    """With permissions checked. CDRs come to the archive a quarter of an hour after their calls."""
    sp, wanted = talked.sp, {"number": talked.pair.callee, "result": "talked"}
    listed = get(sp, "/duologue/v1/callbacks", **wanted).body["callbacks"]
    assert talked.session in [call["sessionId"] for call in listed]
    assert get(sp, "/duologue/v1/usage").body["total"]["talked"] >= 1
    assert get(sp, "/duologue/v1/cdrs", day=f"{datetime.now(UTC):%Y-%m-%d}").code == "0"
    other = new_sp("curious-3")
    assert get(other, "/duologue/v1/callbacks", **wanted).body["callbacks"] == []
    assert get(other, "/duologue/v1/usage").body["total"]["calls"] == 0


def test_a_memory_is_looked_up_changed_listed_and_deleted(talked, new_sp):
    """What the callback of two who talked has left, with permissions checked and the key service asked."""
    sp, display, callee, jill = talked.sp, talked.sp.numbers[1], talked.pair.callee, "+12025550144"
    memory = sp.client.memory(display, callee).body["callMemory"]
    assert (memory["callerNbr"], memory["setBy"]) == (talked.pair.caller, "call")
    assert (memory["sessionId"], memory["wouldRing"], memory["history"]) == (talked.session, True, [])
    changed = sp.client.repoint(display, callee, jill, memory["version"])
    assert (changed.status, changed.body["callMemory"]["callerNbr"]) == (200, jill)
    assert changed.body["callMemory"]["history"][0]["who"].startswith(f"{sp.account.app_key} ")
    late = sp.client.repoint(display, callee, talked.pair.caller, memory["version"])
    assert (late.status, late.body.get("resultcode"), late.body.get("version")) == (
        403,
        "1010002",
        memory["version"] + 1,
    ), late

    first = get(sp, CALL_MEMORIES, displayNbr=display, limit="1").body
    listed, cursor = first["callMemories"], first.get("cursor")
    while cursor:
        page = get(sp, CALL_MEMORIES, displayNbr=display, limit="1", cursor=cursor).body
        listed, cursor = listed + page["callMemories"], page.get("cursor")
    assert [each["callerNbr"] for each in listed if each["calleeNbr"] == callee] == [jill]

    other = new_sp("curious-2")
    assert other.client.memory(display, callee).code == "1010023"
    if "cursor" in first:
        assert get(other, CALL_MEMORIES, displayNbr=other.numbers[1], cursor=first["cursor"]).code == "1010002"
    assert sp.client.forget(display, callee, memory["version"] + 1).status == 200
    for again in (sp.client.memory(display, callee), sp.client.forget(display, callee, memory["version"] + 1)):
        assert (again.status, again.code) == (403, "1016001")


def test_a_recording_by_its_link(lab, talked, new_sp):
    """The record is made up: what matters here is the way from its name to its sound."""
    lab.client("dynamodb").update_item(
        TableName=lab.outputs["CallsTable"],
        Key={"call": {"S": talked.call_id}, "item": {"S": "CALL"}},
        UpdateExpression="SET recording_key = :key, recording_started_at = :at",
        ExpressionAttributeValues={
            ":key": {"S": "calls/as/the/network.wav"},
            ":at": {"S": datetime.now(UTC).isoformat()},
        },
    )
    record = {"fileName": f"{talked.call_id}.wav", "recordDomain": "duologue.example.com"}
    asked = get(talked.sp, "/rest/provision/voice/record/v1.0", **record)
    assert (asked.status, asked.code) == (403, "1011006")

    published = f"published/{talked.sp.account.app_key}/{talked.call_id}.wav"
    lab.client("s3").put_object(Bucket=lab.outputs["RecordingsBucket"], Key=published, Body=SOUND)
    asked = get(talked.sp, "/rest/provision/voice/record/v1.0", **record)
    assert (asked.status, asked.body) == (301, {})
    link = asked.headers["Location"]
    assert link.startswith(f"{lab.api_url}/r/")
    assert len(link) <= 512
    with urllib.request.urlopen(link, timeout=30) as sound:  # as a browser does it
        assert sound.read() == SOUND
        assert sound.headers["Content-Type"] == "audio/wav"
    guessed = talked.sp.client.send(urlsplit(link).path[:-1] + "-", {}, method="GET")
    assert (guessed.status, guessed.code) == (404, "1012007")
