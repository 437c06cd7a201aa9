"""`duologue app …`: an SP's apps with their limits, numbers, URLs and secrets."""

import argparse
import secrets
import sys
from dataclasses import replace
from typing import Any

from duologue.adapters.basics.system_clock import SystemClock
from duologue.domain.access.accounts import App, PushSignature, Scheme, UnknownCallers
from duologue.domain.media.recording import KEEP_DAYS
from duologue.operator.calls import shown
from duologue.operator.platform import Platform, Said
from duologue.usecases.access.add_app import NewApp, add_app
from duologue.usecases.access.change_app import change_app
from duologue.usecases.access.end_tokens import end_tokens
from duologue.usecases.access.remove_app import remove_app
from duologue.usecases.access.rotate_secret import retire_secret, rotate_secret
from duologue.usecases.ports.accounts import ListedApp

END_CALLS = "also end the calls in progress; repeat it if it fails"
_COMMANDS = "add|list|show|set|suspend|resume|rotate-secret|end-tokens|remove"


def add_to(kinds: Any) -> None:
    app = kinds.add_parser("app", help="apps of an SP").add_subparsers(metavar=_COMMANDS, required=True)
    command = app.add_parser("add", help="add an app; prints its key and its secret, which cannot be shown again")
    command.add_argument("sp", help="the SP's id")
    _add_settings(command, numbers_required=True)
    command.set_defaults(command=_add)

    command = app.add_parser("set", help="change the given settings, keep the others")
    command.add_argument("key", help="the app's key")
    _add_settings(command)
    command.set_defaults(command=_set, refuse=command.error)

    command = app.add_parser("list", help="all apps, or those of an SP")
    command.add_argument("--sp", metavar="ID", help="only of this SP")
    command.set_defaults(command=_list)

    command = app.add_parser("show", help="show an app without its secrets, and how many calls it has now")
    command.add_argument("key", help="the app's key")
    command.set_defaults(command=_show)

    for word, active, what in (
        ("suspend", False, "refuse all requests of an app but stops; calls in progress continue"),
        ("resume", True, "accept requests again from an app, and post to its URLs again that answered 410"),
    ):
        command = app.add_parser(word, help=what)
        command.add_argument("key", help="the app's key")
        command.set_defaults(command=_set_active, active=active)
        if not active:
            command.add_argument("--end-calls", action="store_true", help=END_CALLS)

    command = app.add_parser("rotate-secret", help="add a second secret and print it; the current one stays valid")
    command.add_argument("key", help="the app's key")
    command.add_argument("--retire-old", action="store_true", help="instead, revoke the older of the two secrets")
    command.set_defaults(command=_rotate_secret)

    command = app.add_parser("end-tokens", help="revoke all tokens of an app; its servers have to log in again")
    command.add_argument("key", help="the app's key")
    command.set_defaults(command=_end_tokens)

    command = app.add_parser("remove", help="delete a suspended app without calls in progress, and its prompts")
    command.add_argument("key", help="the app's key")
    command.set_defaults(command=_remove)


def _add_settings(command: argparse.ArgumentParser, *, numbers_required: bool = False) -> None:
    """Options named as the fields of `domain.access.accounts.App`. None: not given; an empty string clears."""
    listed = "repeatable; an empty value clears the list"
    command.add_argument(
        "--display-number",
        dest="display_numbers",
        metavar="NUMBER",
        action="append",
        required=numbers_required,
        help="E.164, repeatable; the first is the default of requests that name none",
    )
    command.add_argument(
        "--bind-number",
        dest="bind_numbers",
        metavar="NUMBER",
        action="append",
        help=f"E.164 business number that requests may account a callback to, shown to nobody; {listed}",
    )
    command.add_argument(
        "--test-number",
        dest="test_numbers",
        metavar="NUMBER",
        action="append",
        help=f"E.164 number that the sandbox may dial; {listed}",
    )
    command.add_argument(
        "--country",
        dest="countries",
        metavar="CODE",
        action="append",
        help=f"ISO 3166 code of a country that may be dialled; {listed}",
    )
    command.add_argument(
        "--status-url", metavar="URL", help="where status events are posted unless the request has a URL"
    )
    command.add_argument("--fee-url", metavar="URL", help="where CDRs are posted unless the request has a URL")
    command.add_argument(
        "--push-signature",
        choices=[signature.value for signature in PushSignature],
        help="signature of notifications: parts separated by line feeds, or concatenated as older servers expect",
    )
    command.add_argument(
        "--reuse-nonces",
        action=argparse.BooleanOptionalAction,
        help="accept the headers of a digest again while their time is valid (--no-reuse-nonces: once)",
    )
    command.add_argument(
        "--scheme",
        dest="schemes",
        choices=[scheme.value for scheme in Scheme],
        action="append",
        help="how the app may authenticate its requests, repeatable; all unless given",
    )
    command.add_argument(
        "--allowed-address",
        dest="allowed_addresses",
        metavar="CIDR",
        action="append",
        help=f"network or address that the app's requests may come from; {listed}, which allows all",
    )
    command.add_argument(
        "--requests-per-second",
        type=int,
        metavar="N",
        help="requests within a second besides callbacks and stops; more are refused (0: no limit; default 10)",
    )
    command.add_argument(
        "--concurrent-calls", type=int, metavar="N", help="calls in progress at the same time; more are refused"
    )
    command.add_argument(
        "--concurrent-return-calls",
        type=int,
        metavar="N",
        help="return calls among them; more are rejected (0: as many as calls)",
    )
    command.add_argument(
        "--calls-per-second", type=int, metavar="N", help="callbacks accepted within a second; more are refused"
    )
    command.add_argument(
        "--calls-per-number-per-minute",
        type=int,
        metavar="N",
        help="callbacks accepted within a minute that show the same display number; more are refused (0: no limit)",
    )
    command.add_argument(
        "--calls-per-callee-per-day",
        type=int,
        metavar="N",
        help="callbacks to the same callee within a day; more are refused (0: no limit)",
    )
    for option, what in (
        ("--calls-per-dialled-number-per-day", "calls in which the same number is dialled, as either party"),
        ("--calls-per-day", "calls, return calls among them"),
        ("--minutes-per-day", "minutes of talk; a call in progress counts with its longest talk"),
        ("--spend-per-day", "USD for the dialled legs, as duologue rates estimates; a call in progress the same"),
    ):
        command.add_argument(option, type=int, metavar="N", help=f"{what}; more are refused (0: no limit)")
    command.add_argument(
        "--longest-call-minutes", type=int, metavar="N", help="a request that asks for a longer talk gets this one"
    )
    command.add_argument("--recording", action=argparse.BooleanOptionalAction, help="allow recording")
    command.add_argument(
        "--stereo-recordings",
        action=argparse.BooleanOptionalAction,
        help="publish recordings in stereo, one party per channel (PCM), instead of mono (A-law)",
    )
    command.add_argument(
        "--keep-recordings-days", type=int, choices=(0, *KEEP_DAYS), help="0: the platform's retention"
    )
    command.add_argument(
        "--call-memory",
        action=argparse.BooleanOptionalAction,
        help="called parties can return calls by dialling the display number (--no-call-memory: they cannot)",
    )
    command.add_argument(
        "--call-memory-hours", type=int, metavar="N", help="for how long, from being called: 1 to 2160 (default 720)"
    )
    command.add_argument(
        "--unknown-callers",
        choices=[choice.value for choice in UnknownCallers],
        help="calls to a display number by anybody else: refuse them (480), play the call-back tone, or ring the "
        "callback number",
    )
    command.add_argument(
        "--call-back-tone", metavar="NAME", help="an uploaded prompt for return calls that cannot be connected"
    )
    command.add_argument("--callback-number", metavar="NUMBER", help="E.164, rung for unknown callers")
    command.add_argument(
        "--rejects-failed-return-calls",
        action=argparse.BooleanOptionalAction,
        help="reject a return call that cannot be connected (486, 480) instead of answering it with a prompt",
    )


_LISTED = ("display_numbers", "bind_numbers", "test_numbers", "countries", "allowed_addresses")
_PLAIN = (
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
    "rejects_failed_return_calls",
)


def _settings(asked: argparse.Namespace) -> dict[str, Any]:
    """The settings given on the command line."""
    listed = {name: getattr(asked, name) for name in _LISTED}
    given: dict[str, Any] = {name: tuple(filter(None, texts)) for name, texts in listed.items() if texts is not None}
    if "countries" in given:
        given["countries"] = tuple(country.upper() for country in given["countries"])
    for name in _PLAIN:
        if getattr(asked, name) is not None:
            given[name] = getattr(asked, name)
    if asked.schemes is not None:
        given["schemes"] = tuple(scheme for scheme in Scheme if scheme in asked.schemes)
    if asked.push_signature is not None:
        given["push_signature"] = PushSignature(asked.push_signature)
    if asked.unknown_callers is not None:
        given["unknown_callers"] = UnknownCallers(asked.unknown_callers)
    for name in ("status_url", "fee_url", "call_back_tone", "callback_number"):
        if getattr(asked, name) is not None:
            given[name] = getattr(asked, name) or None
    return given


def _warn_of_an_unknown_line(given: dict[str, Any], platform: Platform) -> None:
    line = platform.line.numbers() if given.get("display_numbers") else None
    if line is not None and not line.numbers:
        print(f"duologue: only the numbering plan judged the display numbers: {line.source} is empty", file=sys.stderr)


def _add(asked: argparse.Namespace, platform: Platform) -> Said:
    given = _settings(asked)
    app = add_app(
        NewApp(sp=asked.sp, **given),
        accounts=platform.accounts,
        endpoints=platform.endpoints,
        plan=platform.plan,
        line=platform.line,
        rates=platform.rates,
        random_bytes=secrets.token_bytes,
    )
    _warn_of_an_unknown_line(given, platform)
    return {"app_key": app.key, "app_secret": app.secret}


def _set(asked: argparse.Namespace, platform: Platform) -> Said:
    given = _settings(asked)
    if not given:
        asked.refuse("no setting given: at least one is required, such as --concurrent-calls 20")
    app = change_app(
        asked.key,
        lambda app: replace(app, **given),
        apps=platform.accounts,
        endpoints=platform.endpoints,
        plan=platform.plan,
        line=platform.line,
        rates=platform.rates,
    )
    _warn_of_an_unknown_line(given, platform)
    return _shown(app)


def _show(asked: argparse.Namespace, platform: Platform) -> Said:
    app = platform.accounts.app_without_secrets(asked.key)
    sp = platform.accounts.sp(app.sp)
    now = platform.calls_in_progress(app.key)
    return _shown(app) | {"username": sp.username, "sp_active": sp.active, "calls_in_progress": now}


def _list(asked: argparse.Namespace, platform: Platform) -> Said:
    if asked.sp is not None:
        platform.accounts.sp(asked.sp)
    apps = (app for app in platform.accounts.listed_apps() if asked.sp in (None, app.sp))
    return {"apps": [_listed(app) for app in apps]}


def _listed(app: ListedApp) -> Said:
    return {"app_key": app.app_key, "sp": app.sp, "active": app.active, "display_numbers": list(app.numbers)}


def _set_active(asked: argparse.Namespace, platform: Platform) -> Said:
    app = platform.accounts.change_app(asked.key, lambda app: replace(app, active=asked.active))
    if app.active:
        platform.accounts.reset_endpoints(app.key)
    said = {"app_key": app.key, "active": app.active}
    if app.active and not platform.accounts.sp(app.sp).active:
        return said | {"sp_active": False}  # requests are refused still
    return said | ({"calls": shown(platform.end_calls_of({app.key}))} if not app.active and asked.end_calls else {})


def _rotate_secret(asked: argparse.Namespace, platform: Platform) -> Said:
    if asked.retire_old:
        app = retire_secret(asked.key, apps=platform.accounts)
        return {"app_key": app.key, "live_secrets": len(app.secrets)}
    app = rotate_secret(asked.key, apps=platform.accounts, random_bytes=secrets.token_bytes)
    return {"app_key": app.key, "app_secret": app.secret, "live_secrets": len(app.secrets)}


def _end_tokens(asked: argparse.Namespace, platform: Platform) -> Said:
    end_tokens(asked.key, apps=platform.accounts, tokens=platform.tokens, clock=SystemClock())
    return {"app_key": asked.key, "tokens": "ended"}


def _remove(asked: argparse.Namespace, platform: Platform) -> Said:
    remove_app(asked.key, accounts=platform.accounts, store=platform.prompts)
    return {"app_key": asked.key, "removed": True}


def _shown(app: App) -> Said:
    return {
        "app_key": app.key,
        "sp": app.sp,
        "display_numbers": list(app.display_numbers),
        "bind_numbers": list(app.bind_numbers),
        "test_numbers": list(app.test_numbers),
        "countries": list(app.countries),
        "denied_prefixes": list(app.denied_prefixes),
        "status_url": app.status_url,
        "fee_url": app.fee_url,
        "push_signature": app.push_signature.value,
        "reuse_nonces": app.reuse_nonces,
        "schemes": list(app.schemes),
        "allowed_addresses": list(app.allowed_addresses),
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
        "prompts": dict(app.prompts),
        "recording_notices": list(app.recording_notices),
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
        "live_secrets": len(app.secrets),
    }
