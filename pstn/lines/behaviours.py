"""What a scripted phone does when it is called, and the number plan, which assigns a script to each number.

A script covers one phone only. Seconds count from the event named; None: never.
"""

import re
from dataclasses import dataclass, replace
from typing import Literal

Kind = Literal["answers", "busy", "never_answers", "rejects", "invalid"]


@dataclass(frozen=True)
class Behaviour:
    """`after`: from ringing to the answer or the refusal."""

    kind: Kind = "answers"
    after: float = 2.0
    rings: bool = True
    """Sends 180 Ringing."""
    talks: float | None = None
    """Seconds after being joined to the other party until it hangs up."""
    stays: float | None = None
    """Seconds after its own answer until it hangs up, joined or not."""
    patience: float | None = None
    """Seconds after the other party begins to ring until it hangs up, unless joined by then."""
    leaves_after_peer: float | None = None
    """Seconds after the other party left until it hangs up. None: stays on the line, as if nobody noticed."""
    vanishes: float | None = None
    """Seconds after being joined until it disappears: no audio, no digits, no hang-up."""
    noticed: float | None = None
    """Seconds after it vanished until the network notices and ends the leg."""
    presses: str = ""
    press_after: float = 1.0
    press_when: Literal["answer", "prompt", "join"] = "prompt"
    """What `press_after` counts from: the answer, the start of a prompt, or being joined."""
    speaks: float | None = None
    """Seconds that it speaks while RecordAudio records it, on a line without audio. None: as long as it is recorded."""
    sip_code: int | None = None
    """The final code of a refusal, instead of the usual one."""

    @property
    def refusal(self) -> int | None:
        """The final code with which it refuses (RFC 3261 §21:

        486 Busy Here, 603 Decline, 404 Not Found); None: it does not.
        """
        return self.sip_code or {"busy": 486, "rejects": 603, "invalid": 404}.get(self.kind)


def answers(after: float = 2.0, talks: float | None = None, presses: str = "", **more: object) -> Behaviour:
    return replace(Behaviour("answers", after, talks=talks, presses=presses), **more)  # type: ignore[arg-type]


def busy() -> Behaviour:
    return Behaviour("busy", after=0.2, rings=False)


def never_answers() -> Behaviour:
    return Behaviour("never_answers")


def rejects(after: float = 1.0) -> Behaviour:
    return Behaviour("rejects", after)


def invalid() -> Behaviour:
    return Behaviour("invalid", after=0.2, rings=False)


def hangs_up_while_other_rings(after: float = 1.0, answers_after: float = 2.0) -> Behaviour:
    return Behaviour("answers", answers_after, patience=after)


def vanishes(after: float = 2.0, answers_after: float = 2.0, noticed: float | None = None) -> Behaviour:
    return Behaviour("answers", answers_after, vanishes=after, noticed=noticed)


PLAN = re.compile(r"\+1202555(01\d\d)")
"""+1 202 555 0100 … 0199: reserved for fiction by the North American Numbering Plan."""


def planned(number: str) -> Behaviour:
    """The default script of a number: by its last two digits on +1 202 555 01xx, otherwise invalid.

    | xx | Behaviour |
    | --- | --- |
    | 00-09 | reserved for the account's own numbers: never a phone |
    | 10-27 | answers after 2 s, talks until the other hangs up, then hangs up 1 s later |
    | 28-29 | answers after 2 s, stays on the line until it is hung up, as if nobody noticed that the other left |
    | 30-39 | answers after 2 s, talks for as many seconds as the last digit says (0: 10 s), then hangs up |
    | 40-49 | busy |
    | 50-59 | never answers |
    | 60-69 | rejects after 1 s |
    | 70-79 | invalid number |
    | 80-84 | answers after 2 s, hangs up when the other party has been ringing for 1 s |
    | 85-89 | answers after 2 s, vanishes 2 s after being joined |
    | 90-94 | answers after 2 s, presses 1 at each prompt, talks until the other hangs up |
    | 95-97 | answers at once without ringing, as a voicemail does; hangs up after 20 s |
    | 98-99 | rings for 25 s, then answers, as a voicemail does that takes over; hangs up after 20 s |
    """
    match = PLAN.fullmatch(number)
    if not match:
        return invalid()
    xx = int(match[1]) % 100
    polite = answers(after=2.0, leaves_after_peer=1.0)
    rows = (
        (10, invalid()),
        (28, polite),
        (30, answers(after=2.0)),
        (40, answers(after=2.0, talks=float(xx % 10 or 10), leaves_after_peer=1.0)),
        (50, busy()),
        (60, never_answers()),
        (70, rejects()),
        (80, invalid()),
        (85, hangs_up_while_other_rings()),
        (90, vanishes()),
        (95, replace(polite, presses="1")),
        (98, Behaviour("answers", 0.0, rings=False, stays=20.0)),
        (100, answers(after=25.0, stays=20.0)),
    )
    return next(behaviour for bound, behaviour in rows if xx < bound)
