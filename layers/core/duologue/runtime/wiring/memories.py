"""Adapters of call memory."""

from duologue.adapters.aws import FAST
from duologue.adapters.aws_clients import lazy_client
from duologue.adapters.kms_memory_seal import KmsMemorySeal
from duologue.runtime.settings import setting


def memory_seal() -> KmsMemorySeal:
    """`SECRETS_KEY` is only set where memories are made. FAST: nobody waits long for what a call can do without."""
    return KmsMemorySeal(lazy_client("kms", FAST), setting("MEMORIES_KEY"), setting("SECRETS_KEY", ""))
