"""An app as a row of the accounts table. The caller encrypts and decrypts the secrets.

Missing attributes have the domain's defaults, so rows of older versions stay readable.
"""

import json
from collections.abc import Callable, Mapping
from typing import Any

from duologue.domain.access.accounts import App, PushSignature, Scheme, UnknownCallers


def plain_attributes(app: App) -> dict[str, Any]:
    """An app without its secrets, as str, int and bool. None has no attribute."""
    row = {
        "key": app.key,
        "sp": app.sp,
        "display_numbers": " ".join(app.display_numbers),
        "status_url": app.status_url,
        "fee_url": app.fee_url,
        "push_signature": app.push_signature.value,
        "reuse_nonces": app.reuse_nonces,
        "schemes": " ".join(app.schemes),
        "allowed_addresses": " ".join(app.allowed_addresses),
        "requests_per_second": app.requests_per_second,
        "concurrent_calls": app.concurrent_calls,
        "concurrent_return_calls": app.concurrent_return_calls,
        "calls_per_second": app.calls_per_second,
        "calls_per_number_per_minute": app.calls_per_number_per_minute,
        "calls_per_callee_per_day": app.calls_per_callee_per_day,
        "calls_per_dialled_number_per_day": app.calls_per_dialled_number_per_day,
        "calls_per_day": app.calls_per_day,
        "minutes_per_day": app.minutes_per_day,
        "spend_per_day": app.spend_per_day,
        "longest_call_minutes": app.longest_call_minutes,
        "bind_numbers": " ".join(app.bind_numbers),
        "countries": " ".join(app.countries),
        "denied_prefixes": " ".join(app.denied_prefixes),
        "test_numbers": " ".join(app.test_numbers),
        "prompts": json.dumps(dict(app.prompts), sort_keys=True),
        "recording_notices": " ".join(app.recording_notices),
        "recording": app.recording,
        "stereo_recordings": app.stereo_recordings,
        "keep_recordings_days": app.keep_recordings_days,
        "call_memory": app.call_memory,
        "call_memory_hours": app.call_memory_hours,
        "unknown_callers": app.unknown_callers.value,
        "call_back_tone": app.call_back_tone,
        "callback_number": app.callback_number,
        "rejects_failed_return_calls": app.rejects_failed_return_calls,
        "active": app.active,
    }
    return {name: value for name, value in row.items() if value is not None}


def app_of(row: Mapping[str, Any], opened: Callable[[bytes], str]) -> App:
    """The app of a row; `opened` decrypts a secret."""
    given: dict[str, Any] = {name: row[name] for name in _AS_THEY_ARE if name in row}
    given |= {name: tuple(row[name].split()) for name in _WORDS if name in row}
    if "prompts" in row:
        given["prompts"] = json.loads(row["prompts"])
    if "schemes" in row:
        given["schemes"] = tuple(map(Scheme, row["schemes"].split()))
    if "push_signature" in row:
        given["push_signature"] = PushSignature(row["push_signature"])
    if "unknown_callers" in row:
        given["unknown_callers"] = UnknownCallers(row["unknown_callers"])
    older = opened(row["older_secret"]) if "older_secret" in row else None
    return App(key=row["key"], sp=row["sp"], secret=opened(row["secret"]), older_secret=older, **given)


_WORDS = (
    "display_numbers",
    "bind_numbers",
    "countries",
    "denied_prefixes",
    "test_numbers",
    "recording_notices",
    "allowed_addresses",
)
_AS_THEY_ARE = (
    "status_url",
    "fee_url",
    "reuse_nonces",
    "requests_per_second",
    "concurrent_calls",
    "concurrent_return_calls",
    "calls_per_second",
    "calls_per_number_per_minute",
    "calls_per_callee_per_day",
    "calls_per_dialled_number_per_day",
    "calls_per_day",
    "minutes_per_day",
    "spend_per_day",
    "longest_call_minutes",
    "recording",
    "stereo_recordings",
    "keep_recordings_days",
    "call_memory",
    "call_memory_hours",
    "call_back_tone",
    "callback_number",
    "rejects_failed_return_calls",
    "active",
)
