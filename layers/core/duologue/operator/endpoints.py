"""`duologue endpoint …`: endpoints of an app that are left alone, and URLs that are switched off."""

import argparse
from typing import Any

from duologue.adapters.basics.system_clock import SystemClock
from duologue.domain.notifying.endpoint_health import EndpointHealth
from duologue.domain.notifying.sp_url import SpUrl
from duologue.operator.platform import Platform, Said
from duologue.usecases.notifying.change_endpoints import probe_now, switch_on


def add_to(kinds: Any) -> None:
    commands = kinds.add_parser("endpoint", help="SPs' servers that are left alone or switched off").add_subparsers(
        metavar="list|probe|switch-on", required=True
    )
    command = commands.add_parser("list", help="those of an app that failed or answered 410")
    _add_app(command)
    command.set_defaults(command=_list)
    command = commands.add_parser("probe", help="post the next notification for a host that is left alone, at once")
    _add_app(command)
    command.add_argument("url", help="its scheme, host and port, or any URL of it")
    command.set_defaults(command=_probe)
    command = commands.add_parser("switch-on", help="post again to a URL that answered 410")
    _add_app(command)
    command.add_argument("url", help="as `endpoint list` prints it")
    command.set_defaults(command=_switch_on)


def _add_app(command: argparse.ArgumentParser) -> None:
    command.add_argument("key", help="the app's key")


def _list(asked: argparse.Namespace, platform: Platform) -> Said:
    app = platform.accounts.app_without_secrets(asked.key)
    return _shown(app.key, platform.notification_log.endpoint_health(app.key))


def _probe(asked: argparse.Namespace, platform: Platform) -> Said:
    url = SpUrl.parse(asked.url, field="url").text
    return _shown(asked.key, probe_now(asked.key, url, log=platform.notification_log, clock=SystemClock()))


def _switch_on(asked: argparse.Namespace, platform: Platform) -> Said:
    return _shown(asked.key, switch_on(asked.key, asked.url, log=platform.notification_log, clock=SystemClock()))


def _shown(app_key: str, health: EndpointHealth) -> Said:
    return {
        "app_key": app_key,
        "failing": {
            origin: {
                "failures": circuit.failures,
                "left_alone_until": None if circuit.until is None else circuit.until.isoformat(),
            }
            for origin, circuit in sorted(health.circuits.items())
        },
        "switched_off": sorted(health.gone),
    }
