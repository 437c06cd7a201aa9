"""Which carrier's module is used."""

import os
import sys
from importlib import import_module

import pytest

from duologue.runtime import carriers
from duologue.runtime.settings import SettingMissing
from tests.architecture.tree import modules

CARRIERS = [path.stem for path in modules("layers/core/duologue/runtime/carriers") if path.stem != "__init__"]
FAKE = "made = []\n\ndef network():\n    made.append('network')\n\ndef bare_format():\n    return __name__\n"


@pytest.fixture
def several(monkeypatch, tmp_path):
    """Two more carriers beside the product's."""
    for name in ("first", "second"):
        (tmp_path / f"{name}.py").write_text(FAKE, encoding="utf-8")
    monkeypatch.setattr(carriers, "__path__", [*carriers.__path__, str(tmp_path)])
    yield
    for name in ("first", "second"):
        sys.modules.pop(f"{carriers.__name__}.{name}", None)


def test_the_one_that_the_setting_names_is_loaded_and_no_other(several, monkeypatch):
    monkeypatch.setenv("CARRIER", "second")
    carriers.network()
    assert sys.modules[f"{carriers.__name__}.second"].made == ["network"]
    assert f"{carriers.__name__}.first" not in sys.modules


def test_the_answer_of_last_resort_needs_no_setting(several, monkeypatch):
    """Not even the carrier's name: all of the template's carriers have one wire, whose answer is then right."""
    monkeypatch.setenv("CARRIER", "first")
    assert str(carriers.bare_format()) == f"{carriers.__name__}.first"
    formats = {type(import_module(f"{carriers.__name__}.{name}").bare_format()) for name in CARRIERS}
    for name in [name for name in os.environ if name not in ("PATH", "HOME")]:
        monkeypatch.delenv(name)
    assert {type(carriers.bare_format())} == formats


@pytest.mark.parametrize("made", ["network", "network_format"])
def test_requests_and_answers_need_the_setting(made, monkeypatch):
    monkeypatch.delenv("CARRIER")
    with pytest.raises(SettingMissing):
        getattr(carriers, made)()
