"""The cases of a return call: somebody whom a callback rang dials the display number that it showed.

The dialler is the called party of that callback; the person who is rung is its calling party, if nothing has changed
that. Steps are written as in `catalogue`; the leg to the person who is rung is B, and "callin" is the dialler's.

Rule: expected results are written down here from the platform's documentation; nothing is computed the way the platform
computes it.
"""

from dataclasses import dataclass, replace
from typing import Literal

from lab.cases.catalogue import BUSY, CASES, LAB, NOTICE, UNAVAILABLE, Case, Codes, StopWhen, named
from pstn.lines.behaviours import Behaviour, answers, busy, never_answers

Change = Literal["repointed", "forgotten", "expired", "default number"]
Rung = Literal["calling party", "third person", None]

NETWORK = replace(LAB, bridge_failure_detail=True)
"""The network of these cases: it reports why a phone could not be reached."""

_TALKED = replace(named("talked"), caller=answers(0.5), callee=answers(0.5, talks=1.0))
_MISSED = replace(named("callee_never_answers"), caller=answers(0.5))
_LONG = replace(_TALKED, callee=answers(0.5, talks=20.0))
_RECORDED = replace(_TALKED, record=True)

DIALLED = ("callin", "callout B")
RINGS = (*DIALLED, "alerting B")
ANSWERED = (*RINGS, "answer B")


@dataclass(frozen=True)
class ReturnCase:
    name: str
    story: str
    codes: Codes
    notified: tuple[str, ...] = ANSWERED
    """Steps of which the SP is notified, before `disconnect`."""
    callback: Case | None = _TALKED
    """The remembered callback; None: there is none."""
    dialler: Behaviour = answers()
    """What the dialler's phone does in the return call; it is the callback's called party."""
    target: Behaviour = answers(1.0)
    """What the phone does that is rung, or of the calling party if none is."""
    rung: Rung = "calling party"
    change: Change | None = None
    """What happens to the memory before somebody dials."""
    caller_id: str | None = None
    """What the dialler's call carries as From; None: the phone's number."""
    dialler_prompts: tuple[str, ...] = ()
    target_prompts: tuple[str, ...] = ()
    connected: bool = False
    hung_up_by: Literal["caller", "callee", None] = None
    """Who hangs up first: the dialler, or the person who is rung."""
    refused: int | None = None
    """The SIP code with which the dialler is refused unanswered."""
    stop: StopWhen | None = None
    record: bool = False
    during_talk: bool = False
    """Somebody dials while the callback is still talked."""
    both: bool = False
    """Both parties dial at the same time, after a first return call."""
    exclusive: bool = False
    """It changes the app, so no other case may be played at the same time."""
    seconds: float = 60.0
    """Time-out for the CDR."""

    def steps(self, rings: bool) -> list[str]:
        """The steps notified before `disconnect`. `rings`: the network reports that a bridge's phone rings."""
        return [step for step in self.notified if rings or step != "alerting B"]


_NOBODY = Codes(8019, 8019)

RETURN_CASES: tuple[ReturnCase, ...] = (
    ReturnCase(
        "return_call",
        "The called party dials the display number and talks with the calling party, who sees that number.",
        Codes(0),
        target=answers(1.0, talks=3.0),
        connected=True,
        hung_up_by="callee",
    ),
    ReturnCase(
        "return_missed",
        "The called party did not answer the callback, and dials the display number afterwards.",
        Codes(0),
        callback=_MISSED,
        dialler=answers(talks=3.0),
        connected=True,
        hung_up_by="caller",
    ),
    ReturnCase(
        "return_repointed",
        "The SP has changed who is rung: somebody else answers, and the calling party's phone stays silent.",
        Codes(0),
        target=answers(1.0, talks=3.0),
        rung="third person",
        change="repointed",
        connected=True,
        hung_up_by="callee",
    ),
    ReturnCase(
        "return_forgotten",
        "The SP has deleted the memory: the call is refused unanswered.",
        _NOBODY,
        ("callin",),
        rung=None,
        change="forgotten",
        refused=480,
    ),
    ReturnCase(
        "return_default_number",
        "Nobody is remembered, and the app has a number for such callers: it is rung.",
        Codes(0),
        callback=None,
        target=answers(1.0, talks=3.0),
        rung="third person",
        change="default number",
        connected=True,
        hung_up_by="callee",
        exclusive=True,
    ),
    ReturnCase(
        "return_expired",
        "The memory has expired: the call is refused unanswered.",
        _NOBODY,
        ("callin",),
        rung=None,
        change="expired",
        refused=480,
    ),
    ReturnCase(
        "return_withheld",
        "The dialler withholds the number: nobody can be remembered for it.",
        _NOBODY,
        ("callin",),
        rung=None,
        caller_id="anonymous",
        refused=480,
    ),
    ReturnCase(
        "return_busy",
        "The calling party is busy; the dialler hears it.",
        Codes(8102, 518, 486, 0, 17),
        DIALLED,
        target=busy(),
        dialler_prompts=(BUSY,),
    ),
    ReturnCase(
        "return_no_answer",
        "The calling party does not answer; the dialler hears it.",
        Codes(8101, 514, 0, 0, 19),
        RINGS,
        target=never_answers(),
        dialler_prompts=(UNAVAILABLE,),
    ),
    ReturnCase(
        "return_caller_gives_up",
        "The dialler hangs up while the calling party's phone rings.",
        Codes(8009, 530),
        RINGS,
        dialler=answers(patience=1.5),
        target=never_answers(),
        hung_up_by="caller",
    ),
    ReturnCase(
        "return_recorded",
        "The callback asked for a recording, so the return call is recorded: both hear the notice first.",
        Codes(0),
        callback=_RECORDED,
        target=answers(1.0, talks=20.0),
        dialler_prompts=(NOTICE,),
        target_prompts=(NOTICE,),
        connected=True,
        hung_up_by="callee",
        record=True,
    ),
    ReturnCase(
        "return_during_talk",
        "The called party dials during the first talk: the calling party is busy, and the first talk goes on.",
        Codes(8102, 518, 486, 0, 17),
        DIALLED,
        callback=_LONG,
        dialler_prompts=(BUSY,),
        during_talk=True,
    ),
    ReturnCase(
        "return_both_at_once",
        "Both dial the display number at the same time: each finds the other busy.",
        Codes(8102, 518, 486, 0, 17),
        DIALLED,
        dialler_prompts=(BUSY,),
        both=True,
    ),
    ReturnCase(
        "return_stopped",
        "The SP stops the call while the calling party's phone rings; it is answered anyway, and hung up at once.",
        Codes(8017, 516, 0, 0, 16),
        target=answers(3.5),
        connected=True,
        stop="callee rings",
    ),
)


ALL_CASES: tuple[Case | ReturnCase, ...] = (*CASES, *RETURN_CASES)


def return_case(name: str) -> ReturnCase:
    """Raises: KeyError."""
    return {case.name: case for case in RETURN_CASES}[name]


def any_named(name: str) -> Case | ReturnCase:
    """Raises: KeyError, with the names of all cases."""
    for case in ALL_CASES:
        if case.name == name:
            return case
    raise KeyError(f"There is no case {name}. The cases are {', '.join(case.name for case in ALL_CASES)}.")
