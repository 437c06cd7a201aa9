"""The carriers: one module each, named by the template's parameter `Carrier`.

A carrier's module has six functions (docs/carriers.md says what a carrier must do):

    network() -> Network               requests to it (usecases/ports/network.py)
    network_of_api() -> Network | None the same for callback_api; None: it leaves a stop's request to flow
    network_format() -> NetworkFormat  parses its events and writes the answers
    node_table() -> NodeTable | None   the operator's own nodes, whose calls the sweeper finalizes when they die
    prompt_stopper() -> PromptStopper  interrupts a prompt when a party has hung up
    bare_format() -> NetworkFormat     the format without settings, for the fallback answer
"""

from __future__ import annotations

from importlib import import_module
from pkgutil import iter_modules
from types import ModuleType
from typing import TYPE_CHECKING

from duologue.runtime.settings import setting

if TYPE_CHECKING:
    from duologue.usecases.ports.network import Network, NetworkFormat, PromptStopper
    from duologue.usecases.ports.nodes import NodeTable


def network() -> Network:
    made: Network = _named().network()
    return made


def network_of_api() -> Network | None:
    made: Network | None = _named().network_of_api()
    return made


def network_format() -> NetworkFormat:
    made: NetworkFormat = _named().network_format()
    return made


def node_table() -> NodeTable | None:
    made: NodeTable | None = _named().node_table()
    return made


def prompt_stopper() -> PromptStopper:
    made: PromptStopper = _named().prompt_stopper()
    return made


def bare_format() -> NetworkFormat:
    """Needs no setting (R17): if even the carrier's name is missing, any carrier will do, as they have one wire."""
    first = next(module.name for module in iter_modules(__path__))
    made: NetworkFormat = _module(setting("CARRIER", first)).bare_format()
    return made


def _named() -> ModuleType:
    """The module of the configured carrier; others are not imported."""
    return _module(setting("CARRIER"))


def _module(name: str) -> ModuleType:
    return import_module(f"{__name__}.{name}")
