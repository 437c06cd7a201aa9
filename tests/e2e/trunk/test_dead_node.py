"""Nodes behind an edge are killed: what the SP is told, by when, the alarm, that calls go on, and no phone rings on."""

import os
import signal
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from duologue.domain.calls.node import node_of
from lab.aws.overlay import passing
from lab.cases.catalogue import PARAMETERS
from lab.lab import Lab
from lab.nodes.node_processes import TABLE
from lab.sp.service_provider import ServiceProvider, open_sp
from pstn.lines.behaviours import Behaviour, answers
from pstn.lines.sip.settings import SipSettings
from pstn.lines.virtual import Phone
from tests.e2e.waiting import until

NUMBERS = ("+12025550100", "+12025550101")
PAIRS = [("+12025550110", "+12025550111"), ("+12025550112", "+12025550113"), ("+12025550114", "+12025550115")]
DEATH_S, PATIENCE_S = 90.0, 60.0
RINGS_S = 14.0
"""The edge asks a node after 10 s whether it still has the call."""


@pytest.fixture(scope="module")
def lab(tmp_path_factory) -> Iterator[Lab]:
    folder = tmp_path_factory.mktemp("lab")
    with Lab(
        auth=True,
        parameters=PARAMETERS,
        numbers=NUMBERS,
        carrier="sip",
        nodes=3,
        edge=True,
        sip=SipSettings(listen=True),
        state_dir=folder,
    ) as lab:
        yield lab


@pytest.fixture(scope="module")
def sp(lab) -> Iterator[ServiceProvider]:
    sp = open_sp(lab.api_url, lab.environment, name="acme", numbers=NUMBERS)
    for _ in range(3):  # the first may fail, where a busy machine starts processes slowly
        session, talks = begin(lab, sp, PAIRS[0])
        end(sp, session)
        if talks:
            break
    yield sp
    sp.close()


def rows(lab) -> dict[str, dict]:
    items = lab.client("dynamodb").scan(TableName=TABLE, ConsistentRead=True)["Items"]
    return {item["node"]["S"]: item for item in items}


def owner_of(lab, session) -> str:
    """The node that has the call. Not by the rows of nodes: for 5 s, that of another one may tell of a call before."""
    key = {"call": {"S": session.partition("@")[0]}, "item": {"S": "CALL"}}
    dynamodb, table = lab.client("dynamodb"), lab.resources["CallsTable"]

    def network_call():
        return dynamodb.get_item(TableName=table, Key=key, ConsistentRead=True)["Item"].get("network_call")

    return node_of(until(network_call, PATIENCE_S)["S"])


def process_of(address: str) -> int:
    """The process that listens there, by /proc."""
    port = f"{int(address.rpartition(':')[2]):04X}"
    lines = [line.split() for line in Path("/proc/net/tcp").read_text(encoding="ascii").splitlines()[1:]]
    [inode] = [each[9] for each in lines if each[1].endswith(f":{port}") and each[3] == "0A"]
    for link in Path("/proc").glob("[0-9]*/fd/*"):
        try:
            if link.readlink().name == f"socket:[{inode}]":
                return int(link.parts[2])
        except OSError:
            continue
    raise AssertionError(f"nobody listens at {address}")


def kill_with_stations(process: int) -> None:
    """As a machine dies: a station whose node alone is killed hangs up."""
    os.kill(process, signal.SIGSTOP)
    stations = Path(f"/proc/{process}/task").glob("*/children")
    for each in [int(child) for path in stations for child in path.read_text(encoding="ascii").split()] + [process]:
        os.kill(each, signal.SIGKILL)


def begin(lab, sp, pair, first: Behaviour | None = None) -> tuple[str, bool]:
    """Place a callback between these numbers. Its session, and whether they talk."""
    for number, behaviour in zip(pair, (first or answers(0.5), answers(0.5)), strict=True):
        lab.pstn.exchange.phones[number] = Phone(behaviour)
    reply = sp.place(*pair)
    assert reply.code == "0", reply.body
    session = str(reply.body["sessionId"])
    return session, sp.receiver.wait_for(session, "answer", PATIENCE_S, called=pair[1])


def talk(lab, sp, pair, first: Behaviour | None = None) -> str:
    session, talks = begin(lab, sp, pair, first)
    assert talks, [push.body for push in sp.receiver.about(session)]
    return session


def end(sp, session) -> None:
    sp.client.stop(session)
    assert sp.receiver.wait_for_fee(session, PATIENCE_S)


def next_minute(lab) -> bool:
    """False. Alarms look at whole minutes; and the sweep counts at its end, some time after the SP was told."""
    time.sleep(1)
    lab.cloud.let_pass(61.0 - passing.now() % 60)
    return False


def goes_off(lab, name: str) -> bool:
    [alarm] = lab.client("cloudwatch").describe_alarms(AlarmNames=[lab.resources[name]])["MetricAlarms"]
    return alarm["StateValue"] == "ALARM"


def test_a_phone_that_rings_longer_than_the_edge_waits_to_ask_its_node_is_answered(lab, sp):
    end(sp, talk(lab, sp, PAIRS[0], answers(RINGS_S)))


def test_a_phone_does_not_ring_on_for_a_killed_node(lab, sp):
    phone = lab.pstn.exchange.phones[PAIRS[2][0]] = Phone(answers(DEATH_S))
    session = str(sp.place(*PAIRS[2]).body["sessionId"])
    call = until(lambda: phone.last, PATIENCE_S)
    until(lambda: call.rang_at, PATIENCE_S)
    kill_with_stations(process_of(rows(lab)[owner_of(lab, session)]["address"]["S"]))
    until(lambda: call.ended_at, PATIENCE_S)
    assert call.answered_at is None


def test_a_killed_node_s_call_ends_as_lost_within_ninety_seconds_and_the_next_call_works(lab, sp):
    """The last one here: when time passes in the cloud, and not for nodes, all of them are dead for the functions."""
    session = talk(lab, sp, PAIRS[0])
    owner = owner_of(lab, session)
    os.kill(process_of(rows(lab)[owner]["address"]["S"]), signal.SIGKILL)
    killed_at = time.monotonic()
    following = talk(lab, sp, PAIRS[1])
    assert sp.receiver.wait_for_fee(session, DEATH_S + 2 * PATIENCE_S)
    took = time.monotonic() - killed_at
    [fee] = [push.body["feeLst"] for push in sp.receiver.about(session) if push.kind == "fee"]
    assert [record["ulFailReason"] for record in fee] == [517]
    assert rows(lab)[owner]["buried"] == {"BOOL": True}
    assert took < DEATH_S
    assert not any(push.kind == "disconnect" for push in sp.receiver.about(following)), "its node lives"
    end(sp, following)
    until(lambda: goes_off(lab, "NodeDiedAlarm") or next_minute(lab), PATIENCE_S)
