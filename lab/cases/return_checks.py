"""Checks of a played return call, written as in `checks`."""

from collections.abc import Iterator
from datetime import datetime, timedelta

from lab.cases.checks import (
    SECOND,
    Check,
    Finding,
    differs,
    network_failures,
    prompts_heard,
    recording_findings,
    time_faults,
)
from lab.cases.play import Played
from lab.cases.return_play import PlayedReturn
from pstn.lines.phone_state import PhoneCall

_TOGETHER = timedelta(seconds=5)
_OUTBOUND = ("fwdStartTime", "fwdAlertingTime", "fwdAnswerTime")
_CALLBACK_ONLY = ("callOutStartTime", "callOutAlertingTime", "callOutAnswerTime")


def return_checks(played: PlayedReturn) -> list[Check]:
    found = [Check(what, fault) for what, fault in _all(played)]
    if played.twin:
        found += [Check(f"the other's call: {what}", fault) for what, fault in _all(played.twin)]
    return found


def _all(played: PlayedReturn) -> Iterator[Finding]:
    if played.case.change in ("repointed", "forgotten"):
        answer = played.changed
        yield "the SP's change was accepted", None if answer and answer.code == "0" else str(answer)
    if played.case.stop:
        answer = played.stopped
        yield "the stop was accepted", None if answer and answer.code == "0" else str(answer)
    if played.callback and played.case.during_talk:
        yield "the first talk went on undisturbed", _first_talk(played.callback, played)
    yield from _notifications(played)
    yield from _people(played)
    yield from _cdr(played)
    yield "no leg is up, no execution runs, no slot is held", "; ".join(played.left_over) or None
    yield "the network accepted every answer of the platform", network_failures(played.network_events)


def _first_talk(callback: Played, played: PlayedReturn) -> str | None:
    talk = next((call.joined[0] for call in callback.caller_calls if call.joined), None)
    end = played.caller.ended_at if played.caller else None
    if talk is None or end is None or callback.disconnect.get("stateCode") != 0:
        return f"{talk}, {end}, {callback.disconnect}"
    _, since, until = talk
    return None if since < played.asked_at and (until is None or until > end) else f"it lasted until {until}"


# ---- notifications


def _notifications(played: PlayedReturn) -> Iterator[Finding]:
    case = played.case
    wanted = [*case.steps(played.switches.ringing_leg_b), "disconnect", "fee"]
    yield f"the SP was notified of {', '.join(wanted)}", differs(played.steps, wanted)
    unsigned = [each.kind for each in played.notifications if not each.signed]
    yield "every notification is signed with the app's secret", f"not {unsigned}" if unsigned else None
    dialler, display, target = played.shown_caller, played.display, played.pair.callee
    inbound = {"callin", *(("disconnect",) if case.rung is None else ())}
    strange = {
        (each.kind, each.caller, each.called)
        for each in played.notifications
        if each.kind != "fee"
        and (each.caller, each.called) != ((dialler, display) if each.kind in inbound else (display, target))
    }
    yield (
        "callin has the dialler and the display number, later events the display number and who is rung",
        (str(strange) if strange else None),
    )
    times = [str(each.body["statusInfo"]["timestamp"]) for each in played.notifications if each.kind != "fee"]
    yield "the events' times never go backwards", None if times == sorted(times) else str(times)
    yield f"disconnect has state code {case.codes.state}", differs(played.disconnect.get("stateCode"), case.codes.state)
    if case.hung_up_by is not None and case.callback:  # the remembered request asked for partyType
        party = {"caller": "caller", "callee": "called"}[case.hung_up_by]
        yield f"the {case.hung_up_by} hung up first", differs(played.disconnect.get("partyType"), party)


# ---- the phones


def _people(played: PlayedReturn) -> Iterator[Finding]:
    case, display = played.case, played.display
    shows = [display] if case.rung else []
    yield (
        f"the phone to be rung {'rang once, and showed ' + display if shows else 'did not ring'}",
        differs([call.saw for call in played.callee_calls], shows),
    )
    yield "no other phone rang", differs(len(played.others), 0)
    dialler = played.caller
    if case.refused:
        found = (dialler.answered_at, dialler.ended_by, dialler.sip_code) if dialler else None
        yield (
            f"the dialler's call was refused unanswered with {case.refused}",
            differs(found, (None, "network", case.refused)),
        )
    for who, call, prompts in (
        ("dialler", dialler, case.dialler_prompts),
        ("person rung", played.callee, case.target_prompts),
    ):
        words = f"the {who} heard {', then '.join(prompts)}" if prompts else f"the {who} heard no prompt"
        yield words, differs(prompts_heard(call), list(prompts))
    joined = [[other for other, _, _ in call.joined] if call else [] for call in (dialler, played.callee)]
    talk = [[played.pair.callee], [played.pair.caller]] if case.connected else [[], []]
    yield "both were connected" if case.connected else "nobody was connected", differs(joined, talk)
    if case.connected and dialler and played.callee:
        yield "the dialler was answered when the other answered", _answered_together(dialler, played.callee)
        yield "nobody was left alone on the line", _ended_together(dialler, played.callee)


def _answered_together(one: PhoneCall, two: PhoneCall) -> str | None:
    if one.answered_at is None or two.answered_at is None:
        return f"answered at {one.answered_at} and {two.answered_at}"
    apart = abs(one.answered_at - two.answered_at)
    return None if apart < SECOND else f"{apart.total_seconds():.1f} s apart"


def _ended_together(one: PhoneCall, two: PhoneCall) -> str | None:
    if one.ended_at is None or two.ended_at is None:
        return "a leg did not end"
    apart = abs(one.ended_at - two.ended_at)
    return None if apart < _TOGETHER else f"one leg was up {apart.total_seconds():.1f} s longer"


# ---- the CDR


def _cdr(played: PlayedReturn) -> Iterator[Finding]:
    cdr, case, codes = played.cdr, played.case, played.case.codes
    wanted = {
        "direction": 1,
        "spId": played.sp.name,
        "appKey": played.sp.account.app_key,
        "sessionId": played.session,
        "bindNum": played.display,
        "callerNum": played.shown_caller,
        "calleeNum": played.display,
        "fwdDisplayNum": played.display if case.rung else None,
        "fwdDstNum": played.pair.callee if case.rung else None,
        "userData": case.callback.name if case.callback and case.rung else None,
    }
    yield "the CDR identifies the call", differs({name: cdr.get(name) for name in wanted}, wanted)
    found = [cdr.get(name) for name in ("ulFailReason", "sipStatusCode", "callOutUnaswRsn", "fwdUnaswRsn")]
    coded = [codes.fail_reason, codes.sip_status, codes.caller_cause, codes.callee_cause]
    yield (
        f"the CDR has failure reason {codes.fail_reason}, SIP {codes.sip_status}, causes {coded[2]} and {coded[3]}",
        differs(found, coded),
    )
    ending = played.looked_up.get("ending", {})
    found = [ending.get(name) for name in ("stateCode", "ulFailReason")]
    yield "the look-up reports the same end", differs(found, [codes.state, codes.fail_reason])
    yield "the CDR has no time of a callback's first leg", differs([name for name in _CALLBACK_ONLY if name in cdr], [])
    times = [cdr[name] for name in ("callInTime", *_OUTBOUND, "callEndTime") if name in cdr]
    yield "the CDR's times are in order", None if times and times == sorted(times) else str(times)
    yield "the CDR's times match the phones' to a second", "; ".join(time_faults(played.cdr, _times(played))) or None
    yield from recording_findings(case.record, cdr, played.recording)


def _times(played: PlayedReturn) -> dict[str, tuple[datetime, datetime] | None]:
    """For each time of the CDR: when a phone saw it, and when the platform had answered the event that reports it.

    The platform decides who is rung, or that nobody is, between the dial and what the phones see of its answer.
    """
    dialler, rung = played.caller, played.callee
    times: dict[str, tuple[datetime, datetime] | None] = dict.fromkeys(("callInTime", *_OUTBOUND, "callEndTime"))
    if dialler:
        times["callInTime"] = dialler.called_at, _processed(played, dialler.called_at)
    if dialler and rung:
        times["fwdStartTime"] = dialler.called_at, rung.called_at
        if rung.rang_at and played.switches.ringing_leg_b:
            times["fwdAlertingTime"] = rung.rang_at, _processed(played, rung.rang_at)
        if rung.answered_at:
            times["fwdAnswerTime"] = rung.answered_at, _processed(played, rung.answered_at)
    ends = [call.ended_at for call in (dialler, rung) if call and call.ended_at]
    if dialler and ends:
        first = max(ends) if played.case.rung else dialler.called_at
        times["callEndTime"] = first, _processed(played, max(ends))
    return times


def _processed(played: PlayedReturn, seen: datetime) -> datetime:
    """When the platform had answered the next event after that: on a busy machine later than the phone saw it."""
    asked = [each for each in played.network_events if each.kind == "event" and each.at >= seen]
    if not asked:
        return seen
    sequence = asked[0].detail["event"]["Sequence"]
    answered = (
        each.at for each in played.network_events if each.kind == "answer" and each.detail["sequence"] == sequence
    )
    return max(seen, next(answered, seen))
