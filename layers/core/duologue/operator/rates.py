"""`duologue rates …`: what a minute is estimated to cost."""

import argparse
from typing import Any

from duologue.domain.accounting.charges import MICRO
from duologue.domain.accounting.rates import ESTIMATES, check_rates, read_rate
from duologue.operator.files import read_lines
from duologue.operator.platform import Platform, Said


def add_to(kinds: Any) -> None:
    commands = kinds.add_parser("rates", help="what a minute is estimated to cost").add_subparsers(
        metavar="show|import|reset", required=True
    )
    command = commands.add_parser("show", help="all rates, in USD a minute of one leg, by prefix")
    command.set_defaults(command=_show)
    command = commands.add_parser("import", help="replace them: a prefix, a comma and USD a minute in each line")
    command.add_argument("file")
    command.set_defaults(command=_import)
    command = commands.add_parser("reset", help="use the estimates that the platform comes with")
    command.set_defaults(command=_reset)


def _show(_asked: argparse.Namespace, platform: Platform) -> Said:
    rates = platform.rates.rates()
    written = {prefix: f"{rate / MICRO:.4f}" for prefix, rate in sorted(rates.items())}
    return {"source": "estimates" if rates == ESTIMATES else "imported", "rates": written}


def _import(asked: argparse.Namespace, platform: Platform) -> Said:
    rates = check_rates(dict(read_lines(asked.file, read_rate)))
    platform.rates.set_rates(rates)
    return {"rates": len(rates)}


def _reset(_asked: argparse.Namespace, platform: Platform) -> Said:
    platform.rates.forget_rates()
    return {"source": "estimates"}
