"""Checks of a played case: each has a text, and what it found instead if it failed.

Times in the API are cut to whole seconds, so each stands for the second that begins there. It is correct if the phone
saw the event within that second, or at most one second away from it. If the machine delayed the platform's function,
the time of its answer counts.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from lab.cases.catalogue import PARTING, WAITING
from lab.cases.play import Played
from lab.cases.prompts import length_of, prompt_name
from pstn.feed import NetworkEvent
from pstn.lines.phone_state import PhoneCall

SECOND = timedelta(seconds=1)
_WHERE = (
    "recordStartTime",
    "recordHintTone",
    "recordObjectName",
    "recordBucketName",
    "recordDomain",
    "recordFileDownloadUrl",
)
_LEG_A = ("callOutStartTime", "callOutAlertingTime", "callOutAnswerTime")
_LEG_B = ("fwdStartTime", "fwdAlertingTime", "fwdAnswerTime")


@dataclass(frozen=True)
class Check:
    """`found`: what was found instead; None: the check passed."""

    what: str
    found: str | None

    @property
    def passed(self) -> bool:
        return self.found is None


def check(played: Played) -> list[str]:
    """The checks that failed, with what they found."""
    return [f"{check.what}: {check.found}" for check in checks(played) if not check.passed]


def checks(played: Played) -> list[Check]:
    return [Check(what, found) for what, found in _all(played)]


Finding = tuple[str, str | None]


def _all(played: Played) -> Iterator[Finding]:
    yield "the request was accepted", None if played.reply.code == "0" else f"{played.reply.status} {played.reply.body}"
    if played.case.stop:
        answer = played.stopped
        yield "the stop was accepted", None if answer and answer.code == "0" else str(answer)
    yield from _notifications(played)
    yield from _people(played)
    yield from _cdr(played)
    yield "no leg is up, no execution runs, no slot is held", "; ".join(played.left_over) or None
    yield "the network accepted every answer of the platform", network_failures(played.network_events)


def differs(found: object, wanted: object) -> str | None:
    return None if found == wanted else f"{found}, not {wanted}"


# ---- notifications


def _notifications(played: Played) -> Iterator[Finding]:
    wanted = [*played.case.steps(played.switches), "disconnect", "fee"]
    steps = played.steps
    if _ringing_overtaken(played):
        wanted, steps = _without_alerting(wanted), _without_alerting(steps)
    yield f"the SP was notified of {', '.join(wanted)}", differs(steps, wanted)
    ends = (played.steps.count("disconnect"), played.steps.count("fee"))
    yield "one disconnect, one CDR", differs(ends, (1, 1))
    yield f"the CDR arrived within {played.case.seconds:g} s of the request", _late(played)
    unsigned = [notification.kind for notification in played.notifications if not notification.signed]
    yield "every notification is signed with the app's secret", f"not {unsigned}" if unsigned else None
    shown = {
        (told["caller"], told["called"])
        for notification in played.notifications
        if (told := notification.body.get("statusInfo"))
    }
    a, b = played.sp.numbers[:2]
    strange = shown - {(a, played.pair.caller), (b, played.pair.callee)}
    yield "every event names the display number and the number dialled", str(strange) if strange else None
    times = [
        str(notification.body["statusInfo"]["timestamp"])
        for notification in played.notifications
        if notification.kind != "fee"
    ]
    yield "the events' times never go backwards", None if times == sorted(times) else str(times)
    codes = played.case.codes(played.switches)
    yield f"disconnect has state code {codes.state}", differs(played.disconnect.get("stateCode"), codes.state)
    party = {"caller": "caller", "callee": "called", None: "platform"}[played.case.hung_up_by]
    both_left = played.case.connected and played.switches.hangup_order == "reversed"
    if played.case.hung_up_by is not None and not both_left:
        who = {"called": "callee"}.get(party, party)
        yield f"the {who} hung up first", differs(played.disconnect.get("partyType"), party)


def _late(played: Played) -> str | None:
    came = [each.at - played.asked_at for each in played.notifications if each.kind == "fee"]
    if not came:
        return "it did not arrive"
    return None if came[0] <= timedelta(seconds=played.case.seconds) else f"after {came[0].total_seconds():.1f} s"


def _ringing_overtaken(played: Played) -> bool:
    """RINGING that arrives after the answer is not notified; reordering or a busy machine may cause that."""
    kinds = {
        event.detail["event"]["Sequence"]: event.detail["event"]["InvocationEventType"]
        for event in played.network_events
        if event.kind == "event"
    }
    order = [kinds.get(event.detail["sequence"]) for event in played.network_events if event.kind == "answer"]
    later = order[order.index("CALL_ANSWERED") :] if "CALL_ANSWERED" in order else []
    return played.switches.reordering != "none" or ("RINGING" in later and "RINGING" not in order[: -len(later)])


def _without_alerting(steps: list[str]) -> list[str]:
    return [step for step in steps if not step.startswith("alerting")]


# ---- the two phones


def _people(played: Played) -> Iterator[Finding]:
    a, b = played.sp.numbers[:2]
    for who, calls, shows in (("caller", played.caller_calls, a), ("callee", played.callee_calls, b)):
        rang = _should_ring(played, who)
        yield (
            f"the {who}'s phone was {'called once, and showed ' + shows if rang else 'not called'}",
            differs([call.saw for call in calls], [shows] if rang else []),
        )
    heard = prompts_heard(played.caller)
    wanted = list(played.case.caller_prompts)
    if WAITING not in heard and _failed_at_once(played.callee):
        wanted = [prompt for prompt in wanted if prompt != WAITING]
    hears = f"the caller heard {', then '.join(wanted)}" if wanted else "the caller heard no prompt"
    yield hears, differs(heard, wanted)
    wanted = list(played.case.callee_prompts)
    hears = f"the callee heard {', then '.join(wanted)}" if wanted else "the callee heard no prompt"
    yield hears, differs(prompts_heard(played.callee), wanted)
    if PARTING & set(played.case.caller_prompts):
        yield "the caller heard the final prompt to its end", _cut_short(played)
    joined = [[other for other, _, _ in call.joined] if call else [] for call in (played.caller, played.callee)]
    talk = [[played.pair.callee], [played.pair.caller]] if played.case.connected else [[], []]
    yield (
        "both parties were connected to each other" if played.case.connected else "nobody was connected",
        differs(joined, talk),
    )
    if played.case.connected:
        yield "nobody was left alone on the line", _left_alone(played)


def _should_ring(played: Played, who: str) -> bool:
    return ("callout A" if who == "caller" else "callout B") in played.case.notified


def prompts_heard(call: PhoneCall | None) -> list[str]:
    """Names of the prompts heard; repeats count once."""
    names = [prompt_name(key) for _, key in call.heard] if call else []
    return [name for index, name in enumerate(names) if index == 0 or names[index - 1] != name]


def _cut_short(played: Played) -> str | None:
    call = played.caller
    begun = [(at, key) for at, key in call.heard if prompt_name(key) in PARTING] if call else []
    if not begun or call is None or call.ended_at is None:
        return "it was not heard"
    at, key = begun[-1]
    missing = length_of(key) - (call.ended_at - at)
    return None if missing < SECOND / 2 else f"without its last {missing.total_seconds():.1f} s"


def _failed_at_once(callee: PhoneCall | None) -> bool:
    """It failed before the network could fetch the waiting prompt."""
    return bool(callee and callee.ended_at and callee.ended_at - callee.called_at < SECOND)


def _left_alone(played: Played) -> str | None:
    ends = [call.ended_at for call in (played.caller, played.callee) if call and call.ended_at]
    if len(ends) != 2:
        return "a leg did not end"
    apart = max(ends) - min(ends)
    return None if apart < 5 * SECOND else f"one leg was up {apart.total_seconds():.1f} s longer"


# ---- the CDR


def _cdr(played: Played) -> Iterator[Finding]:
    cdr = played.cdr
    a, b = played.sp.numbers[:2]
    wanted = {
        "direction": 0,
        "spId": played.sp.name,
        "appKey": played.sp.account.app_key,
        "sessionId": played.session,
        "callerNum": a,
        "calleeNum": played.pair.caller,
        "fwdDisplayNum": b,
        "fwdDstNum": played.pair.callee,
        "userData": played.case.name,
    }
    yield "the CDR identifies the call", differs({name: cdr.get(name) for name in wanted}, wanted)
    codes = played.case.codes(played.switches)
    found = [cdr.get(name) for name in ("ulFailReason", "sipStatusCode", "callOutUnaswRsn", "fwdUnaswRsn")]
    coded = [codes.fail_reason, codes.sip_status, codes.caller_cause, codes.callee_cause]
    yield (
        f"the CDR has failure reason {codes.fail_reason}, SIP {codes.sip_status}, causes {coded[2]} and {coded[3]}",
        differs(found, coded),
    )
    error = played.case.network_error
    yield (
        f"the CDR has the network's error, {error}" if error else "the CDR has no network error",
        differs(cdr.get("networkError"), error),
    )
    ending = played.looked_up.get("ending", {})
    found = [ending.get(name) for name in ("stateCode", "ulFailReason", "networkError")]
    yield "the look-up reports the same end", differs(found, [codes.state, codes.fail_reason, error])
    times = [cdr[name] for name in (*_LEG_A, *_LEG_B, "callEndTime") if name in cdr]
    yield "the CDR's times are in order", None if times and times == sorted(times) else str(times)
    yield "the CDR's times match the phones' to a second", "; ".join(time_faults(played.cdr, _times(played))) or None
    yield from recording_findings(played.case.record, cdr, played.recording)
    if played.case.minutes:
        limit = timedelta(minutes=played.case.minutes)
        talk = cdr_time(cdr["callEndTime"]) - cdr_time(cdr["fwdAnswerTime"]) if "fwdAnswerTime" in cdr else timedelta(0)
        yield f"the call lasted {limit}", None if limit - SECOND <= talk <= limit + 3 * SECOND else str(talk)


def recording_findings(recorded: bool, cdr: Mapping[str, Any], recording: bytes | None) -> Iterator[Finding]:
    """`recording`: what the CDR's link returned."""
    wanted = {"recordFlag", *(_WHERE if recorded else ())}
    found = {name for name in cdr if name.startswith("record")}
    words = "when the recording began, and where it is" if recorded else "that the call was not recorded"
    fault = differs(sorted(found), sorted(wanted)) or differs(cdr.get("recordFlag"), int(recorded))
    yield f"the CDR says {words}", fault
    if recorded:
        yield "the CDR's link leads to the recording", differs((recording or b"")[:4], b"RIFF")


def time_faults(cdr: Mapping[str, Any], times: Mapping[str, tuple[datetime, datetime] | None]) -> Iterator[str]:
    """`times`: for each time of the CDR, as of `_times`."""
    for name, at in times.items():
        given = cdr.get(name)
        if (given is None) != (at is None):
            yield f"{name} is {given}, the phone saw {at and at[0]}"
        elif given is not None and at is not None and not within_a_second(cdr_time(given), *at):
            seen, processed = (f"{event:%H:%M:%S.%f}" for event in at)
            yield f"{name} is {given}, the phone saw it at {seen}, the platform processed it at {processed}"


def time_lags(played: Played) -> list[float]:
    """By how many seconds each time in the CDR is later than its phone saw it; 0 if it is earlier."""
    cdr = played.cdr
    pairs = [(cdr_time(cdr[name]), at[0]) for name, at in _times(played).items() if at and name in cdr]
    return [max(0.0, (given - seen).total_seconds()) for given, seen in pairs]


def within_a_second(given: datetime, seen: datetime, processed: datetime) -> bool:
    return seen - 2 * SECOND <= given <= processed + SECOND


def _times(played: Played) -> dict[str, tuple[datetime, datetime] | None]:
    """For each time of the CDR: when the phone saw it, and when the platform had answered the event that reports it.

    The platform cannot know earlier. On a busy machine the two are seconds apart.
    """
    times: dict[str, tuple[datetime, datetime] | None] = dict.fromkeys((*_LEG_A, *_LEG_B, "callEndTime"))
    if caller := played.caller:
        dialled = next(event.at for event in played.network_events if event.kind == "placed")
        times["callOutStartTime"] = (dialled, caller.called_at)
        times["callOutAlertingTime"] = _heard(played, "RINGING", caller.rang_at)
        times["callOutAnswerTime"] = _heard(played, "CALL_ANSWERED", caller.answered_at)
    if callee := played.callee:
        times["fwdStartTime"] = _heard(played, "CALL_UPDATE_REQUESTED", callee.called_at, before=True)
        times["fwdAlertingTime"] = _heard(played, "RINGING", callee.rang_at)
        times["fwdAnswerTime"] = _heard(played, "ACTION_SUCCESSFUL", callee.answered_at)
    if not played.switches.ringing_leg_a or "alerting A" not in played.steps:
        times["callOutAlertingTime"] = None
    if not played.switches.ringing_leg_b or "alerting B" not in played.steps:
        times["fwdAlertingTime"] = None
    ends = [call.ended_at for call in (played.caller, played.callee) if call and call.ended_at]
    if ends:
        times["callEndTime"] = _heard(played, "HANGUP", max(ends))
    elif not played.network_events:  # the network never accepted the call; its end is the platform's own
        del times["callEndTime"]
    return times


def _heard(
    played: Played, kind: str, seen: datetime | None, *, before: bool = False
) -> tuple[datetime, datetime] | None:
    """`seen`, and when the next event of this kind (`before`: the previous one) had been answered."""
    if seen is None:
        return None
    asked = [
        event
        for event in played.network_events
        if event.kind == "event"
        and event.detail["event"]["InvocationEventType"] == kind
        and (before or event.at >= seen)
    ]
    if not asked:
        return seen, seen
    sequence = asked[0].detail["event"]["Sequence"]
    answered = [m.at for m in played.network_events if m.kind == "answer" and m.detail["sequence"] == sequence]
    return min(seen, asked[0].at) if before else seen, max([seen, *answered[:1]])


def cdr_time(text: str) -> datetime:
    return datetime.strptime(text, "%Y-%m-%d %H:%M:%S").replace(tzinfo=UTC)


# ---- the network


def network_failures(network_events: Iterable[NetworkEvent]) -> str | None:
    """Answers that the service could not parse, and Lambdas that failed."""
    known = list(network_events)
    failures = [str(event.detail["reason"]) for event in known if event.kind == "failure"]
    events = (event.detail["event"] for event in known if event.kind == "event")
    invalid = [event.get("ErrorMessage") for event in events if event["InvocationEventType"].startswith("INVALID")]
    found = [*failures, *map(str, invalid)]
    return "; ".join(found) or None
