"""Prompts are asked for again after a while, by their ETag, and as many are kept as fit."""

from typing import Any

import pytest
from botocore.exceptions import ClientError, EndpointConnectionError

from pstn.node.prompts import FRESH_S, Prompts
from tests.pstn.node.fixtures import PROMPTS
from tests.wavs import wav


class Counted:
    """S3, with the answers that were sent; `down`: what it raises instead."""

    def __init__(self, s3):
        self.s3, self.sent, self.down, self.asked = s3, [], None, 0

    def get_object(self, **request):
        self.asked += 1
        if self.down:
            raise self.down
        try:
            answer = self.s3.get_object(**request)
        except ClientError as error:
            self.sent.append(error.response["ResponseMetadata"]["HTTPStatusCode"])
            raise
        self.sent.append(200)
        return answer


class Story:
    def __init__(self, s3, keep=1_000_000):
        self.now, self.s3 = 0.0, Counted(s3)
        self.prompts = Prompts(self.s3, lambda: self.now, keep)
        for number in range(3):
            self.put(f"{number}.wav", seconds=1.0)

    def put(self, key, seconds):
        self.s3.s3.put_object(Bucket=PROMPTS, Key=key, Body=wav(bytes(int(16_000 * seconds))))

    def plays(self, key, after=0.0):
        """How long; None: it cannot be played."""
        self.now += after
        audio = self.prompts(PROMPTS, key)
        return audio.seconds if audio else None


@pytest.fixture
def story(s3):
    return Story(s3)


def test_a_prompt_is_read_once_and_again_only_when_it_changed(story):
    assert [story.plays("0.wav"), story.plays("0.wav", FRESH_S - 1)] == [1.0, 1.0]
    assert story.s3.sent == [200]
    assert story.plays("0.wav", 2) == 1.0
    assert story.s3.sent == [200, 304]
    story.put("0.wav", seconds=2.0)
    assert story.plays("0.wav") == 1.0
    assert story.plays("0.wav", FRESH_S) == 2.0
    assert story.s3.sent == [200, 304, 200]


def test_what_cannot_be_played(story):
    story.s3.s3.put_object(Bucket=PROMPTS, Key="text.wav", Body=b"no sound")
    assert [story.plays("text.wav"), story.plays("missing.wav")] == [None, None]
    story.s3.s3.delete_object(Bucket=PROMPTS, Key="0.wav")
    assert story.plays("0.wav", FRESH_S) is None


UNAVAILABLE: Any = {"ResponseMetadata": {"HTTPStatusCode": 503}}


@pytest.mark.parametrize(
    "down",
    [EndpointConnectionError(endpoint_url="https://s3"), ClientError(UNAVAILABLE, "GetObject")],
    ids=["out of reach", "503"],
)
def test_while_s3_fails_a_prompt_that_is_kept_is_played(story, down):
    assert story.plays("0.wav") == 1.0
    story.s3.down = down
    assert story.plays("0.wav", FRESH_S) == 1.0
    asked = story.s3.asked
    assert story.plays("0.wav", FRESH_S - 1) == 1.0
    assert story.s3.asked == asked, "no play waits for it again so soon"
    with pytest.raises(type(down)):
        story.plays("1.wav")


def test_the_prompts_that_were_played_least_recently_are_dropped(s3):
    story = Story(s3, keep=2 * len(wav()))
    for key in ("0.wav", "1.wav", "0.wav", "2.wav"):
        story.plays(key)
    story.s3.sent.clear()
    story.plays("0.wav")
    assert story.s3.sent == []
    story.plays("1.wav")
    assert story.s3.sent == [200]
