"""A finished recording becomes the file that its SP fetches."""

import io
import json
import math
import struct
import wave
from typing import Any

import boto3
import pytest
from moto import mock_aws

from duologue.adapters.media.s3_publisher import S3Publisher, write_a_law
from duologue.domain.errors import OutsideUnavailable
from duologue.domain.media.recording import KEEP_DAYS, Recording, folder_of, owner_of, published_key
from duologue.runtime.wiring.publish_recording import Dependencies
from functions.publish_recording.handler import answer
from tests.fakes.calls import FakeCalls
from tests.functions.worlds import sample
from tests.samples import at, callback
from tools.template import read_template

BUCKET = "recordings"
CALL = callback("3263827911_1044187234_2889035102_20261123090000")
KEY = f"{folder_of(CALL.app, CALL.id)}/2026/11/23/2026-11-23-09-00-00-000_t_l.wav"
PUBLISHED = published_key(CALL.app, CALL.id)


def tone(hertz: float, seconds: float = 1.0, rate: int = 8000) -> list[int]:
    return [round(12000 * math.sin(math.tau * hertz * i / rate)) for i in range(round(seconds * rate))]


def wav(*channels: list[int], rate: int = 8000) -> bytes:
    made = io.BytesIO()
    with wave.open(made, "wb") as file:
        file.setnchannels(len(channels))
        file.setsampwidth(2)
        file.setframerate(rate)
        file.writeframes(b"".join(struct.pack(f"<{len(channels)}h", *frame) for frame in zip(*channels, strict=True)))
    return made.getvalue()


def strength(samples: list[int], hertz: float, rate: int = 8000) -> float:
    """How much of a frequency is in it (Goertzel), 1.0 for a tone of full scale."""
    real = sum(sample * math.cos(math.tau * hertz * i / rate) for i, sample in enumerate(samples))
    imaginary = sum(sample * math.sin(math.tau * hertz * i / rate) for i, sample in enumerate(samples))
    return 2 * math.hypot(real, imaginary) / len(samples) / 32768


def a_law(content: bytes) -> tuple[dict[str, int], list[int]]:
    """What the header says, and the samples decoded by the rule of ITU-T G.711 §2."""
    assert content[:4] == b"RIFF"
    assert content[8:16] == b"WAVEfmt "
    kind, channels, rate, bytes_per_second, block, bits, more = struct.unpack_from("<HHIIHHH", content, 20)
    says = {"kind": kind, "channels": channels, "rate": rate, "bytes_per_second": bytes_per_second, "bits": bits}
    assert (block, more, content[38:42]) == (1, 0, b"fact")
    (count,) = struct.unpack_from("<I", content, 46)
    assert content[50:54] == b"data"
    assert struct.unpack_from("<I", content, 54) == (count,)
    assert struct.unpack_from("<I", content, 4) == (len(content) - 8,)
    return says, [_expand(byte ^ 0x55) for byte in content[58 : 58 + count]]


def _expand(byte: int) -> int:
    segment, step = (byte & 0x70) >> 4, byte & 0x0F
    size = ((step << 4) + 8) if segment == 0 else ((step << 4) + 0x108) << (segment - 1)
    return size if byte & 0x80 else -size


def came(key: str = KEY) -> dict[str, Any]:
    """The message of a file that was stored."""
    event = sample("publish_recording", "recording_came")
    [message] = event["Records"]
    body = json.loads(message["body"])
    body["detail"]["object"]["key"] = key
    message["body"] = json.dumps(body)
    return event


class World:
    def __init__(self) -> None:
        self.s3 = boto3.client("s3", region_name="us-east-1", aws_access_key_id="x", aws_secret_access_key="x")
        self.s3.create_bucket(Bucket=BUCKET)
        self.calls = FakeCalls()
        self.calls.accept(CALL, slots=9, close_by=at(60))
        self.calls.change(CALL.id, recording=Recording(KEY, at(15)))
        self.given_back: list[tuple[str, str, int]] = []
        self.publisher = S3Publisher(self.s3, BUCKET)

    def put(self, content: bytes, key: str = KEY) -> "World":
        self.s3.put_object(Bucket=BUCKET, Key=key, Body=content)
        return self

    def hear(self, key: str = KEY) -> str:
        return self.take(came(key))

    def take(self, event: dict[str, Any]) -> str:
        dependencies = Dependencies(self.calls, self.publisher, lambda *message: self.given_back.append(message))
        return str(answer(event, dependencies)["became"])

    def tags(self, key: str) -> list[dict[str, str]]:
        return [dict(tag) for tag in self.s3.get_object_tagging(Bucket=BUCKET, Key=key)["TagSet"]]  # type: ignore[arg-type]

    @property
    def keys(self) -> list[str]:
        return [each["Key"] for each in self.s3.list_objects_v2(Bucket=BUCKET).get("Contents", [])]

    @property
    def published(self) -> bytes | None:
        return self.s3.get_object(Bucket=BUCKET, Key=PUBLISHED)["Body"].read() if PUBLISHED in self.keys else None


@pytest.fixture
def world():
    with mock_aws():
        yield World()


def test_both_parties_are_in_one_channel_of_a_law(world):
    assert world.put(wav(tone(600), tone(900))).hear() == "published"
    says, samples = a_law(world.published)
    assert says == {"kind": 6, "channels": 1, "rate": 8000, "bytes_per_second": 8000, "bits": 8}
    assert len(samples) == 8000
    assert strength(samples, 600) == pytest.approx(12000 / 32768 / 2, rel=0.05)
    assert strength(samples, 900) == pytest.approx(12000 / 32768 / 2, rel=0.05)
    assert strength(samples, 1500) < 0.01


class DeletedMeanwhile(S3Publisher):
    """The SP deletes while the file is being made: what there is goes, and then the file is put down."""

    def __init__(self, world: World) -> None:
        super().__init__(world.s3, BUCKET)
        self.world = world

    def publish(self, key: str, published_key: str, keep_days: int) -> None:
        self.world.calls.change(CALL.id, recording=Recording(KEY, at(15), deleted_at=at(70)))
        super().publish(key, published_key, keep_days)


def test_what_its_sp_deletes_while_the_file_is_made_stays_deleted(world):
    world.put(wav(tone(600), tone(900)))
    world.publisher = DeletedMeanwhile(world)
    assert world.hear() == "deleted as its SP or the operator wants"
    assert world.keys == []


def test_a_repeat_makes_the_same_file_again(world):
    world.put(wav(tone(600), tone(900))).hear()
    first = world.published
    world.hear()
    assert world.published == first


@pytest.mark.parametrize("seconds", [0.0, 0.1251, 20.0])
def test_a_recording_of_any_length(world, seconds):
    world.put(wav(tone(600, seconds), tone(900, seconds))).hear()
    assert len(a_law(world.published)[1]) == round(seconds * 8000)


def test_a_recording_of_one_channel_or_another_rate(world):
    world.put(wav(tone(600, rate=16000), rate=16000)).hear()
    _, samples = a_law(world.published)
    assert len(samples) == pytest.approx(8000, abs=4)
    assert strength(samples, 600) == pytest.approx(12000 / 32768, rel=0.05)


def test_a_file_that_no_call_accounts_for_is_left_alone(world):
    stray = KEY.replace("_t_", "_stray_")
    world.calls.change(CALL.id, recording=Recording(stray, at(15)))
    assert world.put(wav(tone(600))).hear() == "not the file of a recorded call"
    world.calls.change(CALL.id, recording=None)
    assert world.hear() == "not the file of a recorded call"
    assert world.hear(PUBLISHED) == "not the file of a recorded call"
    assert world.published is None


def test_how_long_its_app_keeps_it_is_on_both_forms(world):
    world.put(wav(tone(600), tone(900))).hear()
    assert world.tags(PUBLISHED) == []
    world.calls.change(CALL.id, keep_recording_days=7)
    world.hear()
    assert world.tags(PUBLISHED) == world.tags(KEY) == [{"Key": "keep-days", "Value": "7"}]


def test_each_choice_has_its_rule_in_the_storage():
    rules = read_template()["Resources"]["RecordingsBucket"]["Properties"]["LifecycleConfiguration"]["Rules"]
    by_tag = {rule["TagFilters"][0]["Value"]: rule["ExpirationInDays"] for rule in rules if "TagFilters" in rule}
    assert by_tag == {str(days): days for days in KEEP_DAYS}


def test_a_recording_that_comes_after_it_was_deleted_is_deleted_too(world):
    world.calls.change(CALL.id, recording=Recording(KEY, at(15), deleted_at=at(90)))
    assert world.put(wav(tone(600), tone(900))).hear() == "deleted as its SP or the operator wants"
    assert world.published is None
    assert world.keys == []


def test_what_is_no_audio_is_retried_in_seconds(world):
    with pytest.raises(OutsideUnavailable):
        world.put(b"RIFF....nothing").hear()
    assert world.published is None
    [message] = came()["Records"]
    assert world.given_back == [(message["eventSourceARN"], message["receiptHandle"], 1)]


def test_an_event_without_a_queue_is_taken_too(world):
    """Lambda may still have some that the release before was to get; EventBridge invoked that directly."""
    [message] = came()["Records"]
    assert world.put(wav(tone(600), tone(900))).take(json.loads(message["body"])) == "published"


def test_the_sample_is_what_eventbridge_sends(world):
    [message] = sample("publish_recording", "recording_came")["Records"]
    assert owner_of(json.loads(message["body"])["detail"]["object"]["key"]) == (CALL.app, CALL.id)


def test_pieces_make_no_difference():
    sound = wav(tone(600, 20), tone(900, 20))
    made = io.BytesIO()
    assert write_a_law(io.BytesIO(sound), made) == 160_000


def test_a_file_that_comes_after_its_call_was_erased_is_deleted(world):
    """Of no call there is a file: rows are written before anybody is dialled, and outlive recordings."""
    late = f"{folder_of(CALL.app, '9_9_9_20261123090000')}/2026/11/23/late.wav"
    assert world.put(wav(tone(600)), late).hear(late) == "deleted as its SP or the operator wants"
    assert world.keys == []
