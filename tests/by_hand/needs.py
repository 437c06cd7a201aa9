"""The state that each sample of `events/` needs."""

from collections.abc import Mapping
from enum import Enum
from pathlib import Path

from tools.template import ROOT

SAMPLES = sorted((ROOT / "events").glob("*/*.json"))


class Need(Enum):
    """What must be there before a sample is run; `make invoke` prepares it."""

    NOTHING = "nothing"
    ACCOUNT = "an SP with an app"
    TOKEN = "an access token"
    PROMPTS = "an access token, and prompts of the app"
    TEST_NUMBERS = "an access token, and test numbers of the app"
    CALL = "the call that the samples name"
    CALL_AND_TOKEN = "an access token, and the call that the samples name"
    RECORDING = "the call that the samples name, with a recording and a link to it"
    MEMORY = "an access token, and a call memory of the pair that the samples name"


_NEEDS: Mapping[str, Need] = {
    "call_control/*": Need.CALL,
    "call_control/event_of_a_type_unknown": Need.NOTHING,
    "call_control/new_inbound_call": Need.ACCOUNT,
    "call_control/new_inbound_call_withheld": Need.ACCOUNT,
    "call_control/new_outbound_call_of_nobody": Need.NOTHING,
    "callback_api/*": Need.TOKEN,
    "callback_api/call_memories_listed": Need.MEMORY,
    "callback_api/call_memory_changed": Need.MEMORY,
    "callback_api/call_memory_deleted": Need.MEMORY,
    "callback_api/call_memory_looked_up": Need.MEMORY,
    "callback_api/callback_looked_up": Need.CALL_AND_TOKEN,
    "callback_api/callback_placed_in_the_sandbox": Need.TEST_NUMBERS,
    "callback_api/callback_placed_with_everything": Need.PROMPTS,
    "callback_api/callback_stopped": Need.CALL_AND_TOKEN,
    "callback_api/notifications_listed": Need.CALL_AND_TOKEN,
    "callback_api/recording_asked_for": Need.CALL_AND_TOKEN,
    "flow/*": Need.CALL,
    "flow/flow_ended": Need.NOTHING,
    "notify_sp/*": Need.CALL,
    "outbox/*": Need.CALL,
    "provision_pstn/*": Need.NOTHING,
    "publish_recording/*": Need.RECORDING,
    "recordings_api/*": Need.RECORDING,
    "sessions/*": Need.ACCOUNT,
    "sessions/password_was_missing": Need.NOTHING,
    "sessions/sp_logged_out": Need.TOKEN,
    "sweep/*": Need.NOTHING,
}
"""By `function/sample`; `*`: of all others of the function."""

NAMED = frozenset(_NEEDS)


def name_of(sample: Path) -> str:
    return f"{sample.parent.name}/{sample.stem}"


def need_of(sample: Path) -> Need:
    """Raises KeyError: the table lacks it."""
    return _NEEDS.get(name_of(sample)) or _NEEDS[f"{sample.parent.name}/*"]


def wrong_name(function: str, sample: str) -> str:
    """Which of them is none, and what there is; empty: there is such a sample."""
    names: dict[str, list[str]] = {}
    for each in SAMPLES:
        names.setdefault(each.parent.name, []).append(each.stem)
    if function not in names:
        return f"FN must be one of {', '.join(names)}"
    return "" if sample in names[function] else f"EVENT must be one of {', '.join(names[function])}"


def listing() -> str:
    """A line for each sample: its function, its name, what it needs."""
    rows = [(sample.parent.name, sample.stem, need_of(sample).value) for sample in SAMPLES]
    widths = [max(len(row[column]) for row in rows) for column in (0, 1)]
    return "\n".join(f"{function:{widths[0]}}  {name:{widths[1]}}  {need}" for function, name, need in rows)
