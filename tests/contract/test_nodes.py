"""The nodes of Carrier sip: whom a request goes to, how it is signed, and what their table says."""

from collections import Counter
from contextlib import ExitStack, suppress
from dataclasses import replace
from datetime import timedelta
from random import Random

import pytest
from moto import mock_aws

from duologue.adapters.basics.system_clock import SystemClock
from duologue.adapters.carriers.dynamo_nodes import DynamoNodes
from duologue.adapters.carriers.node_requests import NodeRefused, NodeRequests, NodeSecret, signed
from duologue.adapters.carriers.sip_network import SipNetwork
from duologue.domain.calls.node import MOST_ASKED, SILENCE, Burial, node_of, picked
from duologue.domain.errors import DialRefused, DialUncertain, NoSuchNetworkCall, NothingWasDialled, OutsideUnavailable
from pstn.lines.behaviours import answers
from pstn.node.signature import Verifier
from tests.fakes.clock import FakeClock
from tests.nodes import CUT, SECRET, SILENT, TAKEN, UNIQUE, FakeNodeTable, StubNode, dial, network_of, node
from tests.pstn.node import fixtures
from tests.pstn.node.test_signature import VECTORS
from tests.pstn.scripted import hang_up
from tests.samples import NOW, callback

NOBODY = "127.0.0.1:9"
TABLE, OF_A_NODE = "NodesTable-1", "NodesTable-2"
"""Whether moto forgets the first before the second is made depends on which tests run."""
CALL = "1a2b3c4d-7d9f0a52-5a0e-4d7a-9d3e-0f6a1b2c3d4e"
FULL, BROKEN, REFUSED = (
    (429, "ThrottledClientException"),
    (500, "ServiceFailureException"),
    (400, "BadRequestException"),
)
LIMITED = (400, "ResourceLimitExceededException")
LATE = NOW - SILENCE - timedelta(seconds=1)

# What the nodes do, in the order in which they are asked (None: no connection) → what is raised, how many are asked.
DIALS = {
    "the first takes it": ([TAKEN, TAKEN], None, 1),
    "one cannot be reached": ([None, TAKEN], None, 1),
    "one is full": ([FULL, TAKEN], None, 2),
    "one has reached a limit": ([LIMITED, TAKEN], None, 2),
    "two cannot take it": ([None, FULL, TAKEN], None, 2),
    "three are asked, no more": ([FULL, None, FULL, TAKEN], NothingWasDialled, 2),
    "there is no other": ([FULL], NothingWasDialled, 1),
    "there is none": ([], NothingWasDialled, 0),
    "one refuses for good": ([REFUSED, TAKEN], DialRefused, 1),
    "one fails": ([BROKEN, TAKEN], DialUncertain, 1),
    "one breaks off": ([CUT, TAKEN], DialUncertain, 1),
    "one does not answer": ([SILENT, TAKEN], DialUncertain, 1),
    "one fails after another was full": ([FULL, BROKEN, TAKEN], DialUncertain, 2),
}


@pytest.mark.parametrize(("does", "raised", "asked"), DIALS.values(), ids=DIALS)
def test_a_dial_goes_to_another_node_only_if_it_was_not_dialled(does, raised, asked):
    """R5: whatever may have been dialled is not sent again."""
    with ExitStack() as stack:
        stubs = [None if each is None else stack.enter_context(StubNode(each)) for each in does]
        rows = [node(f"{n:08}", stub.address if stub else NOBODY) for n, stub in enumerate(stubs)]
        network = network_of(rows, answer_s=0.1 if SILENT in does else 5)
        if raised is None:
            dial(network)
        else:
            with pytest.raises(raised):
                dial(network)
        paths = [path for stub in stubs if stub for path, _ in stub.seen]
    assert paths == ["/sip-media-applications/duologue/calls"] * asked


def test_a_mark_names_the_node_that_is_asked_and_the_next_one_before_it_is():
    """So that the burial of any of them finds the call, before an event has come for it."""
    marks: list[str] = []

    def store(mark):
        marks.append(mark)
        return len(marks) < 2

    with ExitStack() as stack:
        stubs = [stack.enter_context(StubNode(FULL)) for _ in range(3)]
        network = network_of(node(f"{n:08}", stub.address) for n, stub in enumerate(stubs))
        marks_before = [network.mark(UNIQUE)]
        with pytest.raises(NothingWasDialled, match="ThrottledClientException"):
            network.dial_caller(callback(), marks_before[0], store)
    assert marks_before + marks == [f"{n:08}-{UNIQUE}" for n in range(3)]
    assert [len(stub.seen) for stub in stubs] == [1, 1, 0], "whose mark is not stored is not asked"
    assert network_of([]).mark(UNIQUE) == UNIQUE


@pytest.mark.parametrize("row", [{"burial": Burial.BEGUN}, {"draining": True}, None], ids=["dead", "draining", "gone"])
def test_a_node_that_was_declared_dead_since_the_mark_was_written_is_not_asked(row):
    """The burial may have looked for its calls before this mark was written: it would not find the call any more."""

    def store(to):
        marks.append(to)
        return True

    with StubNode() as first, StubNode() as second:
        nodes = [node("00000000", first.address), node("00000001", second.address)]
        network, marks = network_of(nodes), list[str]()
        mark, rows = network.mark(UNIQUE), network._nodes
        kept = dict(rows.recent())
        rows.recent = lambda: kept  # type: ignore[method-assign]
        rows.nodes = {each.id: each for each in ([replace(nodes[0], **row)] if row else []) + nodes[1:]}  # type: ignore[attr-defined]
        network.dial_caller(callback(), mark, store)
    assert (marks, first.seen, len(second.seen)) == ([f"00000001-{UNIQUE}"], [], 1)


_TAKES_NO_DIALS = {
    "full": {"room": 0},
    "draining": {"draining": True},
    "gone": {"gone": True},
    "silent": {"beat_at": LATE},
    "declared dead": {"burial": Burial.BEGUN},
    "buried": {"burial": Burial.DONE},
}


@pytest.mark.parametrize("row", _TAKES_NO_DIALS.values(), ids=_TAKES_NO_DIALS)
def test_a_node_that_takes_no_dials_is_not_asked(row):
    rows = [node("other", NOBODY, **row), node("fit", NOBODY)]
    assert [each.id for each in picked(rows, NOW, Random(1).random)] == ["fit"]


def test_a_node_with_more_room_is_asked_first_more_often():
    """In proportion to its room; and each node at most once."""
    rows, chance = [node("small", NOBODY, room=10), node("large", NOBODY, room=30)], Random(7).random
    orders = [[each.id for each in picked(rows, NOW, chance)] for _ in range(4000)]
    assert all(sorted(order) == ["large", "small"] for order in orders)
    first = Counter(order[0] for order in orders)
    assert 0.72 < first["large"] / 4000 < 0.78
    assert len(picked([node(str(n), NOBODY) for n in range(9)], NOW, chance)) == MOST_ASKED


# The owner's row and what it does (None: no connection) → what is raised by a request about its call, and by `end`.
UPDATES = {
    "it takes it": ({}, TAKEN, None, True),
    "it does not know the call": ({}, (404, "NotFoundException"), NoSuchNetworkCall, False),
    "it cannot be reached": ({}, None, OutsideUnavailable, OutsideUnavailable),
    "it does not answer": ({}, SILENT, OutsideUnavailable, OutsideUnavailable),
    "it is busy": ({}, FULL, NothingWasDialled, OutsideUnavailable),
    "it fails": ({}, BROKEN, OutsideUnavailable, OutsideUnavailable),
    "it is silent and cannot be reached": ({"beat_at": LATE}, None, NoSuchNetworkCall, False),
    "it is silent and does not answer": ({"beat_at": LATE}, SILENT, NoSuchNetworkCall, False),
    "it has only lost the table": ({"beat_at": LATE}, TAKEN, None, True),
    "it is draining": ({"draining": True}, TAKEN, None, True),
    "it is declared dead and lives": ({"burial": Burial.BEGUN}, TAKEN, None, True),
    "it has left": ({"gone": True}, TAKEN, NoSuchNetworkCall, False),
    "it is buried": ({"burial": Burial.DONE}, TAKEN, NoSuchNetworkCall, False),
}


@pytest.mark.parametrize(("row", "does", "raised", "ends"), UPDATES.values(), ids=UPDATES)
def test_a_request_about_a_call_goes_to_the_node_that_has_it(row, does, raised, ends):
    with ExitStack() as stack:
        owner = None if does is None else stack.enter_context(StubNode(does, does))
        other = stack.enter_context(StubNode())
        rows = [node("1a2b3c4d", owner.address if owner else NOBODY, **row), node("ffffffff", other.address)]
        network = network_of(rows, answer_s=0.1 if does is SILENT else 5)
        if raised is None:
            network.dial_callee(CALL)
        else:
            with pytest.raises(raised):
                network.dial_callee(CALL)
        if isinstance(ends, bool):
            assert network.end(CALL) is ends
        else:
            with pytest.raises(ends):
                network.end(CALL)
        assert other.seen == []
        if does is TAKEN and raised is None:
            assert owner.seen == [
                (f"/sip-media-applications/duologue/calls/{CALL}", {"Arguments": {"command": word}})
                for word in ("dial_callee", "end")
            ]


def test_a_node_that_is_not_in_the_table_has_no_call():
    network = network_of([node("ffffffff", NOBODY)])
    with pytest.raises(NoSuchNetworkCall):
        network.say_last_minute(CALL)
    assert network.end(CALL) is False


def test_a_node_that_is_younger_than_the_rows_that_are_kept_has_its_calls(monkeypatch):
    with StubNode(TAKEN) as young:
        network = network_of([node("1a2b3c4d", young.address)])
        monkeypatch.setattr(network._nodes, "recent", dict)
        assert network.end(CALL) is True


# ---- signatures


@pytest.mark.parametrize(("signature", "of"), [(name, of) for name, of in VECTORS.items() if of[-1] is None])
def test_a_signature_is_what_the_node_expects(signature, of):
    secret, method, address, path, body, time, nonce, _ = of
    assert signed(secret, method, address, path, body, time=time, nonce=nonce)["X-Duologue-Signature"] == signature


class Vault:
    """Plays the client of Secrets Manager."""

    def __init__(self, secret: str) -> None:
        self.secret, self.asked, self.fails = secret, 0, False

    def get_secret_value(self, SecretId: str) -> dict[str, str]:  # noqa: N803 - the name of boto3
        self.asked += 1
        if self.fails:
            raise OutsideUnavailable("secret of the nodes")
        return {"SecretString": self.secret}


@pytest.fixture
def vault():
    return Vault(SECRET)


def test_a_node_accepts_what_is_signed_and_nothing_twice(vault):
    """By the node's own check: secret, time, method, address, path and body; each request has a nonce of its own."""
    clock = FakeClock(NOW)
    requests = NodeRequests(NodeSecret(vault, "nodes", clock), clock, 1, 5)
    with StubNode(check=lambda *of: verifier.refusal(*of)) as stub:
        verifier = Verifier([SECRET], stub.address, lambda: NOW.timestamp())
        for _ in range(2):
            requests.post(stub.address, "/sip-media-applications/duologue/calls", {"ToPhoneNumber": "+12025550111"})
        verifier = Verifier(["another-secret-with-enough-characters"], stub.address, lambda: NOW.timestamp())
        with pytest.raises(NodeRefused, match="ForbiddenException"):
            requests.post(stub.address, "/", {})
    assert len(stub.seen) == 3


def test_a_secret_that_was_changed_is_fetched_again_when_a_node_refuses_the_old_one(vault):
    """A refused signature is no execution: the dial is not lost, and is sent once under the new secret."""
    clock, new = FakeClock(NOW), "another-secret-with-enough-characters"
    secret = NodeSecret(vault, "nodes", clock)
    with StubNode(check=lambda *of: verifier.refusal(*of)) as stub:
        verifier = Verifier([SECRET], stub.address, lambda: NOW.timestamp())
        network = network_of([node("1a2b3c4d", stub.address)], secret=secret)
        dial(network)
        verifier, vault.secret = Verifier([new], stub.address, lambda: NOW.timestamp()), new
        dial(network)
    assert (len(stub.seen), vault.asked) == (3, 2)


def test_a_secret_is_kept_for_minutes_and_longer_while_it_cannot_be_fetched(vault):
    clock = FakeClock(NOW)
    secret = NodeSecret(vault, "nodes", clock)
    assert {secret.value() for _ in range(9)} == {SECRET} and vault.asked == 1
    clock.advance(301)
    vault.fails = True
    assert secret.value() == SECRET
    vault.fails, vault.secret = False, "new"
    assert secret.value() == "new"


def test_the_secret_is_the_current_version_of_the_one_in_secrets_manager(aws):
    client = aws("secretsmanager")
    client.create_secret(Name="stack-node", SecretString=SECRET)
    secret = NodeSecret(client, "stack-node", FakeClock(NOW))
    assert secret.value() == SECRET
    client.put_secret_value(SecretId="stack-node", SecretString="new")
    assert (secret.value(), secret.renewed(), secret.value()) == (SECRET, "new", "new")
    with pytest.raises(OutsideUnavailable, match="ResourceNotFoundException"):
        NodeSecret(client, "no-such-secret", FakeClock(NOW)).value()


def test_without_a_secret_nothing_is_dialled(vault):
    vault.fails = True
    with StubNode() as stub:
        network = network_of([node("1a2b3c4d", stub.address)], secret=NodeSecret(vault, "nodes", FakeClock(NOW)))
        with pytest.raises(NothingWasDialled, match="NoSecret"):
            dial(network)
        with pytest.raises(OutsideUnavailable):
            network.end(CALL)
    assert stub.seen == []


# ---- the table


@pytest.fixture(scope="module")
def table(aws):
    """The nodes' table as pstn.yaml makes it, and its client."""
    client = aws("dynamodb")
    client.create_table(
        TableName=TABLE,
        KeySchema=[{"AttributeName": "kind", "KeyType": "HASH"}, {"AttributeName": "node", "KeyType": "RANGE"}],
        AttributeDefinitions=[
            {"AttributeName": "kind", "AttributeType": "S"},
            {"AttributeName": "node", "AttributeType": "S"},
        ],
        BillingMode="PAY_PER_REQUEST",
    )
    return client


def row(name: str, **more) -> dict:
    return {
        "kind": {"S": "node"},
        "node": {"S": name},
        "address": {"S": "10.0.1.5:8443"},
        "room": {"N": "60"},
        "calls": {"N": "0"},
        "beat_at": {"N": f"{NOW.timestamp():.3f}"},
        "started_at": {"N": "1795000000"},
        **more,
    }


def test_the_rows_are_read_and_one_that_is_not_a_node_s_hides_no_other(table):
    for each in (
        row("aaaaaaaa", beat_at={"N": f"{NOW.timestamp() + 0.25}"}),
        row("bbbbbbbb", draining={"BOOL": True}, gone={"BOOL": True}, buried={"BOOL": True}, room={"N": "0"}),
        row("cccccccc", buried={"BOOL": False}),
        row("dddddddd", beat_at={"N": "1e100"}),
        {"kind": {"S": "node"}, "node": {"S": "eeeeeeee"}},
    ):
        table.put_item(TableName=TABLE, Item=each)
    read = DynamoNodes(table, TABLE, FakeClock(NOW)).recent()
    address = "10.0.1.5:8443"
    assert list(read.values()) == [
        node("aaaaaaaa", address, room=60, beat_at=NOW + timedelta(seconds=0.25)),
        node("bbbbbbbb", address, room=0, draining=True, gone=True, burial=Burial.DONE),
        node("cccccccc", address, room=60, burial=Burial.BEGUN),
    ]


@pytest.fixture(params=["fake", "real"])
def two_nodes(request, table):
    """A living node and a silent one, in the fake and in the real table; how each writes its heartbeat."""
    if request.param == "fake":
        fake = FakeNodeTable(node("aaaaaaaa", "a:1"), node("bbbbbbbb", "b:1", beat_at=LATE))
        return fake, lambda name: fake.beat(name, NOW)
    for item in table.scan(TableName=TABLE)["Items"]:
        table.delete_item(TableName=TABLE, Key={name: item[name] for name in ("kind", "node")})
    for at, name in ((NOW, "aaaaaaaa"), (LATE, "bbbbbbbb")):
        address, beat_at = {"S": f"{name[0]}:1"}, {"N": f"{at.timestamp():.3f}"}
        table.put_item(TableName=TABLE, Item=row(name, address=address, beat_at=beat_at, room={"N": "10"}))

    def beat(name):
        with suppress(table.exceptions.ConditionalCheckFailedException):  # as in pstn/node/table.py
            table.update_item(
                TableName=TABLE,
                Key={"kind": {"S": "node"}, "node": {"S": name}},
                UpdateExpression="SET beat_at = :now",
                ConditionExpression="attribute_not_exists(buried)",
                ExpressionAttributeValues={":now": {"N": f"{NOW.timestamp():.3f}"}},
            )

    return DynamoNodes(table, TABLE, FakeClock(NOW)), beat


def test_a_node_is_declared_dead_once_unless_it_has_sent_a_heartbeat_and_then_stays_so(two_nodes):
    """As the nodes themselves write their rows."""
    nodes, beat = two_nodes
    living, silent = (nodes.current()[name] for name in ("aaaaaaaa", "bbbbbbbb"))
    nodes.bury(silent.id)
    assert nodes.current()[silent.id].burial is None, "only what was declared dead is buried"
    beat(silent.id)
    assert nodes.declare_dead(silent) is False, "it has come back in time"
    [silent] = [each for each in nodes.current().values() if each.id != living.id]
    assert silent.beat_at == NOW
    assert [nodes.declare_dead(silent), nodes.declare_dead(silent)] == [True, False]
    beat(silent.id)
    assert nodes.current()[silent.id] == replace(silent, burial=Burial.BEGUN)
    nodes.bury(silent.id)
    nodes.bury(silent.id)
    assert nodes.current() == {living.id: living, silent.id: replace(silent, burial=Burial.DONE)}


def test_rows_are_read_again_after_two_seconds():
    class Counting:
        read = 0

        def get_paginator(self, _):
            return self

        def paginate(self, **_):
            self.read += 1
            return [{"Items": []}]

    client, clock = Counting(), FakeClock(NOW)
    nodes = DynamoNodes(client, "nodes", clock)  # type: ignore[arg-type]
    for _ in range(3):
        nodes.recent()
    clock.advance(2)
    nodes.recent()
    assert client.read == 2


def test_a_table_that_cannot_be_read(table):
    nodes = DynamoNodes(table, "no-such-table", FakeClock(NOW))
    network = network_of([])
    network._nodes = nodes
    with pytest.raises(NothingWasDialled, match="NoNodesTable"):
        dial(network)
    with pytest.raises(OutsideUnavailable):
        network.end(CALL)


# ---- a node itself


@pytest.fixture
def real(monkeypatch, tmp_path):
    """A node on scripted phones with its row in a table, and the adapters before it."""
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "test")
    with mock_aws():
        dynamodb, clock = fixtures.client("dynamodb"), SystemClock()
        for bucket in (fixtures.BUCKET, fixtures.PROMPTS):
            fixtures.client("s3").create_bucket(Bucket=bucket)
        fixtures.make_table(dynamodb, OF_A_NODE)
        ends = {"CALL_UPDATE_REQUESTED": [hang_up("LEG-A")]}
        running = fixtures.Running(fixtures.settings(tmp_path, nodes_table=OF_A_NODE), fixtures.Functions(**ends))
        nodes = DynamoNodes(dynamodb, OF_A_NODE, clock)
        requests = NodeRequests(NodeSecret(Vault(fixtures.SECRET), "nodes", clock), clock, 1, 5)  # type: ignore[arg-type]
        yield running, SipNetwork(nodes, requests, "duologue", clock, Random(1).random), nodes
        running.close()


def test_a_node_takes_a_dial_and_what_is_asked_of_its_call_until_it_leaves(real):
    running, network, nodes = real
    running.rings(callback().caller.number.e164, answers(0.01))
    dial(network)
    running.until(lambda: running.node.exchange.legs_up())
    [call] = running.node.exchange.calls
    [row] = nodes.current().values()
    assert (node_of(call), row.address) == (row.id, running.node.address)
    assert network.end(call) is True
    running.until(lambda: running.node.calls == 0)
    assert network.end(call) is False
    assert nodes.declare_dead(row)
    running.node.heartbeat.beat()
    assert running.left() != 0, "it was declared dead, and starts again under another id"
    assert nodes.current()[row.id].burial is Burial.BEGUN
