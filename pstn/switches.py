"""One switch for each behaviour that the service's documentation leaves open.

A switch says what it changes, and the source of its default. COVERAGE.md has the same table, which
`python -m pstn.switches` prints. Seconds are floats. Values that the documentation does fix are at the end, so that
tests can shorten them.
"""

from dataclasses import dataclass, field, fields
from typing import Any, Literal

HangupSuccess = Literal["bridged_leg_b", "none", "before", "after"]
CutActions = Literal["unreported", "fail", "succeed"]
Duplicates = Literal["none", "at_once", "after_answer", "after_later_event"]
HangupOrder = Literal["as_ended", "reversed"]
Reordering = Literal["none", "neighbours"]
UpdateOrder = Literal["as_it_comes", "after_answer", "before_answer"]

CREATE_REFUSALS = ("BadRequest", "Forbidden", "AccessDenied", "Unauthorized")
"""The error codes by which a create can be refused for good."""


def _switch(default: Any, about: str, source: str) -> Any:
    return field(default=default, metadata={"about": about, "source": source})


@dataclass(frozen=True)
class Quotas:
    """The account's quotas in one region. Defaults: "Amazon Chime SDK endpoints and quotas", PSTN section."""

    on: bool = False
    creates_per_second: int = 1
    updates_per_second: int = 5
    active_calls: int = 10
    bridge_counts: int = 2


@dataclass(frozen=True)
class Switches:
    """One possible behaviour of the service. Frozen: a call keeps the switches with which it began."""

    # Events
    ringing_leg_b: bool = _switch(
        False, "RINGING is also sent for LEG-B of a bridge", "not documented; some AWS sample handlers expect it"
    )
    ringing_leg_a: bool = _switch(
        True, "RINGING is sent for LEG-A", "pstn-invocations; absent when the far end sends no 180/183"
    )
    bridge_failure_detail: bool = _switch(
        False,
        "a failed bridge reports the far end's SIP code (`SipResponseCode` beside ErrorType CallNotAnswered)",
        "call-and-bridge documents only CallNotAnswered",
    )
    hangup_success: HangupSuccess = _switch(
        "bridged_leg_b",
        "ACTION_SUCCESSFUL(Hangup): after the HANGUP of a LEG-B whose peer is up, and of no other leg; never; before "
        "or after every HANGUP",
        "an AWS sample re-bridges on it; a real log of a last leg shows HANGUP alone",
    )
    ended_legs_stay: bool = _switch(
        True, "a leg stays in Participants after its own HANGUP", "hangup page shows it; sample code paths suggest not"
    )
    cut_actions: CutActions = _switch(
        "unreported",
        "an action aborted by the end of its leg sends nothing, ACTION_FAILED or ACTION_SUCCESSFUL before HANGUP",
        "not documented; published handlers guard against both results with a Disconnected leg",
    )
    update_survives_failure: bool = _switch(
        False,
        "a list queued by an update survives the failure of the running action",
        "invoke-on-call-leg: a failure clears the list; an update's list is not mentioned",
    )
    hangup_after_drop: bool = _switch(
        True,
        "a call dropped because the Lambda did not answer still sends HANGUP 480",
        "timeouts page mentions the 480, not the event",
    )

    speech_needs_call_id: bool = _switch(
        False,
        "Speak and SpeakAndGetDigits without CallId, or with an empty one, fail (else the event's leg is meant)",
        "speak page: required; three published AWS applications leave it out",
    )
    ignored_answers_are_read: bool = _switch(
        False,
        "an unusable answer to NEW_OUTBOUND_CALL, RINGING or ACTION_INTERRUPTED leads to INVALID_LAMBDA_RESPONSE",
        "use-create-call-api: any response is ignored; so click-to-call #125",
    )

    # Order and repeats
    duplicates: Duplicates = _switch(
        "none", "each event is delivered twice: at once, after its answer, or after a later event", "inferred"
    )
    hangup_order: HangupOrder = _switch(
        "as_ended",
        "reversed: when one party leaves a bridge the other leaves too, and the later HANGUP overtakes",
        "inferred: nothing promises ordered delivery",
    )
    hangup_hold: float = _switch(3.0, "for how long a reversed HANGUP is held at most (s)", "ours")
    reordering: Reordering = _switch(
        "none", "neighbours: an event is overtaken by one that follows within the window", "inferred, as above"
    )
    reordering_window: float = _switch(1.0, "the window of `reordering` (s)", "ours")
    lost_events: frozenset[str] = _switch(
        frozenset(), 'event types never delivered: "RINGING", "HANGUP", "HANGUP:LEG-B"', "inferred"
    )
    update_order: UpdateOrder = _switch(
        "as_it_comes",
        "an update while answers are pending. after_answer: its event is sent once they have arrived; before_answer: "
        "they take effect only after the answer to the update",
        "not documented; several invocations of a call may be in flight",
    )
    older_answer_replaces: bool = _switch(
        True,
        "actions that answer an older event replace those that answered an update meanwhile (else they are dropped)",
        "inferred: the last answer to be processed wins",
    )
    event_before_create_returns: bool = _switch(
        False, "NEW_OUTBOUND_CALL is answered before CreateSipMediaApplicationCall returns", "inferred"
    )
    dial_waits_for_first_answer: bool = _switch(
        True,
        "leg A is dialled once NEW_OUTBOUND_CALL was answered",
        "real logs: RINGING already carries the attributes stored then",
    )
    lambda_latency: float = _switch(0.02, "how long a Lambda takes on the jumping clock (s)", "ours")

    # The legs
    post_dial_delay: float = _switch(
        0.1, "from a dial to the first response of the far end (s)", "ours; networks take seconds"
    )
    most_loops: int = _switch(
        5,
        "how often a call that the service dials to a number of its own account comes back in; then SIP 483",
        "ours; RFC 3261 bounds loops by Max-Forwards, carriers by less",
    )
    prompt_mutes_peer: bool = _switch(
        False, "while a prompt plays to one leg of a bridge, neither party hears the other", "not documented"
    )
    network_ring_limit: float = _switch(
        30.0, "for how long the network lets leg A ring (s)", "observed (chime-sdk-js #2756)"
    )
    network_ring_limit_b: float | None = _switch(
        None,
        "for how long the network lets a bridge's leg B ring (s); None: only CallTimeoutSeconds applies",
        "carriers may shorten it",
    )
    sip_code_of_no_answer: int = _switch(480, "HANGUP code of an unanswered leg A", "case-5; carriers may send 408")
    hangup_of_ringing_leg_a: Literal["fails", "ignored"] = _switch(
        "fails", "Hangup of a ringing leg A: ACTION_FAILED, or nothing", "chime-sdk-js #2756: it has no effect"
    )
    update_while_ringing: bool = _switch(
        True, "a call whose leg A is ringing can be updated (else 404)", "update-sip-call: an in-progress call"
    )
    receive_digits_one_shot: bool = _switch(
        True, "a ReceiveDigits listener ends with its first match", "listen-to-digits can be read both ways"
    )
    invalid_twice_drops: bool = _switch(
        True, "an invalid answer to INVALID_LAMBDA_RESPONSE ends the call", "unexpected-hangups lists the causes"
    )
    recording_delay: float = _switch(
        2.0, "from the end of a recording to its S3 object (s)", "start-call-recording gives no time"
    )

    # The account
    unknown_application: Literal["BadRequest", "Forbidden", "NotFound"] = _switch(
        "BadRequest", "a call for an unknown application", "the model declares no NotFound for this operation"
    )
    refused_creates: frozenset[str] = _switch(
        frozenset(),
        'creates that are refused: "BadRequest", "Forbidden", "AccessDenied" or "Unauthorized" for every call, or only '
        'for calls to or from a number, "+12025550133:BadRequest"',
        "the model declares these errors for the operation; the one for a bad number is not documented",
    )
    uncertain_creates: int = _switch(
        0,
        "how many creates are carried out and yet answered with 500",
        "inferred: there is no idempotency token, and SDKs retry a 5xx",
    )
    bridge_over_quota_fails: bool = _switch(
        True, "a bridge that would exceed the active-call quota fails (else only creates are counted)", "inferred"
    )
    quotas: Quotas = _switch(Quotas(), "the account's quotas: off, or on with these numbers", "quotas page")
    order_delay: float = _switch(0.5, "from a number order to Successful (s)", "ours; the service takes seconds")

    # Values that the documentation fixes
    attribute_pairs: int = _switch(
        100, "TransactionAttributes: maximum number of pairs", "transaction-attributes; older page: 10"
    )
    attribute_bytes: int = _switch(20_480, "TransactionAttributes: maximum size in bytes", "transaction-attributes")
    attribute_characters: int | None = _switch(
        None, "TransactionAttributes: maximum characters of a key or value", "older page: 1024"
    )
    repeat_after: float = _switch(5.0, "an unanswered invocation is repeated after this (s)", "timeouts")
    repeats: int = _switch(3, "how often an unanswered invocation is repeated", "timeouts gives 5 s and 20 s, no count")
    drop_after: float = _switch(20.0, "an invocation unanswered for this long ends the call (s)", "timeouts")
    error_repeats: int = _switch(1, "how often a failed invocation is repeated", "invoke-on-call-leg: 4xx, once")
    invocations: int = _switch(1000, "maximum invocations per call", "invoke-on-call-leg")
    actions: int = _switch(10, "maximum actions per answer", "invoke-on-call-leg")
    inbound_patience: float = _switch(
        30.0, "an unanswered inbound call that has nothing to do ends after this (s)", "case-1"
    )
    speech_rate: float = _switch(15.0, "characters spoken per second by Speak", "ours; about 150 words a minute")

    def __post_init__(self) -> None:
        unknown = {each.rpartition(":")[2] for each in self.refused_creates} - set(CREATE_REFUSALS)
        if unknown:
            raise ValueError(
                f"refused_creates: {', '.join(sorted(unknown))} must be one of {', '.join(CREATE_REFUSALS)}"
            )

    def create_refused(self, *numbers: str) -> str | None:
        """The error code with which a call to or from one of these numbers is refused; None: it is not."""
        for each in sorted(self.refused_creates):
            number, _, code = each.rpartition(":")
            if number in ("", *numbers):
                return code
        return None


OWN_NETWORK = Switches(bridge_failure_detail=True, ringing_leg_b=True, recording_delay=0.0, post_dial_delay=0.0)
"""Over SIP trunks the network is ours: it reports all that it knows, and at once."""


def older_attribute_limits() -> dict[str, Any]:
    """The limits of the older page, as arguments of `dataclasses.replace`: 10 pairs of at most 1024 characters."""
    return {"attribute_pairs": 10, "attribute_characters": 1024}


def table() -> str:
    """The switches as a Markdown table, in the order of the class."""
    rows = ["| Switch | Default | What it changes | Source |", "| --- | --- | --- | --- |"]
    for each in fields(Switches):
        shown = "off, 1/s, 5/s, 10, 2" if each.name == "quotas" else str(each.default)
        rows.append(f"| `{each.name}` | {shown} | {each.metadata['about']} | {each.metadata['source']} |")
    return "\n".join(rows)


if __name__ == "__main__":
    print(table())
