"""Every check of a played case can fail: one thing is spoiled at a time, and it is told."""

from dataclasses import replace
from datetime import datetime, timedelta

import pytest

from lab.cases.catalogue import Codes, named
from lab.cases.checks import check, checks
from lab.cases.return_calls import return_case
from lab.cases.return_checks import return_checks

TIME = "%Y-%m-%d %H:%M:%S"


@pytest.fixture(scope="module")
def good(case_player):
    case_player.wait()
    [played] = case_player.at_once([named("talked")])
    result = played.result(60)
    assert check(result) == []
    return result


@pytest.fixture(scope="module")
def recorded(case_player):
    case_player.wait()
    [played] = case_player.at_once([named("talked_recorded")])
    result = played.result(90)
    assert check(result) == []
    return result


def without(played, kind):
    return replace(
        played, notifications=[notification for notification in played.notifications if notification.kind != kind]
    )


def cdr_says(played, **fields):
    notifications = [
        replace(
            notification,
            body={**notification.body, "feeLst": [_without_none({**notification.body["feeLst"][0], **fields})]},
        )
        if notification.kind == "fee"
        else notification
        for notification in played.notifications
    ]
    return replace(played, notifications=notifications)


def _without_none(record):
    return {name: value for name, value in record.items() if value is not None}


def later(played, name, seconds):
    told = datetime.strptime(played.cdr[name], TIME) + timedelta(seconds=seconds)
    return cdr_says(played, **{name: told.strftime(TIME)})


def unsigned(played):
    return replace(
        played,
        notifications=[
            replace(notification, signed=notification.kind != "answer") for notification in played.notifications
        ],
    )


def phone_saw(played, **more):
    return replace(played, callee_calls=[replace(played.callee_calls[0], **more)])


def expecting(played, **more):
    return replace(played, case=replace(played.case, **more))


def failed_once(played):
    failure = replace(played.network_events[0], kind="failure", detail={"reason": "it raised"})
    return replace(played, network_events=[*played.network_events, failure])


SPOILED = {
    "no disconnect": lambda played: without(played, "disconnect"),
    "no CDR": lambda played: without(played, "fee"),
    "an event twice": lambda played: replace(played, notifications=[played.notifications[0], *played.notifications]),
    "events in another order": lambda played: replace(played, notifications=played.notifications[::-1]),
    "two CDRs": lambda played: replace(played, notifications=[*played.notifications, played.notifications[-1]]),
    "an event not signed": unsigned,
    "another state code": lambda played: expecting(played, end_codes=Codes(8017)),
    "another release point": lambda played: cdr_says(played, ulFailReason=516),
    "another SIP status": lambda played: cdr_says(played, sipStatusCode=486),
    "another cause of the caller": lambda played: cdr_says(played, callOutUnaswRsn=16),
    "another cause of the callee": lambda played: cdr_says(played, fwdUnaswRsn=16),
    "a refusal of the network that nobody expects": lambda played: cdr_says(played, networkError="ForbiddenException"),
    "a refusal of the network that was not told": lambda played: expecting(played, network_error="ForbiddenException"),
    "a CDR that came too late": lambda played: expecting(played, seconds=0.001),
    "another end in the look-up": lambda played: replace(played, looked_up={"ending": {"stateCode": 8017}}),
    "another app's CDR": lambda played: cdr_says(played, appKey="another"),
    "a time three seconds late": lambda played: later(played, "fwdAnswerTime", 3),
    "a time three seconds early": lambda played: later(played, "callOutAnswerTime", -3),
    "a time left out": lambda played: cdr_says(played, callOutAlertingTime=None),
    "times in another order": lambda played: cdr_says(played, callEndTime="2020-01-01 00:00:00"),
    "a time that nobody saw": lambda played: cdr_says(played, fwdAlertingTime=played.cdr["fwdStartTime"]),
    "the caller's own number was shown": lambda played: phone_saw(played, saw=played.pair.caller),
    "the callee was rung twice": lambda played: replace(played, callee_calls=played.callee_calls * 2),
    "no waiting prompt": lambda played: expecting(played, caller_prompts=()),
    "a prompt to the callee": lambda played: phone_saw(
        played, heard=[(played.asked_at, "prompts/callee-unavailable.wav")]
    ),
    "never joined": lambda played: phone_saw(played, joined=[]),
    "one left on the line": lambda played: phone_saw(played, ended_at=played.callee.ended_at + timedelta(seconds=9)),
    "hung up by the other": lambda played: expecting(played, hung_up_by="caller"),
    "a recording that nobody asked for": lambda played: cdr_says(played, recordFlag=1),
    "a place of no recording": lambda played: cdr_says(played, recordObjectName="1_2_3.wav"),
    "a slot still held": lambda played: replace(played, left_over=["its slot is held"]),
    "a function that failed": failed_once,
    "a request that was refused": lambda played: replace(
        played, reply=replace(played.reply, status=403, body={"resultcode": "1010002"})
    ),
}


@pytest.mark.parametrize("spoil", SPOILED.values(), ids=SPOILED)
def test_it_is_told(good, spoil):
    assert check(spoil(good)) != []


@pytest.mark.parametrize(
    "spoil",
    [
        lambda played: cdr_says(played, recordFlag=0),
        lambda played: cdr_says(played, recordFileDownloadUrl=None),
        lambda played: replace(played, recording=None),
        lambda played: replace(played, recording=b'{"resultcode": "1011006"}'),
    ],
    ids=["a recording denied", "no link", "a link to nothing", "a link to something else"],
)
def test_it_is_told_of_a_recording(recorded, spoil):
    assert check(spoil(recorded)) != []


SPOILED_RETURN = {
    "no callin": lambda played: without(played, "callin"),
    "no CDR": lambda played: without(played, "fee"),
    "events in another order": lambda played: replace(played, notifications=played.notifications[::-1]),
    "an event not signed": unsigned,
    "another state code": lambda played: expecting(played, codes=Codes(8017)),
    "a callback's CDR": lambda played: cdr_says(played, direction=0),
    "another dialler": lambda played: cdr_says(played, callerNum=played.pair.callee),
    "another person rung": lambda played: cdr_says(played, fwdDstNum=played.pair.caller),
    "a time of a callback": lambda played: cdr_says(played, callOutStartTime=played.cdr["callInTime"]),
    "a time three seconds late": lambda played: later(played, "fwdAnswerTime", 3),
    "a time left out": lambda played: cdr_says(played, callInTime=None),
    "the dialler's own number was shown": lambda played: phone_saw(played, saw=played.pair.caller),
    "nobody rang": lambda played: replace(played, callee_calls=[]),
    "another phone rang": lambda played: replace(played, others=played.callee_calls),
    "the dialler was answered long before": lambda played: replace(
        played, caller_calls=[replace(played.caller, answered_at=played.caller.answered_at - timedelta(seconds=5))]
    ),
    "one left on the line": lambda played: phone_saw(played, ended_at=played.callee.ended_at + timedelta(seconds=9)),
    "refused, not answered": lambda played: expecting(played, refused=480),
    "a slot still held": lambda played: replace(played, left_over=["its slot is held"]),
    "a function that failed": failed_once,
}


@pytest.fixture(scope="module")
def returned(case_player):
    played = case_player.return_calls([return_case("return_call")])["return_call"].result(timeout=120)
    assert all(each.passed for each in return_checks(played))
    return played


@pytest.mark.parametrize("spoil", SPOILED_RETURN.values(), ids=SPOILED_RETURN)
def test_it_is_told_of_a_return_call(returned, spoil):
    assert not all(each.passed for each in return_checks(spoil(returned)))


def test_a_check_that_comes_true_says_the_same_words(good):
    """So that a reader can compare two runs line by line."""
    spoiled = without(good, "disconnect")
    assert [each.what for each in checks(spoiled)] == [each.what for each in checks(good)]
