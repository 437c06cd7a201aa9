"""Stopping: at once, twice, too late, and by somebody else."""

import json
import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import pytest

from lab.cases.catalogue import named
from lab.cases.checks import check
from pstn.lines.behaviours import answers
from pstn.lines.phone_state import Phone


@pytest.fixture
def two(case_player, lab):
    """Two telephones that answer and would talk for ever. The first one rings for a while."""
    with case_player.pair() as pair:
        phones = lab.pstn.exchange.phones
        phones[pair.caller], phones[pair.callee] = Phone(answers(5.0)), Phone(answers(2.0))
        yield pair


def all_told(sp, session: str) -> list[str]:
    assert sp.receiver.wait_for_fee(session, 60)
    return [notification.kind for notification in sp.receiver.about(session)]


def test_a_stop_right_after_the_request(two, case_player):
    """Before, while or after the network takes the dial: in each case the SP is told 8017, once."""
    sp = case_player.sp
    session = sp.place(two.caller, two.callee).body["sessionId"]
    assert sp.client.stop(session).code == "0"
    told = all_told(sp, session)
    assert told[-2:] == ["disconnect", "fee"]
    assert "callout" not in told[1:], "the called party is not rung"
    ends = next(
        notification.body["statusInfo"]
        for notification in sp.receiver.about(session)
        if notification.kind == "disconnect"
    )
    assert ends["stateCode"] == 8017


def test_a_second_stop_is_success_and_one_after_the_end_is_told_so(two, case_player):
    sp = case_player.sp
    session = sp.place(two.caller, two.callee).body["sessionId"]
    assert sp.receiver.wait_for(session, "callout", 60)
    with ThreadPoolExecutor(4) as together:
        replies = list(together.map(lambda _: sp.client.stop(session), range(4)))
    assert [(reply.status, reply.code) for reply in replies] == [(200, "0")] * 4
    told = all_told(sp, session)
    assert (told.count("disconnect"), told.count("fee")) == (1, 1)
    late = sp.client.stop(session)
    assert (late.status, late.code) == (403, "1020152")
    assert all_told(sp, session) == told


def test_nobody_else_can_stop_a_call(two, case_player, new_sp):
    stranger, sp = new_sp("stops-another"), case_player.sp
    session = sp.place(two.caller, two.callee).body["sessionId"]
    assert sp.receiver.wait_for(session, "answer", 60, two.callee)
    refused = stranger.client.stop(session)
    assert (refused.status, refused.code) == (403, "1020152")
    assert sp.client.stop(session).code == "0"
    assert all_told(sp, session)[-2:] == ["disconnect", "fee"]
    assert stranger.receiver.notifications == []


def test_a_request_sent_twice_is_two_callbacks(case_player):
    """The wire has no key for idempotency; what protects a person is that the engaged telephone is busy."""
    case = replace(named("talked"), callee=answers(1.0, talks=3.0))
    first, second = (promise.result(60) for promise in case_player.at_once([case, case]))
    assert check(first) == check(second) == []
    assert first.session != second.session


def test_the_operator_ends_the_calls_of_an_app_and_what_they_reserved_is_given_back(new_sp, lab):
    """A callback and a return call, both while people talk: each end is notified.

    Each reserves nearly all minutes of the app's day: the second is accepted because the first has given them back.
    """
    sp, phones = new_sp("ended"), {number: Phone(answers(0.5)) for number in ("+12025550186", "+12025550187")}
    lab.pstn.exchange.phones.update(phones)
    caller, callee = phones

    def operate(*words: str) -> dict:
        command = [sys.executable, "-m", "duologue.operator", *words]
        env = {**os.environ, **lab.environment}
        return json.loads(subprocess.run(command, env=env, stdout=subprocess.PIPE, text=True, check=True).stdout)

    def ended(session: str) -> list[int]:
        assert sp.receiver.wait_for_fee(session, 60)
        told = [each.body["statusInfo"] for each in sp.receiver.about(session) if each.kind == "disconnect"]
        return [each["stateCode"] for each in told]

    ceilings = ("--calls-per-day", "2", "--minutes-per-day", "250", "--calls-per-dialled-number-per-day", "3")
    operate("app", "set", sp.account.app_key, *ceilings)
    session = sp.place(caller, callee).body["sessionId"]
    assert sp.receiver.wait_for(session, "answer", 60, callee)
    assert sp.place(caller, callee).code == "1010009"
    assert [call["was"] for call in operate("call", "stop", session)["calls"]] == ["talking"]
    assert ended(session) == [8017]

    lab.pstn.exchange.call_in(callee, sp.numbers[1], caller_id=callee)
    assert sp.receiver.wait_until(lambda: any(each.kind == "callin" for each in sp.receiver.notifications), 60)
    [back] = {each.session_ids[0] for each in sp.receiver.notifications if each.kind == "callin"}
    assert sp.receiver.wait_for(back, "answer", 60, caller)
    assert [call["was"] for call in operate("app", "suspend", sp.account.app_key, "--end-calls")["calls"]] == [
        "talking"
    ]
    assert ended(back) == [8017]
