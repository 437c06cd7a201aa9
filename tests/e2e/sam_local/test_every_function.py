"""`sam local` runs every function with one of its samples, from the build output, against the running lab.

All samples are played by the same build output in tests/e2e/build, and by the source in tests/functions.
"""

import pytest

from lab.lab import Lab
from tests.e2e.build.output import FUNCTIONS, check_reply, event_for
from tests.e2e.build.world import renew_call
from tests.e2e.sam_local.sam import SamLocal
from tools.template import ROOT

# The sample of each function that reaches the most of what it is made of.
DEEPEST = {
    "call_control": "call_answered",
    "callback_api": "callback_placed_with_everything",
    "flow": "caller_answered",
    "notify_sp": "fact_recorded",
    "outbox": "call_ended",
    "provision_pstn": "line_created",
    "publish_recording": "recording_came",
    "recordings_api": "recording_link_of_the_account_followed",
    "sessions": "sp_logged_in",
    "sweep": "minute_passed",
}


def test_no_function_is_left_out():
    assert set(DEEPEST) == set(FUNCTIONS)


@pytest.mark.parametrize("function", DEEPEST)
def test_sam_local_runs_the_function(function: str, sam_local: SamLocal, lab: Lab):
    sample = ROOT / "events" / function / f"{DEEPEST[function]}.json"
    renew_call(lab, sample)
    reply = sam_local.invoke(FUNCTIONS[function].logical_id, event_for(sample, lab, sam_local.lab_host))
    try:
        check_reply(sample, reply, lab)
    except AssertionError as error:
        error.add_note(f"…{sam_local.last_words()}")
        raise
