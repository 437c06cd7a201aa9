"""`sam local` runs every function with every one of its samples, from the build output, against the running lab."""

import json
from pathlib import Path

import pytest

from lab.lab import Lab
from tests.e2e.build.output import FUNCTIONS, SAMPLES, check_reply, event_for, sample_id
from tests.e2e.build.world import renew_call
from tests.e2e.sam_local.sam import SamLocal


@pytest.mark.parametrize("sample", SAMPLES, ids=sample_id)
def test_sam_local_runs_the_sample(sample: Path, sam_local: SamLocal, lab: Lab):
    function = FUNCTIONS[sample.parent.name]
    renew_call(lab)
    reply = sam_local.invoke(function.logical_id, event_for(sample, lab, sam_local.lab_host))
    failed = isinstance(reply, dict) and "errorMessage" in reply
    assert not failed, f"{json.dumps(reply, indent=1)}\n…{sam_local.last_words()}"
    check_reply(sample, reply, lab)
