"""Which carrier's module is used."""

import sys

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


def test_the_answer_of_last_resort_needs_no_setting_where_there_is_one_carrier(monkeypatch):
    monkeypatch.delenv("CARRIER")
    [only] = CARRIERS
    assert type(carriers.bare_format()).__module__.split(".")[-2] == only


def test_of_several_it_must_be_told_which(several, monkeypatch):
    """Whose event it is cannot be guessed: to fail is better than another carrier's answer."""
    monkeypatch.delenv("CARRIER")
    with pytest.raises(SettingMissing):
        carriers.bare_format()
    monkeypatch.setenv("CARRIER", "first")
    assert str(carriers.bare_format()) == f"{carriers.__name__}.first"


@pytest.mark.parametrize("made", ["network", "network_format"])
def test_requests_and_answers_need_the_setting(made, monkeypatch):
    monkeypatch.delenv("CARRIER")
    with pytest.raises(SettingMissing):
        getattr(carriers, made)()
