"""What must hold. Each rule gives what is wrong, or None. R1 to R17: docs/architecture.md."""

from duologue.domain.calls.call import Phase
from duologue.domain.calls.outcome import EndReason
from duologue.domain.calls.task_token import Wait
from tests.model.machine import LEFT, NEVER_STARTED, Early, Execution, Mode
from tests.model.network import CALLING_IN, PROMPT_IS_CUT, RINGING, UP, Network
from tests.model.parts import Rest
from tests.model.store import Row

LATE_DIAL = "an attempt to dial begins, and a reason to end is recorded (R8)"
WAITS_FOR_NOTHING = "waits for what has happened (R1, R2)"
UP_FOR_EVER = "a leg stays up for ever (R4, R9)"
LEFT_RINGING = "an inbound caller hears ringing, and nobody is rung (R9)"
NEVER_ENDS = "nothing that must happen leads to an end (R4)"
_WITHOUT_FAULT = {
    EndReason.HUNG_UP,
    EndReason.CALLER_FAILED,
    EndReason.CALLEE_FAILED,
    EndReason.CALLER_LEFT,
    EndReason.STOPPED,
    EndReason.LONGEST_CALL,
    EndReason.NOBODY_REMEMBERED,
}
_OF_A_DIALLED_CALLER = {EndReason.CALLER_FAILED, EndReason.CALLER_SILENT}


def is_excused(wrong: str, row: Row, rest: Rest, early: Early) -> bool:
    """Exceptions, which cannot be or do no harm; each but for a refused wake-up needs two faults.

    * All that would have resumed a state was lost, or was refused because its function still ran. The state lasts to
      its time-out, and then the next one looks.
    * An answer's event was lost, and the sweeper closed the call at once. It comes two minutes after the acceptance at
      the soonest; before that the network drops a call whose event nobody answers.
    * All events of the network call were lost. It drops that call for the same reason.
    * The end was asked for while the prompt played that says why: by the SP, after a fault, or because the callee's
      answer came after the end of its leg, so that the prompt is wrong.
    * A fault may leave an inbound caller ringing until the network drops the call.
    """
    if wrong == PROMPT_IS_CUT:
        return rest.stopped or rest.harm > 0 or row.call.callee.answered_at is not None
    if wrong == LEFT_RINGING:
        return rest.harm > 0
    if wrong.endswith(WAITS_FOR_NOTHING):
        return early is Early.REFUSED or rest.lost_wake_ups > 1
    unheard = rest.swept_early or (rest.lost_events > 1 and row.call.network_call is None)
    return wrong in (UP_FOR_EVER, NEVER_ENDS) and rest.lost_events > 0 and unheard


def of_request(row: Row, net: Network, name: str, *, saw_an_end: bool) -> str | None:
    """`saw_an_end`: who asks the network read the call when a reason to end was recorded."""
    if name in ("dial_caller", "dial_callee") and saw_an_end:
        return LATE_DIAL
    if name == "end" and net.knows_the_call and row.call.ending is None:
        return "the network is asked to end a call, and no reason is recorded (R4, R8)"
    return None


def of_save(before: Row, after: Row) -> str | None:
    """Of one write of the call."""
    was, now = before.call, after.call
    if was.phase is Phase.OVER and now != was:
        return "the call changes after its end (R10)"
    if (now.phase is Phase.OVER) is not after.has_cdr or after.has_cdr is after.holds_slot:
        return "the end, the CDR and the slot are not one (R10)"
    if was.ending is None:
        return _of_reason(before, now.ending)
    if now.ending is not was.ending:
        return "the first reason to end does not stand"
    rings_caller = before.mark is None and after.mark is not None
    rings_callee = was.callee.dialled_at is None and now.callee.dialled_at is not None
    return LATE_DIAL if rings_caller or rings_callee else None


def _of_reason(before: Row, reason: EndReason | None) -> str | None:
    """What is recorded as the reason must be true."""
    call = before.call
    if call.is_return_call and reason in _OF_A_DIALLED_CALLER:
        return f"told of a return call: {reason}"
    match reason:
        case EndReason.CALLER_SILENT if call.caller.answered_at is not None:
            return "told: the caller is silent; it had answered"
        case EndReason.CALLEE_SILENT if call.callee.answered_at is not None:
            return "told: the callee is silent; it had answered"
        case EndReason.LONGEST_CALL if call.callee.answered_at is None:
            return "told: the longest call is reached; nobody talked"
        case EndReason.NEVER_STARTED if before.mark is not None:
            return "told: never started; it was being dialled"
        case _:
            return None


def of_way(before: Execution, after: Execution) -> str | None:
    """Of a step of the execution, by a function that read the call when a reason to end was recorded."""
    return f"it goes back to {after.state}, and the call is ending" if after.rounds > before.rounds else None


def of_execution(row: Row, execution: Execution) -> str | None:
    """Of one that has ended."""
    if execution.state in (LEFT, NEVER_STARTED):
        return None
    if execution.state.startswith("failed"):
        return f"the execution {execution.state}"
    return None if row.call.phase is Phase.OVER else f"the execution ends ({execution.state}), and the call is not over"


def of_wait(row: Row, execution: Execution, wait: Wait | None) -> str | None:
    """Where nothing runs and nothing is on its way. `wait`: what the execution waits for."""
    call = row.call
    answered = {Wait.CALLER_ANSWER: call.caller.answered_at, Wait.CALLEE_ANSWER: call.callee.answered_at}
    has_happened = call.ending is None and wait is not None and answered.get(wait) is not None
    return f"{execution.state}: {WAITS_FOR_NOTHING}" if has_happened or call.phase is Phase.OVER else None


def of_network(net: Network) -> str | None:
    """Where nothing runs and nothing is on its way."""
    left = net.caller == CALLING_IN and net.callee != RINGING and not net.awaits_answer
    return LEFT_RINGING if left else None


def of_end(row: Row, net: Network, execution: Execution, rest: Rest, *, faults: int) -> str | None:
    """Where nothing more must happen. `faults`: how many there were."""
    reason = row.call.ending
    if execution.mode is not Mode.ENDED:
        return f"the execution does not end: {execution.state}"
    if {net.caller, net.callee} & {UP, RINGING, CALLING_IN}:
        return UP_FOR_EVER
    if row.call.phase is not Phase.OVER:
        return "the call is never over"
    if (rest.harm == 0 and reason not in _WITHOUT_FAULT) or (rest.harm == 1 == faults and reason is EndReason.LOST):
        return f"told, and no fault explains it: {reason}"
    return None
