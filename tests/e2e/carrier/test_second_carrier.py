"""Callbacks over a second carrier, which has its own format, is told its actions, and numbers no event.

From the SP's request to the CDR, over HTTP. What a stack for this carrier has: tests/architecture/test_another_carrier.
"""

import itertools
import time
from collections.abc import Callable, Iterator

import pytest

from tests.e2e.carrier.tandem import Telephone

SHOWN_TO_CALLER, SHOWN_TO_CALLEE = "+12025550100", "+12025550101"
SECONDS = 60
_pairs = ((f"+120255501{number}", f"+120255501{number + 1}") for number in itertools.count(10, 2))


@pytest.fixture
def numbers(carrier) -> Iterator[tuple[str, str]]:
    carrier.in_order, carrier.repeats, carrier.holds_back, carrier.deaf = True, False, {}, False
    carrier.refused.clear()
    yield next(_pairs)


@pytest.fixture
def play(carrier, sp, numbers):
    """Place a callback between two phones; returns its session id."""

    def placed(caller: Telephone, callee: Telephone) -> str:
        carrier.telephones |= dict(zip(numbers, (caller, callee), strict=True))
        reply = sp.place(*numbers)
        assert reply.code == "0", reply.body
        return str(reply.body["sessionId"])

    return placed


def call_of(session: str) -> str:
    """The platform's own id of a callback."""
    return session.partition("@")[0]


def told(sp, session: str) -> list[tuple[str, str | None]]:
    """All notifications once the CDR has come: kind, and the number of the leg if there is one."""
    assert sp.receiver.wait_for_fee(session, SECONDS), [push.kind for push in sp.receiver.about(session)]
    pushes = sp.receiver.about(session)
    assert all(push.signed for push in pushes)
    return [(push.kind, push.called) for push in pushes]


def ended_with(sp, session: str) -> int:
    [disconnect] = [push.body["statusInfo"] for push in sp.receiver.about(session) if push.kind == "disconnect"]
    return int(disconnect["stateCode"])


def until(true: Callable[[], bool], what: str) -> None:
    deadline = time.monotonic() + SECONDS
    while not true():
        assert time.monotonic() < deadline, what
        time.sleep(0.05)


def is_settled(lab, carrier, session: str) -> bool:
    """No leg is up, and no execution runs."""
    machine = lab.resources["CallbackFlow"]
    running = lab.client("stepfunctions").list_executions(stateMachineArn=machine, statusFilter="RUNNING")
    return carrier.of(call_of(session)).is_over and running["executions"] == []


# ---- three stories


def test_they_talk_and_the_callee_hangs_up(lab, carrier, sp, play, numbers):
    caller, callee = numbers
    session = play(Telephone(), Telephone(talks=0.5))
    assert told(sp, session) == [
        ("callout", caller),
        ("alerting", caller),
        ("answer", caller),
        ("callout", callee),
        ("alerting", callee),
        ("answer", callee),
        ("disconnect", callee),
        ("fee", None),
    ]
    assert ended_with(sp, session) == 0
    assert [each for each in carrier.seen if each[0] == "rings" and each[1] in numbers] == [
        ("rings", caller, SHOWN_TO_CALLER),
        ("rings", callee, SHOWN_TO_CALLEE),
    ]
    assert carrier.heard(caller) == ["prompts/waiting.wav"]
    until(lambda: is_settled(lab, carrier, session), "the caller's leg outlives the callee's")


def test_the_callee_is_busy_and_the_caller_hears_it(lab, carrier, sp, play, numbers):
    """The carrier reports no failed bridge: the callee's leg ends before its answer."""
    caller, _ = numbers
    session = play(Telephone(), Telephone(busy=True))
    kinds = [kind for kind, _ in told(sp, session)]
    assert kinds == ["callout", "alerting", "answer", "callout", "disconnect", "fee"]
    assert ended_with(sp, session) == 8102
    assert carrier.heard(caller) == ["prompts/waiting.wav", "prompts/callee-busy.wav"]
    until(lambda: is_settled(lab, carrier, session), "the caller's leg is still up")


def test_the_sp_stops_while_the_callee_rings(lab, carrier, sp, play, numbers):
    _, callee = numbers
    session = play(Telephone(), Telephone(answers_after=None))
    assert sp.receiver.wait_for(session, "alerting", SECONDS, callee)
    assert sp.client.stop(session).code == "0"
    kinds = [kind for kind, _ in told(sp, session)]
    assert kinds == ["callout", "alerting", "answer", "callout", "alerting", "disconnect", "fee"]
    assert ended_with(sp, session) == 8017
    assert ("ends", callee) in carrier.seen, "it rings no longer"
    until(lambda: is_settled(lab, carrier, session), "a leg is still up")


# ---- repeats, delays and lost responses


def test_events_twice_and_late_and_orders_without_a_response(lab, carrier, sp, play, numbers):
    """Each order is done although its first request fails; then its event is sent again, as is every event later on."""
    _, callee = numbers
    carrier.in_order, carrier.repeats, carrier.deaf = False, True, True
    carrier.holds_back = {"leg.placed": 0.5, "leg.ringing": 0.7}
    session = play(Telephone(answers_after=0.3), Telephone(answers_after=0.3, talks=2.5))
    kinds = [kind for kind, _ in told(sp, session)]
    assert kinds.count("disconnect") == kinds.count("fee") == 1
    assert [kind for kind in kinds if kind in ("callout", "answer")] == ["callout", "answer"] * 2
    assert ended_with(sp, session) == 0
    orders = carrier.of(call_of(session)).orders
    assert [[step["do"] for step in order.steps] for order in orders] == [["connect"], ["drop"]]
    assert carrier.refused, "the function fails if its order may not have arrived"
    until(lambda: all(len(order.repeats) >= 2 for order in orders[:1]), "an order was not given again at each repeat")
    assert [order.id for order in orders if any(steps != order.steps for steps in order.repeats)] == []
    assert [each for each in carrier.seen if each[:2] == ("rings", callee)] == [("rings", callee, SHOWN_TO_CALLEE)]
    until(lambda: is_settled(lab, carrier, session), "a leg is still up")


def test_an_event_is_stored_under_its_id(lab, carrier, sp, play):
    """The id is not a number."""
    session = play(Telephone(), Telephone(talks=0.2))
    told(sp, session)
    table = lab.client("dynamodb")
    rows = table.query(
        TableName=lab.outputs["CallsTable"],
        KeyConditionExpression="#call = :call AND begins_with(#item, :event)",
        ExpressionAttributeNames={"#call": "call", "#item": "item"},
        ExpressionAttributeValues={":call": {"S": call_of(session)}, ":event": {"S": "EVENT#ses-"}},
    )["Items"]
    kept = {row["item"]["S"] for row in rows}
    tandem_session = carrier.of(call_of(session)).id
    sent = {f"EVENT#{tandem_session}#{event['id']}" for event in carrier.events if event["session"] == tandem_session}
    assert kept and kept <= sent
