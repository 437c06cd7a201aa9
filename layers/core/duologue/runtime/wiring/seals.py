"""What encrypts what is stored about people. Functions that need no number have no key: UnopenedRows."""

from functools import cache

from duologue.adapters.basics.aws import FAST
from duologue.adapters.basics.aws_clients import lazy_client
from duologue.adapters.basics.kms_data_keys import KmsDataKeys, Seal
from duologue.adapters.rows.sealed_rows import SealedRows
from duologue.runtime.settings import setting


@cache
def seal() -> Seal:
    """One for the process: its keys are asked for once. FAST: a person may be waiting for the first of them."""
    keys = KmsDataKeys(lazy_client("kms", FAST), setting("MEMORIES_KEY"))
    return Seal(keys, int(setting("DATA_KEY_NUMBER", "1")))


def sealed_rows() -> SealedRows:
    return SealedRows(seal())
