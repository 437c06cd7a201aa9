"""What MiniStack keeps of the environment in which it is imported."""

import os
import subprocess
import sys

import pytest

from lab.aws.ministack import ACCOUNT, LOOPBACK, REGION

IMPORTERS = {
    "a service": "from lab.aws.ministack import ministack; ministack('services.dynamodb')",
    "the overlay": "from lab.aws import overlay; overlay.apply()",
}
TOLD = """
from lab.aws.ministack import ministack
core, functions = ministack("core.responses"), ministack("services.lambda_svc")
print(core.get_account_id(), core.get_region(), functions.LAMBDA_EXECUTOR, functions._MINISTACK_HOST)
"""
OTHERS = {
    "MINISTACK_ACCOUNT_ID": "000000000000",
    "MINISTACK_REGION": "eu-west-3",
    "LAMBDA_EXECUTOR": "docker",
    "MINISTACK_HOST": "example.com",
}


@pytest.mark.parametrize("first", IMPORTERS)
@pytest.mark.parametrize("environment", [{}, OTHERS], ids=["empty", "another program's"])
def test_what_imports_it_first_makes_no_difference(first, environment):
    """Threads of the lab that serve no request work on the account that was the default then."""
    kept = {name: value for name, value in os.environ.items() if name not in OTHERS}
    command = [sys.executable, "-c", IMPORTERS[first] + TOLD]
    told = subprocess.run(command, env={**kept, **environment}, capture_output=True, text=True, check=True)
    assert told.stdout.split() == [ACCOUNT, REGION, "local", LOOPBACK]
