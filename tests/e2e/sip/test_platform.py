"""The network's death under the whole platform, and what is left when all is over."""

import threading
from dataclasses import replace

from lab.cases.catalogue import named
from lab.cases.checks import check
from lab.cases.play import play
from pstn.feed import NetworkEvent
from pstn.lines.behaviours import answers


def test_the_network_dies_in_mid_call(quiet, lab):
    """The call ends with an outcome, its CDR comes, nothing is left over, and the next call works."""
    line = lab.pstn.exchange.line
    killed = threading.Event()

    def kill_when_joined(event: NetworkEvent) -> None:
        if event.kind == "joined" and not killed.is_set():
            killed.set()
            threading.Timer(1.0, line.network.kill).start()

    lab.pstn.subscribe(kill_when_joined)
    long = replace(named("talked"), callee=answers(1.0, talks=30.0))
    with quiet.pair() as pair:
        played = play(lab, quiet.watch, quiet.sp, long, pair)
        assert killed.is_set()
        assert played.steps[-2:] == ["disconnect", "fee"]
        assert played.cdr["fwdAnswerTime"]
        assert played.left_over == []
        assert [call.sip_code for call in (played.caller, played.callee) if call] == [503, 503]
        assert check(play(lab, quiet.watch, quiet.sp, named("talked"), pair)) == []


def test_nothing_is_left(quiet, lab):
    """After all of it."""
    exchange = lab.pstn.exchange
    assert exchange.legs_up() + exchange.legs_ringing() == []
    assert lab.pstn.broken == []
    flows = lab.client("stepfunctions").list_executions(stateMachineArn=lab.outputs["CallbackFlow"])["executions"]
    assert {flow["status"] for flow in flows} == {"SUCCEEDED"}
    swept = lab.client("dynamodb").scan(TableName=lab.outputs["CallsTable"], IndexName="open-calls")["Items"]
    assert {item["open"]["S"].partition("#")[0] for item in swept} <= {"over"}, "they are reconciled later"
