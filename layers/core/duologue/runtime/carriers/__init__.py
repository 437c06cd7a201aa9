"""The carriers that the platform can use: one module each, named as the template's parameter `Carrier` names it.

A carrier's module has three functions (docs/carriers.md says what a carrier must do):

    network() -> Network               requests to it (usecases/ports/network.py)
    network_format() -> NetworkFormat  how its events are read and answered
    bare_format() -> NetworkFormat     the same, made of nothing that could be missing: for the answer of last resort
"""

from importlib import import_module
from pkgutil import iter_modules
from types import ModuleType

from duologue.runtime.settings import setting
from duologue.usecases.ports.network import Network, NetworkFormat


def network() -> Network:
    made: Network = _named().network()
    return made


def network_format() -> NetworkFormat:
    made: NetworkFormat = _named().network_format()
    return made


def bare_format() -> NetworkFormat:
    """The answer of last resort needs no setting (R17) while there is one carrier; of several it must be told which."""
    made: NetworkFormat = _named_or_only().bare_format()
    return made


def _named() -> ModuleType:
    """Only the module of the carrier that is used is loaded."""
    return _module(setting("CARRIER"))


def _named_or_only() -> ModuleType:
    names = [module.name for module in iter_modules(__path__)]
    return _module(setting("CARRIER", names[0] if len(names) == 1 else None))


def _module(name: str) -> ModuleType:
    return import_module(f"{__name__}.{name}")
