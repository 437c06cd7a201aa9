"""Adapters of call memory."""

from duologue.adapters.basics.aws import FAST
from duologue.adapters.basics.aws_clients import lazy_client
from duologue.adapters.memory.kms_memory_seal import KmsMemorySeal
from duologue.runtime.wiring.seals import seal


def memory_seal() -> KmsMemorySeal:
    """FAST: nobody waits long for what a call can do without."""
    return KmsMemorySeal(seal(), lazy_client("kms", FAST))
