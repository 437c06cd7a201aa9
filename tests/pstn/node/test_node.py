"""A node over scripted phones: its API, its row, other nodes, and how it leaves."""

import io
import json
import threading
import time
from uuid import uuid4

import pytest
import urllib3

from pstn.lines.behaviours import answers, never_answers
from pstn.node import logs, node
from pstn.node.heartbeat import END_S
from pstn.node.table import DEAD_S
from tests.pstn.node.fixtures import BUCKET, CALLS, NODES, PATIENCE, SECRET, SHOWN, TO, Failing, Functions, post
from tests.pstn.scripted import action, bridge, hang_up, hang_up_the_rest

OTHER = "another-secret-with-enough-characters"
DIAL = {"FromPhoneNumber": SHOWN, "ToPhoneNumber": TO}
ENDS = {"CALL_UPDATE_REQUESTED": [hang_up("LEG-A"), hang_up("LEG-B")], "HANGUP": hang_up_the_rest}


def test_a_call_from_the_request_to_its_end(start):
    functions = Functions(CALL_ANSWERED=[bridge("+12025550122")], **ENDS)
    one = start(functions)
    one.rings(TO, answers(after=0.0))
    one.rings("+12025550122", answers(after=0.0))
    transaction = one.dial()
    assert transaction.startswith(f"{one.node.id}-")
    one.until(lambda: len(one.node.exchange.legs_up()) == 2)
    details = functions.events[0]["CallDetails"]
    assert (details["SipMediaApplicationId"], details["AwsAccountId"]) == ("duologue", "111122223333")
    assert one.update(transaction) == 202
    one.until(lambda: one.node.calls == 0)
    assert one.update(transaction) == 404
    assert functions.told.count("HANGUP") == 2


def test_a_call_from_outside_reaches_the_application(start):
    functions = Functions(NEW_INBOUND_CALL=[hang_up("LEG-A")])
    one = start(functions)
    assert one.node.exchange.call_in(TO, SHOWN)
    one.until(lambda: "HANGUP" in functions.told)


def test_the_api_has_two_operations_and_both_are_signed(start):
    one, answered = start(), {}
    unknown = [(CALLS, "GET"), (f"{CALLS}?x=1", "POST"), ("/sip-media-applications", "POST"), ("/sip-rules", "POST")]
    unknown += [("/phone-numbers", "GET"), ("/_lab/phones", "GET"), ("/_lab/switches", "PUT"), ("/healthz", "GET")]
    unsigned = [(CALLS, "POST"), (f"{CALLS}/{uuid4()}", "POST")]
    with urllib3.PoolManager(retries=False) as http:
        for path, method in unknown + unsigned:
            answer = http.request(method, f"http://{one.node.address}{path}", body=json.dumps(DIAL))
            answered[path, method] = answer.status, answer.headers["x-amzn-ErrorType"]
    not_found, forbidden = (404, "NotFoundException"), (403, "ForbiddenException")
    assert answered == dict.fromkeys(unknown, not_found) | dict.fromkeys(unsigned, forbidden)
    assert not one.node.exchange.calls


def test_both_ports_refuse_the_pages_of_browsers(start):
    one = start()
    ports = {one.node.address: CALLS, f"127.0.0.1:{one.node.admin_port}": "/metrics"}
    foreign = [{"Origin": "http://evil.example"}, {"Sec-Fetch-Site": "cross-site"}, {"Host": "evil.example"}]
    with urllib3.PoolManager(retries=False) as http:
        for address, path in ports.items():
            for headers in foreign:
                answer = http.request("GET", f"http://{address}{path}", headers=headers)
                assert (answer.status, answer.data[:14]) == (403, b"Refused by the")


def test_a_request_is_refused_under_another_secret_twice_from_before_the_start_or_too_long(start):
    one = start(secrets=(OTHER, SECRET))
    one.rings(TO, never_answers())
    assert post(one.node.address, CALLS, DIAL, secret="x" * 32)[0] == 403
    assert post(one.node.address, CALLS, DIAL, secret=OTHER)[0] == 201
    assert post(one.node.address, CALLS, DIAL, nonce="ab" * 16)[0] == 201
    assert post(one.node.address, CALLS, DIAL, nonce="ab" * 16)[0] == 403
    assert post(one.node.address, CALLS, DIAL, late_s=50)[0] == 429, "the node is younger"
    assert post(one.node.address, CALLS, {**DIAL, "SipHeaders": {"X-Long": "x" * 70_000}})[0] == 413
    assert len(one.node.exchange.calls) == 2


def test_a_node_without_room_answers_429_and_its_row_says_so(start, dynamodb):
    one = start(calls_per_station=1)
    one.rings(TO, never_answers())
    one.dial()
    status, answer = one.post(CALLS, DIAL)
    assert (status, answer["Code"]) == (429, "Throttled")
    one.node.heartbeat.beat()
    row = dynamodb.get_item(TableName=NODES, Key={"kind": {"S": "node"}, "node": {"S": one.node.id}})["Item"]
    assert (row["room"]["N"], row["calls"]["N"], row["address"]["S"]) == ("0", "1", one.node.address)
    assert one.get("/readyz")[0] == 200, "the others must not take it for broken"


def test_an_update_reaches_the_node_of_the_call_from_any_node(start):
    functions = Functions(**ENDS)
    owner, other = start(functions), start(Functions())
    owner.rings(TO, answers(after=0.0))
    transaction = owner.dial()
    owner.until(lambda: owner.node.exchange.legs_up())
    assert other.update(transaction) == 202
    owner.until(lambda: owner.node.calls == 0)
    assert other.update(transaction) == 404, "the owner's answer"
    hop = post(other.node.address, f"{CALLS}/{transaction}", {"Arguments": {}}, forwarded_by=owner.node.id)
    assert hop[0] == 404, "a request is passed on once"


def test_the_answer_for_a_call_whose_node_cannot_be_asked(start, dynamodb):
    one, now = start(), time.time()
    rows = {
        "unknown": (None, 404),
        "dead": ((now - DEAD_S - 1, False), 404),
        "gone": ((now, True), 404),
        "alive and out of reach": ((now, False), 503),
    }
    answered = {}
    for number, (name, (row, _)) in enumerate(rows.items()):
        node = f"a1b2c3d{number}"
        if row:
            item = {"kind": {"S": "node"}, "node": {"S": node}, "address": {"S": "127.0.0.1:1"}}
            more = {"beat_at": {"N": str(row[0])}, "gone": {"BOOL": row[1]}}
            dynamodb.put_item(TableName=NODES, Item=item | more)
        answered[name] = one.update(f"{node}-{uuid4()}")
    assert answered == {name: status for name, (_, status) in rows.items()}


def test_a_node_that_cannot_write_its_beat_takes_no_calls_and_ends_those_it_has_after_45_s(start, dynamodb):
    functions = Functions(**ENDS)
    one = start(functions)
    one.rings(TO, answers(after=0.0))
    one.dial()
    one.until(lambda: one.node.exchange.legs_up())
    dynamodb.delete_table(TableName=NODES)
    one.node.heartbeat._last -= DEAD_S + 1
    assert one.post(CALLS, DIAL)[0] == 429
    assert one.get("/readyz")[0] == 503
    assert one.get("/healthz")[0] == 200, "starting it anew would mend nothing"
    assert not one.node.heartbeat.beat()
    assert one.node.exchange.legs_up()
    one.node.heartbeat._last -= END_S
    one.until(lambda: one.node.calls == 0 and "HANGUP" in functions.told)


def test_a_node_whose_exchange_hangs_writes_no_beat_is_unhealthy_and_ends_as_a_process(start, monkeypatch):
    monkeypatch.setattr(node, "BEAT_S", 0.01)
    one, aborted = start(), []
    one.node.abort = lambda: aborted.append(True)
    hanging, over = threading.Event(), threading.Event()

    def hang():
        with one.node.exchange.lock:
            hanging.set()
            over.wait(PATIENCE)

    thread = threading.Thread(target=hang)
    thread.start()
    assert hanging.wait(PATIENCE)
    try:
        assert not one.node.heartbeat.beat()
        assert (one.get("/healthz")[0], aborted) == (503, [])
        one.node.heartbeat._last -= END_S
        one.until(lambda: aborted == [True])
    finally:
        over.set()
        thread.join()
    assert one.node.heartbeat.beat()
    assert one.get("/healthz")[0] == 200


def test_a_node_that_was_declared_dead_ends_its_calls_and_itself(start, dynamodb):
    functions = Functions()
    one = start(functions)
    one.rings(TO, answers(after=0.0))
    one.dial()
    one.until(lambda: one.node.exchange.legs_up())
    key = {"kind": {"S": "node"}, "node": {"S": one.node.id}}
    set_buried = {"UpdateExpression": "SET buried = :no", "ExpressionAttributeValues": {":no": {"BOOL": False}}}
    dynamodb.update_item(TableName=NODES, Key=key, **set_buried)
    one.node.heartbeat.beat()
    assert one.left() == 1
    assert functions.told[-1] == "HANGUP"
    assert not dynamodb.get_item(TableName=NODES, Key=key)["Item"]["gone"]["BOOL"]


def test_a_node_drains_without_cutting_a_call(start, dynamodb):
    functions = Functions(**ENDS)
    one = start(functions)
    one.rings(TO, answers(after=0.0))
    transaction = one.dial()
    one.until(lambda: one.node.exchange.legs_up())
    one.node.term()
    key = {"kind": {"S": "node"}, "node": {"S": one.node.id}}
    one.until(lambda: dynamodb.get_item(TableName=NODES, Key=key)["Item"]["draining"]["BOOL"])
    assert one.post(CALLS, DIAL)[0] == 429
    assert one.node.exchange.call_in("+12025550133", SHOWN) is None
    assert one.get("/readyz")[0] == 503
    assert one.node.exchange.legs_up()
    assert one.update(transaction) == 202
    assert one.left() == 0
    assert functions.told[-1] == "HANGUP"
    row = dynamodb.get_item(TableName=NODES, Key=key)["Item"]
    assert (row["gone"]["BOOL"], row["calls"]["N"], row["room"]["N"]) == (True, "0", "0")


@pytest.mark.parametrize("terms", [1, 2], ids=["the time to drain is over", "a second SIGTERM"])
def test_a_draining_node_ends_its_calls_in_the_end(start, terms):
    functions = Functions(CALL_ANSWERED=[bridge("+12025550122")])
    one = start(functions, drain_seconds=0 if terms == 1 else 3600)
    for number in (TO, "+12025550122"):
        one.rings(number, answers(after=0.0))
    one.dial()
    one.until(lambda: len(one.node.exchange.legs_up()) == 2)
    for _ in range(terms):
        one.node.term()
    assert one.left() == 0
    assert functions.told[-2:] == ["HANGUP", "HANGUP"]


def record(event):
    leg = event["CallDetails"]["Participants"][0]["CallId"]
    place = {"Type": "S3", "Location": f"{BUCKET}/calls"}
    return [action("StartCallRecording", CallId=leg, Track="BOTH", Destination=place)]


@pytest.mark.parametrize("down", [(), ("put_object",)], ids=["S3 takes it", "S3 is down"])
def test_a_node_leaves_in_order_only_if_its_recordings_are_stored(start, s3, dynamodb, down):
    one = start(Functions(CALL_ANSWERED=record))
    one.rings(TO, answers(after=0.0))
    one.dial()
    one.until(lambda: one.node.exchange.recordings_running())
    one.node.recordings._client = Failing(s3, *down)
    one.close()
    stored = [each["Key"] for each in s3.list_objects_v2(Bucket=BUCKET).get("Contents", [])]
    assert [key.split("/")[0] for key in stored] == ([] if down else ["calls"])
    assert one.node.recordings.waiting == len(down)
    row = dynamodb.get_item(TableName=NODES, Key={"kind": {"S": "node"}, "node": {"S": one.node.id}})["Item"]
    assert row["gone"]["BOOL"] is not bool(down), "else the others would not look for what there is of it"


def test_no_line_of_the_log_has_a_number_or_a_secret(start):
    written = io.StringIO()
    functions = Functions(CALL_ANSWERED=[bridge("+12025550122")], **ENDS)
    one = start(functions)
    logs.set_up(one.node.id, written)
    one.rings(TO, answers(after=0.0))
    one.rings("+12025550122", answers(after=0.0))
    transaction = one.dial()
    one.until(lambda: len(one.node.exchange.legs_up()) == 2)
    one.node.exchange.line.listener.note("trouble", TO, text=f"sip:{TO}@10.0.0.1 and {TO[1:]} said no")
    post(one.node.address, CALLS, DIAL, secret=OTHER)
    one.post(CALLS, {**DIAL, "FromPhoneNumber": "+12025550199"})
    one.update(transaction)
    one.until(lambda: one.node.calls == 0)
    lines = [json.loads(line) for line in written.getvalue().splitlines()]
    assert {"placed", "over", "trouble", "refused", "a request was refused"} <= {line["message"] for line in lines}
    assert all(line["node"] == one.node.id for line in lines)
    assert [line["transaction"] for line in lines if line["message"] == "placed"] == [transaction]
    assert not [
        line for line in written.getvalue().splitlines() if "2025550" in line or SECRET in line or OTHER in line
    ]
    assert "+120******11" in written.getvalue()


def test_what_is_measured_is_told_to_prometheus_and_to_cloudwatch(start, capsys):
    one = start(Functions(**ENDS))
    one.rings(TO, answers(after=0.0))
    one.update(one.dial())
    one.node.exchange.line.listener.note("trunk_refused_us", TO, trunk="main", sip_code=407)
    one.until(lambda: one.node.calls == 0)
    status, text = one.get("/metrics")
    assert status == 200
    for line in (
        "duologue_pstn_dials_total 1.0",
        'duologue_pstn_trunk_credentials_refused_total{trunk="main"} 1.0',
        'duologue_pstn_legs_refused_total{sip_class="4xx",trunk="main"} 1.0',
        "duologue_pstn_calls 0.0",
        "duologue_pstn_room 60.0",
        'duologue_pstn_station_late_ticks_total{station="station-0"} 2.0',
    ):
        assert line in text.decode().splitlines()
    one.node._print_metrics()
    line = json.loads(capsys.readouterr().out)
    assert {"Dials": 1, "TrunkCredentialsRefused": 1, "LateTicks": 2, "Calls": 0}.items() <= line.items()
    (directive,) = line["_aws"]["CloudWatchMetrics"]
    assert {each["Name"] for each in directive["Metrics"]} == line.keys() - {"_aws", "Application"}
    one.node._print_metrics()
    again = json.loads(capsys.readouterr().out)
    assert (again["Dials"], again["LateTicks"]) == (0, 0), "counts are since the last line"
