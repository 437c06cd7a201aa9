"""The carriers that the platform can use: one module each, named as the template's parameter `Carrier` names it.

A carrier's module has three functions:

    network() -> Network               requests to it (usecases/ports/network.py)
    network_format() -> NetworkFormat  how its events are read and answered
    bare_format() -> NetworkFormat     the same, made of nothing that could be missing: for the answer of last resort
"""

from importlib import import_module
from types import ModuleType

from duologue.runtime.settings import setting
from duologue.usecases.ports.network import Network, NetworkFormat


def network() -> Network:
    made: Network = _carrier().network()
    return made


def network_format() -> NetworkFormat:
    made: NetworkFormat = _carrier().network_format()
    return made


def bare_format() -> NetworkFormat:
    made: NetworkFormat = _carrier().bare_format()
    return made


def _carrier() -> ModuleType:
    """Only the module of the carrier that is used is loaded. The answer of last resort needs no setting (R17)."""
    return import_module(f"{__name__}.{setting('CARRIER', 'chime')}")
