"""A kept state is used whole or not at all."""

import argparse
import asyncio
import hashlib
import json
import stat
import subprocess
import threading
from contextlib import nullcontext
from importlib.metadata import version
from types import SimpleNamespace
from typing import Any, cast

import pytest

from lab.aws.cloud import Cloud, CloudError
from lab.aws.kept import Keeper, KeptFolder, State, rows_of
from lab.aws.overlay.cold_partitions import WRITES, ColdPartition
from lab.cli import signals, up
from lab.lab import Lab

SOUND = b"RIFF\0\xff"
NAME = hashlib.sha256(SOUND).hexdigest()
VERSIONS = {"format": 1, "ministack": version("ministack"), "duologue": version("duologue")}
STATE: dict[str, Any] = {
    "versions": VERSIONS,
    "tables": {"calls": {"1": {"CALL": {"call": {"S": "1"}}}}},
    "names": {"RecordingsBucket": "recordings"},
    "buckets": {"recordings": {"1.wav": {"record": {"etag": "e", "size": 6}, "content": NAME, "tags": {"keep": "3"}}}},
    "keys": {"LinksKey": {"KeyId": "k", "_hmac_key": {"__bytes__": "AP8="}}},
    "about": {"api_port": 8080},
}


@pytest.fixture
def folder(tmp_path):
    """With a complete state in it."""
    kept = KeptFolder(tmp_path / "kept")
    kept.write(json.dumps(STATE), {NAME: SOUND})
    kept.close()
    return tmp_path / "kept"


def opened(folder) -> KeptFolder:
    kept = KeptFolder(folder)
    kept.close()
    return kept


def test_what_was_written_is_read_and_only_its_owner_can(folder):
    kept = opened(folder)
    assert kept.note is None
    assert kept.contents == {NAME: SOUND}
    keys = {"LinksKey": {"KeyId": "k", "_hmac_key": b"\0\xff"}}
    assert kept.state == State(STATE["tables"], STATE["names"], STATE["buckets"], keys, STATE["about"])
    modes = {stat.S_IMODE(path.stat().st_mode) for path in [folder / "state.json", *(folder / "objects").iterdir()]}
    assert modes == {0o600}
    assert {stat.S_IMODE(path.stat().st_mode) for path in (folder, folder / "objects")} == {0o700}


def test_a_folder_that_has_none_begins_empty(tmp_path):
    kept = opened(tmp_path / "kept")
    assert (kept.state, kept.contents, kept.note) == (State(), {}, None)


def test_a_state_that_was_being_written_at_a_kill_is_as_if_it_had_not_been_begun(folder):
    (folder / ".state.json.fresh").write_text('{"versions": ')
    (folder / "objects" / ("0" * 64)).write_bytes(b"of a state that never came")
    kept = opened(folder)
    assert (kept.note, kept.contents) == (None, {NAME: SOUND})
    assert [path.name for path in (folder / "objects").iterdir()] == [NAME]


def write(**changed):
    return lambda folder: (folder / "state.json").write_text(json.dumps({**STATE, **changed}))


UNUSABLE = {
    "an older format": (write(versions={**VERSIONS, "format": 0}), "format 0"),
    "another MiniStack": (write(versions={**VERSIONS, "ministack": "1.0"}), "MiniStack 1.0"),
    "another Duologue": (write(versions={**VERSIONS, "duologue": "0.0.9"}), "Duologue 0.0.9"),
    "no version": (lambda folder: (folder / "state.json").write_text("{}"), "versions"),
    "half of a file": (lambda folder: (folder / "state.json").write_text(json.dumps(STATE)[:200]), "cannot be read"),
    "something else": (lambda folder: (folder / "state.json").write_text("[1]"), "cannot be read"),
    "a part that is not known": (write(queues={}), "cannot be read"),
    "an object without its content": (lambda folder: (folder / "objects" / NAME).unlink(), "cannot be read"),
    "an object with half its content": (lambda folder: (folder / "objects" / NAME).write_bytes(b"RI"), "damaged"),
}


@pytest.mark.parametrize(("spoil", "says"), UNUSABLE.values(), ids=UNUSABLE)
def test_any_other_state_is_told_and_set_aside_and_nothing_of_it_is_used(folder, spoil, says):
    spoil(folder)
    before = (folder / "state.json").read_bytes()
    kept = opened(folder)
    assert (kept.state, kept.contents) == (State(), {})
    assert says in str(kept.note)
    [aside] = folder.parent.glob("kept-until-*")
    assert str(aside) in str(kept.note)
    assert (aside / "state.json").read_bytes() == before
    assert opened(folder).note is None, "the next start finds nothing to say"


def test_two_labs_do_not_share_a_folder(folder):
    first = KeptFolder(folder)
    with pytest.raises(CloudError, match="another lab"):
        KeptFolder(folder)
    first.close()
    assert opened(folder).note is None


def test_rows_of_compressed_partitions_are_kept_as_well():
    rows = {"call-1": {"CALL": {"pk": {"S": "call-1"}}}, "call-2": {"CALL": {"pk": {"S": "call-2"}}}}
    cold = ColdPartition(rows["call-1"])
    cold.pack(keep=0)
    table = {"call-1": cold, "call-2": rows["call-2"]}
    assert json.loads(json.dumps(rows_of(table))) == rows


def test_nothing_is_written_while_rows_are_read():
    """What has expired is deleted by a thread of its own."""
    written = []

    def write():
        written.append(WRITES.acquire(blocking=False))

    class Partition(ColdPartition):
        def items(self):
            thread = threading.Thread(target=write)
            thread.start()
            thread.join()
            return super().items()

    rows_of({"call-1": Partition({"CALL": {}})})
    assert written == [False]


def test_a_state_that_cannot_be_saved_at_the_end_is_told_and_the_lab_still_ends(folder, monkeypatch, capsys):
    def full(*_):
        raise OSError(28, "No space left on device")

    kept, cloud = KeptFolder(folder), SimpleNamespace(run=asyncio.run)
    monkeypatch.setattr(kept, "write", full)
    Keeper(cast(Cloud, cloud), {}, kept).close()
    kept.close()
    assert "No space left on device" in capsys.readouterr().err


@pytest.mark.parametrize("complete", [False, True])
def test_nothing_is_saved_before_the_command_has_its_account(tmp_path, monkeypatch, complete):
    """A state with its SP but without the SP's password could not be used by the next start."""
    lab = Lab(keep=KeptFolder(tmp_path / "kept"), state_dir=tmp_path)
    monkeypatch.setattr(lab, "cloud", SimpleNamespace(run=asyncio.run, stop=lambda: None))
    monkeypatch.setattr(lab, "_deployment", SimpleNamespace(resources={}))
    if complete:
        lab.keep_from_now()
    lab.stop()
    assert (tmp_path / "kept" / "state.json").exists() == complete


def test_up_begins_to_save_only_once_its_account_is_open(tmp_path, monkeypatch):
    class Started(Lab):
        api_url = "http://127.0.0.1:8080"
        saves = False

        def start(self):
            return self

        def keep_from_now(self):
            Started.saves = True

    def refused(*_):
        raise subprocess.CalledProcessError(1, "duologue sp add")

    for name, instead in {"Lab": Started, "announced": lambda *_: nullcontext(), "_open_sp": refused}.items():
        monkeypatch.setattr(up, name, instead)
    monkeypatch.setattr(signals, "stop_event", threading.Event)
    parser = argparse.ArgumentParser()
    up.add_arguments(parser)
    ports = ["--api-port=0", "--aws-port=0", "--site-port=0", "--home-port=0", "--console-port=0"]
    with pytest.raises(subprocess.CalledProcessError):
        up.run(parser.parse_args([*ports, "--virtual", "--keep", "--state-dir", str(tmp_path)]))
    assert not Started.saves
