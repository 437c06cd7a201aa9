"""The whole platform on real SIP and RTP: cases of `lab.cases` as they stand, and the network's death in mid-call."""

import threading
from collections.abc import Iterator
from dataclasses import dataclass, replace

import pytest

from lab.cases import LAB, PARAMETERS, named
from lab.checks import check
from lab.lab import Lab
from lab.play import Pair, Watch, play
from lab.pstn.feed import Moment
from lab.pstn.lines.behaviours import answers
from lab.pstn.lines.sip.line import SipLine
from lab.website.sp import Sp, open_sp

PAIR = Pair("+12025550111", "+12025550122")


@dataclass
class Stage:
    lab: Lab
    watch: Watch
    sp: Sp


@pytest.fixture(scope="module")
def stage(tmp_path_factory) -> Iterator[Stage]:
    """Warmed up by one call, so that times mean something."""
    folder = tmp_path_factory.mktemp("lab")
    with Lab(auth=True, parameters=PARAMETERS, switches=LAB, line="sip", state_dir=folder) as lab:
        watch = Watch(lab.pstn)
        sp = open_sp(
            lab.api_url,
            lab.environment,
            name="acme",
            numbers=lab.outputs["DisplayNumbers"].split(","),
            settings=("--recording",),
        )
        play(lab, watch, sp, named("talked"), PAIR)
        yield Stage(lab, watch, sp)
        sp.close()


@pytest.mark.parametrize(
    "name",
    [
        "talked",
        "talked_caller_leaves",
        "caller_rejects",
        "callee_busy_told",
        "callee_no_answer_told",
        "talked_recorded",
        "caller_gives_up",
        "stopped_in_talk",
    ],
)
def test_a_case_comes_true(stage, name):
    case = named(name)
    stage.lab.pstn.exchange.switches = case.under(LAB)
    assert check(play(stage.lab, stage.watch, stage.sp, case, PAIR)) == []


def test_the_network_dies_in_mid_call(stage):
    """The call ends with an outcome, its CDR comes, nothing is left over, and the next call works."""
    stage.lab.pstn.exchange.switches = LAB
    line = stage.lab.pstn.exchange.line
    assert isinstance(line, SipLine)
    killed = threading.Event()

    def kill_when_joined(moment: Moment) -> None:
        if moment.kind == "joined" and not killed.is_set():
            killed.set()
            threading.Timer(1.0, line.network.kill).start()

    stage.lab.pstn.subscribe(kill_when_joined)
    long = replace(named("talked"), callee=answers(1.0, talks=30.0))
    played = play(stage.lab, stage.watch, stage.sp, long, PAIR)
    assert killed.is_set()
    assert played.steps[-2:] == ["disconnect", "fee"]
    assert played.cdr["fwdAnswerTime"]
    assert played.left_over == []
    assert [call.sip_code for call in (played.caller, played.callee)] == [503, 503]
    assert check(play(stage.lab, stage.watch, stage.sp, named("talked"), PAIR)) == []
