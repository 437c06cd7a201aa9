"""Every case over HTTP, as usual and in one other variant of the network's behaviour.

Checked are the notifications, what the phones saw, the CDR, and that no resources are left over.
"""

from dataclasses import fields
from typing import Literal, get_args, get_origin, get_type_hints

import pytest

from lab.aws.switches import CloudSwitches
from lab.cases.catalogue import CASES, LAB
from lab.cases.checks import check
from pstn.switches import Switches
from tests.e2e.lab import traces
from tests.e2e.lab.variants import CLOUD, CLOUD_NOT_VARIED, CRUEL_CLOUD, NOT_VARIED, USUAL, VARIANTS
from tests.telephone_numbers import telephone_numbers_in

PLAYED_ONCE = {
    "longest_call": "it lasts a minute",
    "no_room": "the platform tries for half a minute",
    "dial_refused": "the network sends no event for it that could vary",
}
OTHER_VARIANTS = [variant for variant in VARIANTS if variant is not USUAL]
TWICE = [case for case in CASES if case.name not in PLAYED_ONCE]
PARTS = [(USUAL, case) for case in CASES]
PARTS += [(OTHER_VARIANTS[number % len(OTHER_VARIANTS)], case) for number, case in enumerate(TWICE)]
"""Each case as usual and in one other variant. The journeys play every case in every variant."""
OF_EXECUTIONS = {"early_completion", "repeated_invocation", "crash_name"}
"""Switches of the cloud that an execution keeps; each is played at all its values."""
MEASURES = {
    "network_ring_limit",
    "most_loops",
    "post_dial_delay",
    "hangup_hold",
    "reordering_window",
    "lambda_latency",
    "recording_delay",
    "order_delay",
    "speech_rate",
    "inbound_patience",
    "repeat_after",
    "repeats",
    "drop_after",
    "error_repeats",
    "invocations",
    "actions",
    "attribute_bytes",
}
"""How long and how much: what the documents fix, or what has no other side."""


@pytest.mark.parametrize(("variant", "case"), PARTS, ids=[f"{variant}-{case.name}" for variant, case in PARTS])
def test_all_of_it_comes_true(played):
    assert check(played) == []


def test_nothing_comes_later_and_nothing_is_left(plays, quiet, lab):
    """After all cases: nobody was told anything more, no slot, call, execution or message is left, nothing broke."""
    for played in (promise.result() for promise in plays.values()):
        assert quiet.sp.receiver.about(played.session) == played.notifications
    exchange = lab.pstn.exchange
    assert exchange.legs_up() + exchange.legs_ringing() == []
    assert lab.pstn.broken == []
    sfn = lab.client("stepfunctions")
    flows = sfn.list_executions(stateMachineArn=lab.outputs["CallbackFlow"])["executions"]
    ours = {promise.result().call_id for promise in plays.values()}
    broken = [each["executionArn"] for each in flows if each["status"] != "SUCCEEDED" and each["name"] in ours]
    assert [sfn.get_execution_history(executionArn=each)["events"][-4:] for each in broken] == []
    swept = lab.client("dynamodb").scan(TableName=lab.outputs["CallsTable"], IndexName="open-calls")["Items"]
    assert {item["open"]["S"].partition("#")[0] for item in swept} <= {"over"}, "they are reconciled later"
    assert _waiting_messages(lab) == {}
    assert "MemoryNotKept" not in traces.counted_metrics(lab), "a role lacks a permission, or KMS was not reached"


def test_no_telephone_number_is_in_an_execution_a_message_a_log_or_a_key(plays, quiet, lab, messages):
    """After all cases, and whatever else was played on this lab."""
    calls = {promise.result().call_id for promise in plays.values()}
    executions, lines, keys = traces.executions(lab), traces.log_lines(lab), traces.object_keys(lab)
    assert calls <= executions.keys()
    for call in calls:
        assert any(call in message for message in messages), "its notices"
    assert any(call in line for line in lines for call in calls)
    assert any(call in key for key in keys for call in calls), "its recording"
    assert telephone_numbers_in([*executions.values(), *messages, *lines, *keys]) == []


def _waiting_messages(lab) -> dict[str, str]:
    sqs = lab.client("sqs")
    counts = {}
    for url in sqs.list_queues().get("QueueUrls", []):
        kinds = ["ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible"]
        attributes = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=kinds)["Attributes"]
        if any(int(attributes[kind]) for kind in kinds):
            counts[url] = str(attributes)
    return counts


def test_every_switch_is_played_both_ways():
    turned = {name for variant in VARIANTS for name in variant.switches}
    assert {each.name for each in fields(Switches)} == turned | NOT_VARIED.keys() | MEASURES
    for variant in VARIANTS:
        for name, value in variant.switches.items():
            assert value != getattr(LAB, name), f"{name} is as usual in “{variant}”"
    for name, kind in get_type_hints(Switches).items():
        if get_origin(kind) is Literal and name not in {*NOT_VARIED, *MEASURES}:
            assert {variant.switches.get(name, getattr(LAB, name)) for variant in VARIANTS} == set(get_args(kind))


def test_every_switch_of_the_cloud_is_played_in_all_its_values():
    for name, kind in get_type_hints(CloudSwitches).items():
        played = {variant.cloud.get(name, getattr(CLOUD, name)) for variant in (*VARIANTS, CRUEL_CLOUD)}
        usual = getattr(CloudSwitches(), name)
        varies = played >= set(get_args(kind)) if name in OF_EXECUTIONS else played != {usual}
        assert varies is (name not in CLOUD_NOT_VARIED), name
