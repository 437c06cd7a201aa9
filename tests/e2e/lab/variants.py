"""How the network and the cloud behave while the cases are played: as usual, then with each switch at its other values.

Switches that do not affect one another share a variant.
"""

from lab.aws.switches import CRUEL, CloudSwitches
from lab.cases.player import Variant

CLOUD = CloudSwitches(transaction_ms=10.0, stream_order="any", stream_batches="split", repeated_events=0.2)
"""The cloud in every variant: what happens on AWS at any time without a fault."""

USUAL = Variant("as usual")

CRUEL_CLOUD = Variant("a cruel cloud", cloud={**CRUEL, "killed_invocations": 0.0})
"""Played by itself, since faults strike whatever is up. An invocation that is killed with a notification in its hands
holds the notifications of its call until its queue's visibility time-out, minutes later, which no case waits for;
test_cruel does, on a clock that jumps.
"""

VARIANTS = (
    USUAL,
    Variant("each event twice, at once", {"duplicates": "at_once"}, {"early_completion": "at_once"}),
    Variant(
        "each event twice, after its answer",
        {
            "duplicates": "after_answer",
            "ringing_leg_b": True,
            "hangup_success": "before",
            "prompt_mutes_peer": True,
            "update_order": "after_answer",
        },
        {"early_completion": "refused"},
    ),
    Variant(
        "each event twice, after a later one",
        {
            "duplicates": "after_later_event",
            "hangup_success": "after",
            "ended_legs_stay": False,
            "update_order": "before_answer",
        },
        {"crash_name": "unknown"},
    ),
    Variant(
        "the later hang-up overtakes",
        {
            "hangup_order": "reversed",
            "ringing_leg_b": True,
            "cut_actions": "fail",
            "hangup_of_ringing_leg_a": "ignored",
        },
        {"repeated_invocation": "in_turn"},
    ),
    Variant(
        "events overtake one another",
        {
            "reordering": "neighbours",
            "cut_actions": "succeed",
            "hangup_success": "none",
            "update_survives_failure": True,
            "event_before_create_returns": True,
            "update_order": "before_answer",
            "older_answer_replaces": False,
        },
        {"repeated_invocation": "together"},
    ),
    Variant(
        "a terse network that answers every dial with an error",
        {
            "ringing_leg_a": False,
            "dial_waits_for_first_answer": False,
            "update_while_ringing": False,
            "sip_code_of_no_answer": 408,
            "network_ring_limit_b": 5.0,
            "attribute_pairs": 10,
            "attribute_characters": 1024,
            "uncertain_creates": 1_000_000,
        },
    ),
)

CLOUD_NOT_VARIED = {
    "fault_seed": "the tests of the cloud",
    "fault_limit": "the tests of the cloud",
    "recursion_limit": "no chain of ours is that long",
    "fifo_batches": "our batches have one message",
    "partition_writes": "the laptop is slower",
    "killed_invocations": "test_cruel; tests/model, with every moment; the tests of the cloud",
    "killed_requests": "test_cruel, where the client repeats its request; tests/model",
    "update_pause_s": "the tests of the cloud",
    "full_buckets": "the tests of the cloud",
    "authorization_of_unknown_routes": "the tests of the cloud",
    "header_bytes": "the tests of the cloud",
}
"""Switches of the cloud that no case is played with, and why."""

NOT_VARIED = {
    "bridge_failure_detail": "each variant has cases with it and without",
    "quotas": "the case no_room, and test_quotas",
    "refused_creates": "the case dial_refused",
    "bridge_over_quota_fails": "a callback within its quota never meets it",
    "hangup_after_drop": "the network drops only a call whose function gives no answer",
    "invalid_twice_drops": "every variant checks that no answer was invalid",
    "unknown_application": "the platform knows its own",
    "receive_digits_one_shot": "a callback asks for no digits",
    "speech_needs_call_id": "a callback speaks no text",
    "ignored_answers_are_read": "every variant checks that no answer was invalid",
    "lost_events": "tests/journeys, where the clock jumps over the waits",
}
"""Switches that no variant changes, and why."""
