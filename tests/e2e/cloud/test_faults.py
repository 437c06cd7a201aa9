"""Each switch of the cloud that lets requests, invocations and messages fare as badly as AWS allows.

How often something is refused, struck or repeated is told by the cloud's own counts (lab/aws/fault_plan.py).
"""

import asyncio
import json
import random
import threading
import time
import urllib.error
import urllib.request
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import replace
from functools import partial
from typing import Any

import pytest
from botocore.exceptions import ClientError

from lab.aws import control, switches
from lab.aws.fault_plan import PLAN
from lab.aws.ministack import ministack
from lab.aws.overlay import rest_proxy, throttling, timing, transactions
from tests.e2e.cloud.conftest import VISIBILITY_S
from tests.e2e.cloud.test_event_sources import in_one_batch
from tests.e2e.waiting import until


@contextmanager
def behaving(stack, **chosen):
    """The cloud behaves so in this block; its counts begin anew."""
    before = stack.cloud.switches
    stack.cloud.switches = switches.changed(replace(before), chosen)
    PLAN.begin()
    try:
        yield
    finally:
        stack.cloud.switches = before


def faults(name):
    return PLAN.counts().get(name, {"faults": 0})["faults"]


def has_struck(name, times):
    return faults(name) == times


def refusals(work):
    """The error codes, and the reasons of cancelled transactions, of what these workers could not do."""

    def code(each):
        try:
            each()
        except ClientError as error:
            reasons = [reason["Code"] for reason in error.response.get("CancellationReasons", [])]
            return (error.response["Error"]["Code"], *reasons)
        return None

    with ThreadPoolExecutor(len(work)) as pool:
        return sorted(filter(None, pool.map(code, work)))


def put(stack, *names):
    return [{"Put": {"TableName": stack.outputs["Table"], "Item": {"id": {"S": name}}}} for name in names]


def test_a_write_that_meets_a_transaction_on_its_item_is_refused(stack, monkeypatch):
    """The first transaction goes on until the others have had their answers."""
    others_done, lasted = threading.Event(), []

    async def last(seconds):
        lasted.append(seconds)
        if len(lasted) == 1:
            await asyncio.to_thread(others_done.wait)

    def transaction(*names):
        stack.dynamodb.transact_write_items(TransactItems=put(stack, *names))

    def single(name):
        stack.dynamodb.put_item(TableName=stack.outputs["Table"], Item={"id": {"S": name}})

    monkeypatch.setattr(transactions, "sleep", last)
    with behaving(stack, transaction_ms=1500.0), ThreadPoolExecutor() as pool:
        first = pool.submit(transaction, "a", "b")
        try:
            until(lambda: lasted)
            conflict = "TransactionCanceledException"
            assert refusals([lambda: transaction("a", "b")]) == [
                (conflict, "TransactionConflict", "TransactionConflict")
            ]
            assert refusals([lambda: transaction("b", "c")]) == [(conflict, "TransactionConflict", "None")]
            assert refusals([lambda: single("a")]) == [("TransactionConflictException",)]
            assert not refusals([lambda: transaction("c", "d"), lambda: single("e")])
            assert faults("transaction_ms") == 3
            assert not stored(stack, "a", "b")
        finally:
            others_done.set()
        first.result()
    assert stored(stack, "a", "b") == {"a", "b"}
    assert lasted == [1.5, 1.5]


def test_records_of_one_transaction_come_in_any_order_but_each_item_in_its_own(stack):
    """Five transactions with the same six items, so that each item has five changes."""
    names = [f"any {number}" for number in range(6)]
    with behaving(stack, stream_order="any", stream_batches="split"):
        for _ in range(5):
            marked = [
                {
                    "Update": {
                        "TableName": stack.outputs["Table"],
                        "Key": {"id": {"S": name}},
                        "UpdateExpression": "ADD n :one",
                        "ExpressionAttributeValues": {":one": {"N": "1"}},
                    }
                }
                for name in names
            ]
            stack.dynamodb.transact_write_items(TransactItems=marked)
        until(lambda: len([name for name in stack.seen("Outbox") if name.startswith("any")]) == 30)
    seen = [name for name in stack.seen("Outbox") if name.startswith("any")]
    orders = [seen[at : at + 6] for at in range(0, 30, 6)]
    assert all(sorted(order) == names for order in orders), "transactions do not mix"
    assert any(order != names for order in orders)
    assert faults("stream_order") == 5


def test_a_stream_batch_may_end_anywhere(stack):
    with behaving(stack, stream_batches="split"):
        in_one_batch(stack, *(f"cut {number}" for number in range(9)))
        until(lambda: "cut 8" in stack.seen("Outbox"))
    assert [name for name in stack.seen("Outbox") if name.startswith("cut")] == [f"cut {number}" for number in range(9)]
    assert faults("stream_batches") >= 1


def test_the_same_seed_strikes_the_same_occasions_and_never_too_many_in_a_row(stack):
    def struck(**chosen):
        with behaving(stack, **chosen):
            return [PLAN.strikes("share", "somewhere", share=0.7) for _ in range(60)]

    first = struck(fault_seed=7, fault_run=2)
    assert struck(fault_seed=7, fault_run=2) == first != struck(fault_seed=8, fault_run=2)
    runs = "".join("x" if each else " " for each in first).split()
    assert max(map(len, runs)) == 2
    assert sum(struck(fault_limit=3)) == 3
    assert not any(struck(fault_run=0))


def test_an_event_that_a_function_sends_to_its_own_queue_is_stopped_after_16_invocations(stack, ahead):
    """And reaches the dead-letter queue by its queue's maxReceiveCount."""
    with behaving(stack):
        stack.sqs.send_message(QueueUrl=stack.outputs["Told"], MessageBody="again and again 1", MessageGroupId="loop")
        for times in (1, 2, 3):
            until(partial(has_struck, "recursion_limit", times))
            ahead(VISIBILITY_S)
        assert until(lambda: stack.taken(stack.outputs["LostTold"])) == "again and again 17"
        assert faults("recursion_limit") == 3, "maxReceiveCount"
    seen = {name for name in stack.seen("Notify") if name.startswith("again")}
    assert seen == {f"again and again {number}" for number in range(1, 17)}


def test_a_fifo_batch_has_messages_of_several_groups_in_the_order_of_each(stack):
    def send(group, body):
        stack.sqs.send_message(QueueUrl=stack.outputs["Told"], MessageBody=body, MessageGroupId=group)

    mapping = next(
        each["UUID"]
        for each in stack.cloud.client("lambda").list_event_source_mappings()["EventSourceMappings"]
        if each["EventSourceArn"].endswith(stack.outputs["Told"].rsplit("/", 1)[-1])
    )
    stack.cloud.client("lambda").update_event_source_mapping(UUID=mapping, Enabled=False)
    for number in range(4):
        for group in "gh":
            send(group, f"mixed {group}{number}")
    send("h", "bad mixed")
    stack.cloud.client("lambda").update_event_source_mapping(UUID=mapping, Enabled=True)
    until(lambda: "bad mixed" in stack.seen("Notify"))
    seen = [name for name in stack.seen("Notify") if "mixed" in name]
    assert seen == [f"mixed {group}{number}" for number in range(4) for group in "gh"] + ["bad mixed"]


@pytest.mark.parametrize(
    ("fifo_batches", "batches"), [("many_groups", [["g0", "h0", "g1"]]), ("one_group", [["g0", "g1"], ["h0"]])]
)
def test_a_fifo_batch_has_one_group_or_several(stack, fifo_batches, batches):
    attributes = {"FifoQueue": "true", "ContentBasedDeduplication": "true"}
    queue = stack.sqs.create_queue(QueueName=f"{fifo_batches}.fifo", Attributes=attributes)["QueueUrl"]
    for body in ("g0", "h0", "g1"):
        stack.sqs.send_message(QueueUrl=queue, MessageBody=body, MessageGroupId=body[0])
    receive = ministack("services.sqs")._receive_messages_for_esm
    with behaving(stack, fifo_batches=fifo_batches):
        received = [[message["body"] for message in receive(queue, 10)] for _ in (1, 2, 3)]
    assert received == batches + [[]] * (3 - len(batches))
    stack.sqs.delete_queue(QueueUrl=queue)


def stored(stack, *names):
    """Those of these items that exist."""
    keys = [{"id": {"S": name}} for name in names]
    table = stack.outputs["Table"]
    found = stack.dynamodb.batch_get_item(RequestItems={table: {"Keys": keys}})["Responses"][table]
    return {item["id"]["S"] for item in found}


def test_a_throttled_request_of_a_function_is_refused_and_nobody_elses(stack):
    with behaving(stack, throttled_requests=1.0, fault_run=100):
        kind, error = stack.invoke({"put": "too fast"})
        assert (kind, error["errorType"]) in (("Unhandled", "ClientError"), ("Unhandled", "ThrottlingException")) or (
            "Exceeded" in error["errorType"]
        )
        assert "exceeds the allowed throughput" in error["errorMessage"]
        assert not stored(stack, "too fast")
        assert faults("throttled_requests") == 2, "the SDK has repeated it"
    with behaving(stack, throttled_requests=1.0, fault_run=1):
        assert stack.invoke({"put": "slower"})[0] is None, "the second attempt is carried out"
        assert faults("throttled_requests") == 1


def refusal_of(what, body, seed, answer=None):
    """The answer to a request that came too fast, and what was carried out of it."""
    sent = []

    async def carry_out(content):
        sent.append(json.loads(content))
        return 200, {"x-amz-crc32": "1"}, json.dumps(answer or {}).encode()

    content = json.dumps(body).encode()
    status, headers, told = asyncio.run(throttling.refused(what, content, random.Random(seed), carry_out))
    assert "x-amz-crc32" not in headers or not what.startswith("dynamodb"), "it is of the whole answer"
    return status, told if what.startswith("s3") else json.loads(told), sent


@pytest.mark.parametrize("seed", range(6))
def test_each_service_has_its_own_way_of_throttling(seed):
    keys: Any = {"one": {"Keys": [1, 2], "ConsistentRead": True}, "two": {"Keys": [3]}}
    status, told, [asked] = refusal_of("dynamodb:BatchGetItem", {"RequestItems": keys}, seed, {"Responses": {}})
    left, carried = told["UnprocessedKeys"], asked["RequestItems"]
    assert status == 200
    assert left
    assert carried
    assert sorted(key for part in (left, carried) for table in part.values() for key in table["Keys"]) == [1, 2, 3]
    assert all(table.get("ConsistentRead") == keys[name].get("ConsistentRead") for name, table in left.items())

    entries = [{"Id": "0"}, {"Id": "1"}]
    status, told, [asked] = refusal_of("sqs:SendMessageBatch", {"Entries": entries}, seed, {"Successful": []})
    assert (status, [failed["Code"] for failed in told["Failed"]]) == (200, ["RequestThrottled"])
    assert [each["Id"] for each in told["Failed"] + asked["Entries"]] in (["0", "1"], ["1", "0"])

    status, told, sent = refusal_of("dynamodb:TransactWriteItems", {"TransactItems": [{}, {}]}, seed)
    assert (status, sent) == (400, [])
    reasons = [reason["Code"] for reason in told.get("CancellationReasons", [{"Code": "None"}] * 2)]
    assert set(reasons) <= {"None", "ThrottlingError", "ProvisionedThroughputExceeded"}

    for what in ("dynamodb:PutItem", "sqs:SendMessage", "states:SendTaskSuccess", "kms:Decrypt"):
        status, told, sent = refusal_of(what, {}, seed)
        assert (status, sent) == (400, [])
        assert told["__type"] in {
            "ThrottlingException",
            "ProvisionedThroughputExceededException",
            "RequestLimitExceeded",
            "RequestThrottled",
        }
    assert refusal_of("s3:PUT", {}, seed)[0] == 503


def test_a_request_whose_answer_is_lost_has_been_carried_out(stack):
    with behaving(stack, lost_answers=1.0, fault_run=100):
        kind, error = stack.invoke({"put": "carried out"})
        assert (kind, error["errorType"]) == ("Unhandled", "ClientError")
    assert stored(stack, "carried out")


def test_a_busy_partition_of_a_table_or_an_index_takes_no_more_writes(stack):
    name = "busy"
    texts = [{"AttributeName": each, "AttributeType": "S"} for each in ("id", "group")]
    stack.dynamodb.create_table(
        TableName=name,
        BillingMode="PAY_PER_REQUEST",
        KeySchema=[{"AttributeName": "id", "KeyType": "HASH"}],
        AttributeDefinitions=texts,
        GlobalSecondaryIndexes=[
            {
                "IndexName": "by-group",
                "KeySchema": [{"AttributeName": "group", "KeyType": "HASH"}],
                "Projection": {"ProjectionType": "ALL"},
            }
        ],
    )

    def put_in(item, group=None, size=10):
        given = {"id": {"S": item}, "text": {"S": "x" * size}} | ({"group": {"S": group}} if group else {})
        return refusals([lambda: stack.dynamodb.put_item(TableName=name, Item=given)])

    hot = [("ProvisionedThroughputExceededException",)]
    with behaving(stack, partition_writes=10):
        assert not put_in("one", size=200_000)
        assert put_in("one") == hot
        assert not put_in("two", "group", size=200_000), "another partition"
        assert put_in("three", "group") == hot, "its own partition is free; that of the index is not"
        update = {"TableName": name, "Key": {"id": {"S": "two"}}, "UpdateExpression": "REMOVE x"}
        assert refusals([lambda: stack.dynamodb.update_item(**update)]) == hot
        both = [{"Update": update}, {"Put": {"TableName": name, "Item": {"id": {"S": "four"}}}}]
        assert refusals([lambda: stack.dynamodb.transact_write_items(TransactItems=both)]) == [
            ("TransactionCanceledException", "ProvisionedThroughputExceeded", "None")
        ]
        assert not put_in("three", "other")
    stack.dynamodb.delete_table(TableName=name)


def test_invocations_above_the_accounts_concurrency_are_refused_and_their_events_kept(stack):
    """A stream's batch, which has two retries, waits as long as its function is throttled."""
    functions = stack.cloud.client("lambda")

    gate = stack.gate("the one place")

    def occupied():
        """The one place, once nothing that an earlier test or the schedule began is in it."""
        try:
            return stack.invoke({"until": gate})
        except ClientError:
            return None

    with behaving(stack, account_concurrency=1), ThreadPoolExecutor() as pool:
        busy = pool.submit(until, occupied)
        stack.reached(gate)
        stack.dynamodb.put_item(TableName=stack.outputs["Table"], Item={"id": {"S": "throttled record"}})
        functions.invoke(FunctionName=stack.resources["Probe"], InvocationType="Event", Payload='{"put": "late event"}')
        assert refusals([lambda: functions.invoke(FunctionName=stack.resources["Provision"])]) == [
            ("TooManyRequestsException",)
        ]
        try:  # this test's own, the event's, and all attempts that the record has
            until(lambda: faults("account_concurrency") >= 1 + 1 + 3)
        finally:
            stack.open(gate)
        assert busy.result()[0] is None
        until(lambda: stored(stack, "late event"))
        until(lambda: "throttled record" in stack.seen("Outbox"))


def test_an_invocation_may_be_killed_before_or_after_its_effect(stack):
    names = [f"killed {number}" for number in range(12)]
    with behaving(stack, killed_invocations=1.0, fault_run=100):
        answers = [stack.invoke({"put": name}) for name in names]
    assert {(kind, error["errorType"]) for kind, error in answers} == {("Unhandled", "Runtime.ExitError")}
    assert 0 < len(stored(stack, *names)) < len(names)
    assert stack.invoke({"say": "alive"})[0] is None


def test_an_invocation_behind_the_api_is_killed_only_by_its_own_switch(stack):
    with behaving(stack, killed_invocations=1.0):
        assert stack.request("/echo/x", "POST", b"").status == 201
    with behaving(stack, killed_requests=1.0):
        assert stack.request("/echo/x", "POST", b"").status == 502


def test_an_event_may_come_twice(stack):
    functions = stack.cloud.client("lambda")
    with behaving(stack, repeated_events=1.0):
        functions.invoke(FunctionName=stack.resources["Probe"], InvocationType="Event", Payload='{"say": "twice"}')
        until(lambda: stack.seen("Probe").count("twice") == 2)


def test_an_event_of_eventbridge_is_tried_again_when_the_function_fails(stack):
    events, name = stack.cloud.client("events"), "to the probe"
    functions = stack.cloud.client("lambda")
    arn = functions.get_function(FunctionName=stack.resources["Probe"])["Configuration"]["FunctionArn"]
    events.put_rule(Name="failing", EventPattern=json.dumps({"source": ["test"]}), State="ENABLED")
    events.put_targets(
        Rule="failing", Targets=[{"Id": "1", "Arn": arn, "Input": json.dumps({"say": name, "raise": ""})}]
    )
    functions.add_permission(
        FunctionName=arn, StatementId="rule", Action="lambda:InvokeFunction", Principal="events.amazonaws.com"
    )
    events.put_events(Entries=[{"Source": "test", "DetailType": "failing", "Detail": "{}"}])
    until(lambda: stack.seen("Probe").count(name) == 3)
    events.remove_targets(Rule="failing", Ids=["1"])
    events.delete_rule(Name="failing")


def test_the_control_api_shows_and_changes_the_switches_and_tells_the_faults(stack):
    def ask(method="GET", content=b"", **headers):
        url = f"{stack.cloud.url}/_lab/cloud"
        asked = urllib.request.Request(url, method=method, data=content or None, headers=headers)
        try:
            with urllib.request.urlopen(asked, timeout=10) as answer:
                return answer.status, json.loads(answer.read())
        except urllib.error.HTTPError as refused:
            return refused.code, refused.read().decode()

    stack.cloud.mount(control.PREFIX, control.control(stack.cloud))
    with behaving(stack):
        assert ask()[1]["switches"] == switches.shown(switches.CloudSwitches())
        assert ask("PUT", b'{"stream_order": "any", "lost_answers": 1}')[0] == 200
        assert stack.cloud.switches == replace(switches.CloudSwitches(), stream_order="any", lost_answers=1)
        stack.invoke({"put": "counted"})
        assert ask()[1]["faults"]["lost_answers"]["faults"] == 2
        for wrong in (b'{"stream_order": "none"}', b'{"lost_answers": true}', b'{"nothing": 1}', b"[]", b"[" * 100_000):
            assert ask("PUT", wrong)[0] == 400
        assert ask("DELETE")[0] == 404
        assert ask(Origin="http://example.com")[0] == 403
    assert stack.cloud.switches == switches.CloudSwitches()


def test_the_clock_of_a_process_is_fast_or_slow(stack):
    clocks = []
    for seed in range(6):
        with behaving(stack, clock_skew_s=100.0, fault_seed=seed):
            stack.invoke({"exit": 1})  # the next invocation starts a process
            before = time.time()
            clocks.append([round((clock - before) / 100) for clock in stack.invoke({"clocks": True})[1]])
    stack.invoke({"exit": 1})
    assert {tuple(each) for each in clocks} == {(1, 1, 1), (-1, -1, -1)}


def test_hours_pass_for_functions_and_queues_at_once(stack, ahead):
    """Whatever clock a process began with; a message that was delayed comes, and the other requests are still taken."""
    queue = stack.sqs.create_queue(QueueName="hours")["QueueUrl"]
    stack.sqs.send_message(QueueUrl=queue, MessageBody="later", DelaySeconds=900)
    before = [round(clock - time.time()) for clock in stack.invoke({"clocks": True})[1]]
    ahead(7200)
    after = [round((clock - time.time()) / 7200) for clock in stack.invoke({"clocks": True})[1]]
    ahead(7200)
    again = [round((clock - time.time()) / 7200) for clock in stack.invoke({"clocks": True, "put": "hours"})[1]]
    assert (before, after, again) == ([0, 0, 0], [1, 1, 1], [2, 2, 2])
    assert stored(stack, "hours") == {"hours"}, "a request that is signed by that clock"
    (message,) = stack.sqs.receive_message(QueueUrl=queue).get("Messages", [])
    assert message["Body"] == "later"


def test_a_pause_passes_on_the_clock_that_has_jumped(stack, ahead):
    """So SDKs' pauses, of which a cruel run has thousands, do not take its time. The next invocation begins anew."""
    ahead(7200)
    paused, not_paused = (stack.invoke({"sleep": seconds, "clocks": True})[1] for seconds in (20, 0))
    before = time.time() + 7200
    assert all(5 < clock - before < 20 for clock in paused), "a tenth of it passed here, too"
    assert all(clock - before <= 0 for clock in not_paused)


def test_an_updated_function_has_its_new_code_before_its_new_layers(stack):
    """The handler of CloudFormation, as the update of a stack calls it."""
    handler = ministack("services.cloudformation.provisioners")._RESOURCE_HANDLERS["AWS::Lambda::Function"]["update"]
    svc, name = ministack("services.lambda_svc"), "two-steps"
    seen: list[tuple[Any, str, float]] = []
    responses = ministack("core.responses")
    responses.set_request_account_id(stack.cloud.account)
    responses.set_request_region(stack.cloud.region)
    role = stack.cloud.client("lambda").get_function(FunctionName=stack.resources["Probe"])["Configuration"]["Role"]

    def properties(number):
        return {
            "FunctionName": name,
            "Runtime": "python3.13",
            "Role": role,
            "Handler": "index.handler",
            "Code": {"ZipFile": f"def handler(event, context): return {number}"},
            "Environment": {"Variables": {"STEP": str(number)}},
        }

    def look(pause):
        if pause != 3.0:  # what else goes on in the cloud
            return paused(pause)
        configuration = svc._functions[name]["config"]
        answer = stack.cloud.client("lambda").invoke(FunctionName=name)["Payload"].read()
        seen.append((json.loads(answer), configuration["Environment"]["Variables"]["STEP"], pause))
        return True

    create = ministack("services.cloudformation.provisioners")._RESOURCE_HANDLERS["AWS::Lambda::Function"]["create"]
    create(name, properties(1), "fixture")
    paused = timing.paused
    timing.paused = look
    try:
        with behaving(stack, update_pause_s=3.0):
            handler(name, properties(1), properties(2), "fixture", name)
    finally:
        timing.paused = paused
    assert seen == [(2, "1", 3.0)]
    assert svc._functions[name]["config"]["Environment"]["Variables"]["STEP"] == "2"
    svc._functions.pop(name)


@pytest.fixture
def full(stack):
    """A stack that has one bucket, which has an object; what the two are named as, and the stack's status."""
    formation, name = stack.cloud.client("cloudformation"), "full-bucket"
    template = {"Resources": {"Full": {"Type": "AWS::S3::Bucket", "Properties": {"BucketName": name}}}}

    def status():
        try:
            return formation.describe_stacks(StackName=name)["Stacks"][0]["StackStatus"]
        except ClientError:
            return "DELETE_COMPLETE"

    formation.create_stack(StackName=name, TemplateBody=json.dumps(template))
    until(lambda: status() == "CREATE_COMPLETE")
    stack.cloud.client("s3").put_object(Bucket=name, Key="k", Body=b"v")
    return name, status


def test_a_bucket_with_objects_keeps_its_stack(stack, full):
    formation, s3, (name, status) = stack.cloud.client("cloudformation"), stack.cloud.client("s3"), full
    formation.delete_stack(StackName=name)
    until(lambda: status() == "DELETE_FAILED")
    events = formation.describe_stack_events(StackName=name)["StackEvents"]
    reasons = [event.get("ResourceStatusReason", "") for event in events]
    assert any("The bucket you tried to delete is not empty" in reason for reason in reasons)
    assert s3.get_object(Bucket=name, Key="k")["Body"].read() == b"v"
    s3.delete_object(Bucket=name, Key="k")
    formation.delete_stack(StackName=name)
    until(lambda: status() == "DELETE_COMPLETE")


def test_a_bucket_with_objects_goes_with_its_stack_if_so_chosen(stack, full):
    name, status = full
    with behaving(stack, full_buckets="go"):
        stack.cloud.client("cloudformation").delete_stack(StackName=name)
        until(lambda: status() == "DELETE_COMPLETE")
    assert name not in [each["Name"] for each in stack.cloud.client("s3").list_buckets()["Buckets"]]


@pytest.mark.parametrize(
    ("said", "why"),
    [
        ("TokenOfMine", "'TokenOfMine' not a valid key=value pair (missing equal-sign) in Authorization header"),
        ("Bearer abc", "'abc' not a valid key=value pair (missing equal-sign) in Authorization header"),
        ('WSSE realm="SDP"', "Authorization header requires 'Credential' parameter."),
    ],
)
def test_an_authorization_header_of_an_unknown_route_is_read_as_a_signature(stack, said, why):
    answer = stack.request("/nowhere", Authorization=said)
    assert (answer.status, answer.json()) == (403, {"resultcode": "4xx"})
    assert answer.headers["x-amzn-ErrorType"] == "IncompleteSignatureException"
    assert stack.request("/echo/x", "POST", b"", Authorization=said).status == 201, "a known route takes any"
    with behaving(stack, authorization_of_unknown_routes="ignored"):
        assert stack.request("/nowhere", Authorization=said).status == 404
    assert rest_proxy.unsigned(said).message.startswith(why)


def test_long_headers_are_refused(stack):
    assert stack.request("/echo/x", "POST", b"", X_Long="x" * 10_000).status == 201
    assert stack.request("/echo/x", "POST", b"", X_Long="x" * 10_240).status == 431
    assert stack.request("/echo/x?" + "q" * 10_240, "POST", b"").status == 431
    with behaving(stack, header_bytes=0):
        assert stack.request("/echo/x", "POST", b"", X_Long="x" * 20_000).status == 201
