"""The contract of `lab.cases` with `Carrier: sip`: a node as a process, its edge, and phones behind a trunk.

The same cases and the same checks as on the local Chime; what differs is `lab.cases.on_sip`.
"""

import re
import urllib.request
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from lab.cases.audio_checks import audio_checks
from lab.cases.catalogue import CASES, PARAMETERS, named
from lab.cases.checks import check
from lab.cases.heard_prompts import tone_prompts
from lab.cases.on_sip import LEFT_OUT, NETWORK
from lab.cases.play import NetworkWatch
from lab.cases.player import CasePlayer, Variant
from lab.cases.return_calls import RETURN_CASES
from lab.cases.return_checks import return_checks
from lab.lab import Lab
from lab.sp.service_provider import open_sp
from pstn.lines.sip.settings import SipSettings
from tests.e2e.warm_up import warm_up

USUAL = Variant("as usual")
NUMBERS = ("+12025550100", "+12025550101")
PLAYED = [case for case in CASES if case.name not in LEFT_OUT]
RETURNED = [case for case in RETURN_CASES if case.name not in LEFT_OUT]
AT_ONCE = 10
SOUNDED = ("talked_recorded", "longest_call")
"""Talks that are long enough to be judged while others go on; `make stories ARGS="--carrier sip"` judges each."""


@pytest.fixture(scope="module")
def lab(tmp_path_factory) -> Iterator[Lab]:
    folder = tmp_path_factory.mktemp("lab")
    (folder / "prompts").mkdir()
    with Lab(
        auth=True,
        parameters=PARAMETERS,
        switches=NETWORK,
        numbers=NUMBERS,
        carrier="sip",
        edge=True,
        sip=SipSettings(listen=True),
        state_dir=folder,
        prompts=tone_prompts(folder / "prompts"),
    ) as lab:
        yield lab


@pytest.fixture(scope="module")
def player(lab) -> Iterator[CasePlayer]:
    sp = open_sp(lab.api_url, lab.environment, name="acme", numbers=NUMBERS, settings=("--recording",))
    player = CasePlayer(lab, NetworkWatch(lab.pstn), sp, AT_ONCE, network=NETWORK)
    warm_up(player, 4)
    yield player
    player.wait()
    player.close()
    sp.close()


@pytest.fixture(scope="module")
def plays(player, request):
    """Every case that was chosen: callbacks beside one another, then the return calls."""
    chosen = [item.callspec.params.get("case") for item in request.session.items if hasattr(item, "callspec")]
    played = player.begin((USUAL, case) for case in chosen if case in PLAYED)
    returned = player.return_calls(case for case in chosen if case in RETURNED)
    return {name: future for (_, name), future in played.items()} | returned


@pytest.mark.parametrize("case", PLAYED, ids=lambda case: case.name)
def test_a_case_comes_true(plays, lab, case):
    played = plays[case.name].result(timeout=240)
    assert check(played) == []
    if case.name in SOUNDED:
        found = audio_checks(played, lab.pstn.exchange.line.heard_by)
        assert [each.passed for each in found] == [True, True], found


@pytest.mark.parametrize("case", RETURNED, ids=lambda case: case.name)
def test_a_return_call_comes_true(plays, case):
    assert [each for each in return_checks(plays[case.name].result(timeout=240)) if not each.passed] == []


def test_nothing_is_left_and_nothing_broke(plays, player, lab):
    for future in plays.values():
        future.result()
    exchange = lab.pstn.exchange
    assert exchange.legs_up() + exchange.legs_ringing() == []
    assert [phone.number for phone in exchange.phones.values() if phone.current] == []
    assert lab.pstn.broken == []


def test_what_make_up_says_of_the_node_the_edge_and_the_trunk_is_there(lab):
    said = lab.nodes.words()
    assert {place for place in re.findall(r"(127\.0\.0\.[1-9]):[0-9]+", said)} >= {"127.0.0.3", "127.0.0.1"}
    assert "Trunks see it at 127.0.0.5:" in said
    assert urllib.request.urlopen(re.search(r"metrics: (\S+)", said)[1], timeout=10).status == 200
    folders = re.findall(r"(/\S+)/(trunks-0\.yaml|edge|kamailio\.log)", said)
    assert [(Path(folder) / name).exists() for folder, name in folders] == [True] * 3


def test_there_is_no_room_when_every_node_has_left(plays, player, lab):
    """The last one of this lab."""
    player.wait()
    lab.nodes.drain()
    case = replace(named("no_room"), network={}, network_error="NoNodeHasRoom", seconds=50.0)
    [played] = [future.result() for future in player.at_once([case])]
    assert check(played) == []


def test_every_case_is_played_or_left_out_with_a_reason():
    assert LEFT_OUT.keys() <= {*(case.name for case in CASES), *(case.name for case in RETURN_CASES)}
    assert all(LEFT_OUT.values())
