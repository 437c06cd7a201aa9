"""Each switch of the cloud that lets requests, invocations and messages fare as badly as AWS allows.

How often something is refused, struck or repeated is told by the cloud's own counts (lab/aws/fault_plan.py).
"""

from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import replace

from botocore.exceptions import ClientError

from lab.aws import switches
from lab.aws.fault_plan import PLAN
from tests.e2e.cloud.conftest import until
from tests.e2e.cloud.test_event_sources import in_one_batch


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


def test_a_write_that_meets_a_transaction_on_its_item_is_refused(stack):
    def transaction():
        stack.dynamodb.transact_write_items(TransactItems=put(stack, "other", "meeting"))

    def single():
        until(lambda: "TransactWriteItems" in begun)
        stack.dynamodb.put_item(TableName=stack.outputs["Table"], Item={"id": {"S": "meeting"}})

    begun = []
    stack.dynamodb.meta.events.register("before-send.dynamodb.TransactWriteItems", lambda **_: begun.append("x"))
    with behaving(stack, transaction_ms=300.0):
        both = [lambda: transaction(), lambda: transaction()]
        assert refusals(both) == [("TransactionCanceledException", "TransactionConflict", "TransactionConflict")]
        assert faults("transaction_ms") == 1
        held = [put(stack, "a", "b"), put(stack, "b", "c")]
        codes = refusals([lambda each=each: stack.dynamodb.transact_write_items(TransactItems=each) for each in held])
        assert codes in (
            [("TransactionCanceledException", "None", "TransactionConflict")],
            [("TransactionCanceledException", "TransactionConflict", "None")],
        )
        apart = [put(stack, "a", "b"), put(stack, "c", "d")]
        assert not refusals(
            [lambda each=each: stack.dynamodb.transact_write_items(TransactItems=each) for each in apart]
        )


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


def test_an_event_that_a_function_sends_to_its_own_queue_is_stopped_after_16_invocations(stack):
    """And reaches the dead-letter queue by its queue's maxReceiveCount."""
    told, lost = stack.outputs["Told"], stack.outputs["LostTold"]
    attributes = stack.sqs.get_queue_attributes(QueueUrl=told, AttributeNames=["VisibilityTimeout"])["Attributes"]
    stack.sqs.set_queue_attributes(QueueUrl=told, Attributes={"VisibilityTimeout": "2"})
    with behaving(stack):
        stack.sqs.send_message(QueueUrl=told, MessageBody="again and again 1", MessageGroupId="loop")
        received = until(lambda: stack.sqs.receive_message(QueueUrl=lost).get("Messages"), 20)
        assert faults("recursion_limit") == 3, "maxReceiveCount"
    stack.sqs.set_queue_attributes(QueueUrl=told, Attributes=attributes)
    assert received[0]["Body"] == "again and again 17"
    stack.sqs.delete_message(QueueUrl=lost, ReceiptHandle=received[0]["ReceiptHandle"])
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
