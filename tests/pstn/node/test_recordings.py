"""Recordings reach S3 once, whole or put together from their parts, whatever fails meanwhile."""

import io
import json
import wave
from datetime import UTC, datetime

import pytest
from botocore.exceptions import EndpointConnectionError

from pstn.node.parts import Adoption, Parts
from pstn.node.recordings import Recordings
from pstn.node.table import Beat, NodesTable, Row, TableError
from pstn.recordings import Recording
from tests.pstn.node.fixtures import BUCKET, NODES, Failing
from tests.pstn.node.test_table import bury

NODE, KEY = "a1b2c3d4", "calls/2026/11/29/one.wav"
SECOND = bytes(range(256)) * 125  # 1 s of both tracks: 2 bytes × 2 tracks × 8000
METADATA = {"call-id": "leg"}


def recording(track="BOTH", bucket=BUCKET, key=KEY):
    return Recording("rec", "leg", f"{NODE}-call", track, bucket, key, datetime(2026, 11, 29, tzinfo=UTC))


def keys(s3):
    return [each["Key"] for each in s3.list_objects_v2(Bucket=BUCKET).get("Contents", [])]


def samples(s3, key=KEY):
    with wave.open(io.BytesIO(s3.get_object(Bucket=BUCKET, Key=key)["Body"].read())) as file:
        assert (file.getframerate(), file.getsampwidth()) == (8000, 2)
        return file.getnchannels(), file.readframes(10**6)


class Spoken:
    """A recording that grows; its line."""

    def __init__(self, s3, track="BOTH"):
        self.recording, self.content = recording(track), b""
        self.parts = Parts(s3, BUCKET, NODE, lambda _, offset: self.content[offset:])

    def goes_on(self, content=SECOND):
        self.content += content
        self.parts.write([self.recording])
        return self


class Others:
    """The other nodes, which see a dead one."""

    def __init__(self, s3, dynamodb):
        self.table = NodesTable(dynamodb, NODES, lambda: 1000.0)
        self.table.write(NODE, Beat("10.0.1.5:8443", 1, 1, 1.0, False, "1", (5060,)))
        self.s3 = s3

    def look(self, now=1016.0, rows=None, s3=None):
        return Adoption(s3 or self.s3, BUCKET, self.table).adopt(rows or self.table.rows(), now)


@pytest.fixture
def others(s3, dynamodb):
    return Others(s3, dynamodb)


def test_parts_are_what_was_recorded_since_the_last_one(s3):
    spoken = Spoken(s3).goes_on(SECOND + b"\1").goes_on(b"\2\3\4" + SECOND).goes_on(b"")
    place = f"parts/{NODE}/{NODE}-call/rec/"
    assert keys(s3) == [f"{place}000000", f"{place}000001", f"{place}about.json"]
    stored = [s3.get_object(Bucket=BUCKET, Key=f"{place}00000{number}")["Body"].read() for number in (0, 1)]
    assert stored == [SECOND, b"\1\2\3\4" + SECOND]
    spoken.parts.stored(BUCKET, KEY)
    assert keys(s3) == []


def test_parts_are_put_together_in_their_order_beyond_the_9999th(s3, others):
    """A call lasts for up to a day; a part may last for a second."""
    spoken = Spoken(s3).goes_on(b"\1\0" * 2)
    [begun] = spoken.parts._begun.values()
    for begun.parts, content in ((9_999, b"\2\0" * 2), (10_000, b"\3\0" * 2), (86_399, b"\4\0" * 2)):
        spoken.goes_on(content)
    assert others.look() == 1
    assert samples(s3) == (2, b"".join(bytes([number, 0]) * 2 for number in (1, 2, 3, 4)))


def test_a_part_that_s3_does_not_take_is_part_of_the_next_one(s3, others):
    spoken = Spoken(failing := Failing(s3, "put_object")).goes_on()
    failing.down.clear()
    spoken.goes_on()
    assert others.look() == 1
    assert samples(s3) == (2, 2 * SECOND)


def test_only_recordings_of_the_bucket_have_parts(s3):
    parts = Parts(s3, BUCKET, NODE, lambda *_: SECOND)
    parts.write([recording(bucket="elsewhere")])
    assert keys(s3) == []


@pytest.mark.parametrize(("track", "channels"), [("BOTH", 2), ("INCOMING", 1)])
def test_the_recording_of_a_dead_node_is_put_together(s3, others, track, channels):
    Spoken(s3, track).goes_on().goes_on()
    assert others.look(now=1014.0) == 0, "it may still live"
    assert others.look() == 1
    assert (keys(s3), samples(s3)) == ([KEY], (channels, 2 * SECOND))
    metadata = s3.head_object(Bucket=BUCKET, Key=KEY)["Metadata"]
    assert (metadata["call-id"], metadata["recording-incomplete"]) == ("leg", "true")
    assert metadata["recording-duration"] == str(4 // channels)
    assert others.table.rows()[0].adopted
    assert others.look() == 0


def test_a_node_that_writes_its_row_after_an_outage_of_the_table_keeps_its_recordings(s3, others):
    Spoken(s3).goes_on()
    adoption, silent = Adoption(s3, BUCKET, others.table), Row(NODE, "10.0.1.5:8443", 1000.0)
    looks = [(silent, 1030.0, 0), (Row(NODE, "10.0.1.5:8443", 1031.0), 1050.0, 0), (silent, 1060.0, 0)]
    for row, now, found in [*looks, (silent, 1070.0, 1)]:
        assert adoption.look([row], now) == found
    assert keys(s3) == [KEY]


def test_a_look_removes_the_rows_of_which_nothing_is_left(s3, others, dynamodb):
    bury(dynamodb, NODE, True)
    looks = [(1030.0, 1), (1040.0, 1), (4599.0, 1), (4601.0, 0)]
    adoption = Adoption(s3, BUCKET, others.table)
    for now, left in looks:
        adoption.look(others.table.rows(), now)
        assert len(others.table.rows()) == left


def test_a_row_that_cannot_be_removed_does_not_keep_recordings_from_being_put_together(s3, dynamodb):
    Spoken(s3).goes_on()
    table = NodesTable(Failing(dynamodb, "delete_item"), NODES, lambda: 5000.0)
    adoption = Adoption(s3, BUCKET, table)
    done = Row("0000000a", "10.0.1.6:8443", 1000.0, gone=True, buried=True)
    table.write(NODE, Beat("10.0.1.5:8443", 1, 1, 1.0, False, "1", (5060,)))
    dead = Row(NODE, "10.0.1.5:8443", 5000.0)
    for _ in range(2):
        with pytest.raises(TableError):
            adoption.look([done, dead], 5020.0)
    assert keys(s3) == [KEY]


def test_a_node_that_left_in_order_is_not_looked_at(s3, others):
    Spoken(s3).goes_on()
    assert others.look(rows=[Row(NODE, "10.0.1.5:8443", 1000.0, gone=True)]) == 0
    assert KEY not in keys(s3)


def test_a_recording_that_is_whole_is_not_overwritten(s3, others):
    Spoken(s3).goes_on()
    s3.put_object(Bucket=BUCKET, Key=KEY, Body=b"whole")
    assert others.look() == 0
    assert s3.get_object(Bucket=BUCKET, Key=KEY)["Body"].read() == b"whole"
    assert keys(s3) == [KEY]


@pytest.mark.parametrize("step", range(8))
def test_several_nodes_at_once_store_it_once_and_whole(s3, others, step):
    """Another node does all of it just before the nth request of this one."""
    Spoken(s3).goes_on().goes_on()
    rows, asked, stored = others.table.rows(), [], []

    class Overtaken:
        def __getattr__(self, name):
            asked.append(name)
            if len(asked) == step + 1:
                stored.append(others.look())
            return getattr(s3, name)

    stored.append(others.look(rows=rows, s3=Overtaken()))
    assert len(asked) > step, "no such step: the range is too long"
    assert sum(stored) == 1
    assert (keys(s3), samples(s3)) == ([KEY], (2, 2 * SECOND))


@pytest.mark.parametrize("missing", ["about.json", "000000"])
def test_what_is_left_of_a_recording_without_its_description_or_its_sound_is_deleted(s3, others, missing):
    Spoken(s3).goes_on()
    s3.delete_object(Bucket=BUCKET, Key=f"parts/{NODE}/{NODE}-call/rec/{missing}")
    assert others.look() == 0
    assert keys(s3) == []


def test_an_adoption_that_fails_is_repeated(s3, others):
    Spoken(s3).goes_on()
    for down in ("get_paginator", "get_object", "put_object", "delete_objects"):
        with pytest.raises(EndpointConnectionError):
            others.look(s3=Failing(s3, down))
        assert not others.table.rows()[0].adopted
    others.look()
    assert (keys(s3), others.table.rows()[0].adopted) == ([KEY], True)


def test_a_recording_that_s3_does_not_take_waits_on_disk_and_is_sent_after_a_restart(s3, tmp_path):
    spoken = Spoken(s3).goes_on()
    failing = Recordings(Failing(s3, "put_object"), tmp_path / "spool", spoken.parts.stored)
    failing.put(BUCKET, KEY, io.BytesIO(b"whole"), METADATA)
    failing.send_spooled()
    assert (failing.waiting, len(keys(s3))) == (1, 2), "its parts stay until it is stored"
    again = Recordings(s3, tmp_path / "spool")
    again.send_spooled()
    assert (again.waiting, list((tmp_path / "spool").iterdir())) == (0, [])
    found = s3.get_object(Bucket=BUCKET, Key=KEY)
    assert (found["Body"].read(), found["Metadata"]) == (b"whole", METADATA)


def test_while_as_many_as_allowed_wait_for_s3_others_are_spooled(s3, tmp_path):
    class Slow:
        def put_object(self, **request):
            if request["Key"] == KEY:
                kept.put(BUCKET, "calls/other.wav", io.BytesIO(b"other"), METADATA)
                assert kept.waiting == 1
            return s3.put_object(**request)

    kept = Recordings(Slow(), tmp_path, at_once=1)
    kept.put(BUCKET, KEY, io.BytesIO(b"whole"), METADATA)
    assert keys(s3) == [KEY]
    kept.put(BUCKET, "calls/next.wav", io.BytesIO(b"next"), METADATA)
    kept.send_spooled()
    assert keys(s3) == ["calls/2026/11/29/one.wav", "calls/next.wav", "calls/other.wav"]


def test_a_recording_that_s3_refuses_holds_up_no_other(s3, tmp_path):
    down = Recordings(Failing(s3, "put_object"), tmp_path)
    for bucket in ("no-such-bucket", BUCKET):
        down.put(bucket, KEY, io.BytesIO(b"whole"), METADATA)
    kept = Recordings(s3, tmp_path)
    kept.send_spooled()
    assert (kept.waiting, keys(s3)) == (1, [KEY])


def test_a_recording_that_is_stored_leaves_no_parts(s3, tmp_path):
    spoken = Spoken(s3).goes_on()
    Recordings(s3, tmp_path, spoken.parts.stored).put(BUCKET, KEY, io.BytesIO(b"whole"), METADATA)
    assert keys(s3) == [KEY]


def test_a_spooled_recording_without_its_description_is_not_sent(s3, tmp_path):
    kept = Recordings(s3, tmp_path)
    (tmp_path / "one.wav").write_bytes(b"half")
    (tmp_path / "two.part").write_text(json.dumps({}))
    kept.send_spooled()
    assert (kept.waiting, keys(s3)) == (0, [])


ABOUT = json.dumps({"bucket": BUCKET, "key": KEY, "metadata": METADATA})
# What a process that was killed has left → what is sent by the next one on this disk.
LEFT = {
    "it was complete": ({"a.json": ABOUT, "a.wav": "RIFF"}, [KEY]),
    "but for the last step": ({"a.part": ABOUT, "a.wav": "RIFF"}, [KEY]),
    "the description was begun": ({"a.part": ABOUT[:20], "a.wav": "RIFF"}, []),
    "the description is empty": ({"a.json": "", "a.wav": "RIFF"}, []),
    "the sound alone": ({"a.wav": "RI"}, []),
    "the description alone": ({"a.json": ABOUT}, []),
}


@pytest.mark.parametrize(("files", "sent"), LEFT.values(), ids=LEFT)
def test_what_a_killed_process_left_in_the_spool_is_sent_or_removed(s3, tmp_path, files, sent):
    for name, content in files.items():
        (tmp_path / name).write_text(content)
    kept = Recordings(s3, tmp_path)
    assert kept.waiting == len(sent)
    kept.send_spooled()
    assert (keys(s3), list(tmp_path.iterdir())) == (sent, [])


def test_which_buckets_are_accessible(s3, tmp_path):
    kept = Recordings(s3, tmp_path)
    assert (kept.accessible(BUCKET), kept.accessible("no-such-bucket")) == (True, False)
    assert Recordings(Failing(s3, "list_objects_v2"), tmp_path).accessible(BUCKET), (
        "if S3 does not answer, record anyway"
    )
