"""A call played by hand: each verb is one network event, a second apart unless a time is given."""

from collections.abc import Sequence

from duologue.call_control.actions import Action, HangUp, PlayPrompt
from duologue.call_control.events import (
    ActionRefused,
    BridgeFailed,
    CallEvent,
    DialAccepted,
    DialCalleeAsked,
    EndAsked,
    EndNotReported,
    LegAnswered,
    LegEnded,
    LegRinging,
    PromptPlayed,
)
from duologue.call_control.facts import Fact
from duologue.call_control.machine import Decision, decide
from duologue.domain.calls.call import Call
from duologue.domain.calls.outcome import Party
from tests.samples import LEG_A, LEG_B, NETWORK_CALL, at, callback

CALLER_DIALLED = DialAccepted(at(0), NETWORK_CALL, LEG_A, at(0))
CALLER_RANG = LegRinging(at(1), NETWORK_CALL, Party.CALLER, LEG_A, at(0))
CALLER_ANSWERED = LegAnswered(at(3), NETWORK_CALL, Party.CALLER, LEG_A, at(0))
CALLEE_WANTED = DialCalleeAsked(at(4), NETWORK_CALL)
CALLEE_RANG = LegRinging(at(6), NETWORK_CALL, Party.CALLEE, LEG_B, at(4))
CALLEE_ANSWERED = LegAnswered(at(9), NETWORK_CALL, Party.CALLEE, LEG_B, at(4))
CALLER_LEFT = LegEnded(at(60), NETWORK_CALL, Party.CALLER, LEG_A, 0)
CALLEE_LEFT = LegEnded(at(60), NETWORK_CALL, Party.CALLEE, LEG_B, 0)
END_WANTED = EndAsked(at(50), NETWORK_CALL)
PROMPT_HEARD = PromptPlayed(at(20), NETWORK_CALL)
BRIDGE_TIMED_OUT = BridgeFailed(at(34), NETWORK_CALL)
HANG_UP_REFUSED = ActionRefused(at(61), NETWORK_CALL, HangUp.__name__, "InvalidActionParameter")
PROMPT_REFUSED = ActionRefused(at(5), NETWORK_CALL, PlayPrompt.__name__, "InvalidAudioSource")

NO_ROOM = BridgeFailed(at(5), NETWORK_CALL, refused="ActionExecutionThrottled", no_room=True)
REFUSED = BridgeFailed(at(5), NETWORK_CALL, refused="InvalidActionParameter")

TALKING: tuple[CallEvent, ...] = (CALLER_DIALLED, CALLER_RANG, CALLER_ANSWERED, CALLEE_WANTED, CALLEE_ANSWERED)


def closed(call: Call, seconds: float) -> Decision:
    """The end of a call that the network never ended for us."""
    return decide(call, EndNotReported(at(seconds)))


def facts_of(decision: Decision) -> list[str]:
    """The facts' names, with the party where there is one."""
    return [f"{type(fact).__name__} {getattr(fact, 'party', '')}".strip() for fact in decision.facts]


class Story:
    """What came of playing events into a call."""

    def __init__(self, *events: CallEvent, call: Call | None = None) -> None:
        self.call = call or callback()
        self.facts: list[Fact] = []
        self.told: list[str] = []
        self.last = Decision(self.call)
        self.play(*events)

    def play(self, *events: CallEvent) -> "Story":
        for event in events:
            self.last = decide(self.call, event)
            self.call = self.last.call
            self.facts += self.last.facts
            self.told += facts_of(self.last)
        return self

    @property
    def actions(self) -> Sequence[Action]:
        return self.last.actions
