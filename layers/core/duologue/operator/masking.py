"""Numbers in what a command says: masked, unless `--numbers` is given, which the audit notes."""

import argparse
from collections.abc import Iterable
from typing import Any

from duologue.domain.numbers.phone_number import PhoneNumber


def add_numbers_option(command: argparse.ArgumentParser) -> None:
    command.add_argument("--numbers", action="store_true", help="show numbers in full, which the audit notes")


def masked(said: Any, numbers: Iterable[PhoneNumber]) -> Any:
    """The same with these numbers masked, wherever in a text they are, also without the plus sign."""
    masks = {number.e164: str(number) for number in numbers if number.e164.startswith("+")}
    return _masked(said, masks | {plain[1:]: mask[1:] for plain, mask in masks.items()})


def _masked(said: Any, masks: dict[str, str]) -> Any:
    if isinstance(said, dict):
        return {name: _masked(value, masks) for name, value in said.items()}
    if isinstance(said, list):
        return [_masked(value, masks) for value in said]
    if isinstance(said, str):
        for plain, mask in masks.items():
            said = said.replace(plain, mask)
    return said
