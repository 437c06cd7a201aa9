"""Prompts as files: which are taken, and what the telephone network gets."""

import audioop
import io
import struct
import wave
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from duologue.domain.errors import InvalidField
from duologue.domain.media.wav import LARGEST, decode_a_law, read_notice, read_wav
from tests.wavs import TONE, chunk, wav

A_LAW_STEPS = [
    # ITU-T G.711 (11/88), table 1a: number of a positive decoder output value, and the value.
    (1, 1),
    (16, 31),
    (17, 33),
    (32, 63),
    (33, 66),
    (48, 126),
    (49, 132),
    (64, 252),
    (65, 264),
    (80, 504),
    (81, 528),
    (96, 1008),
    (97, 1056),
    (112, 2016),
    (113, 2112),
    (128, 4032),
]


@pytest.mark.parametrize(("number", "value"), A_LAW_STEPS)
def test_a_law_is_decoded_by_its_table(number, value):
    """The byte of a value: its number less one, the sign bit, every other bit inverted. Of 16 bits, so times 8."""
    positive, negative = (number - 1 | 0x80) ^ 0x55, (number - 1) ^ 0x55
    assert struct.unpack("<hh", decode_a_law(bytes([positive, negative]))) == (8 * value, -8 * value)


def test_a_law_values_rise_without_a_gap_that_another_could_fill():
    values = [struct.unpack("<h", decode_a_law(bytes([(n | 0x80) ^ 0x55])))[0] for n in range(128)]
    assert values == sorted(set(values))
    steps = {later - earlier for earlier, later in pairwise(values)}
    assert steps <= {16, 24, 32, 48, 64, 96, 128, 192, 256, 384, 512, 768, 1024}


@given(st.binary(min_size=1, max_size=200).map(lambda half: half * 2))
def test_pcm_comes_through_as_it_was_and_reads_again(samples):
    sound = read_wav(wav(samples))
    assert sound.samples == samples
    assert read_wav(sound.wav) == sound


@pytest.mark.parametrize(
    ("samples", "rule"),
    [
        (TONE, None),
        (TONE[:-2], "is shorter than 1 s"),
        (bytes(len(TONE)), "has less than 0.5 s of sound"),
        (bytes(2), "is shorter than 1 s"),
        (TONE[: len(TONE) // 2 + 640] + bytes(8000), None),
        (TONE[: len(TONE) // 2 - 640] + bytes(80000), "has less than 0.5 s of sound"),
        (struct.pack("<h", 20000) * 8000, "has less than 0.5 s of sound"),  # constant: no sound
        (struct.pack("<hh", 32767, -32768) + bytes(16000), "has less than 0.5 s of sound"),  # a click
        (struct.pack("<hh", 40, -40) * 4000, "has less than 0.5 s of sound"),  # noise of a line
    ],
    ids=["tone", "short", "silence", "one sample", "half a tone", "less", "constant", "click", "noise"],
)
@pytest.mark.parametrize("a_law", [False, True])
def test_a_recording_notice_can_be_heard(samples, rule, a_law):
    content = wav(audioop.lin2alaw(samples, 2), kind=6, bits=8) if a_law else wav(samples)
    if rule is None:
        assert read_notice(content) == read_wav(content)
    else:
        with pytest.raises(InvalidField, match=rule):
            read_notice(content)


def test_what_is_written_is_a_wav_file_to_others_too():
    with wave.open(io.BytesIO(read_wav(wav(bytes(800), kind=6, bits=8)).wav)) as read:
        assert (read.getframerate(), read.getnchannels(), read.getsampwidth(), read.getnframes()) == (8000, 1, 2, 800)


def test_the_length_is_that_of_the_audio_not_of_the_file():
    extra = chunk(b"LIST", b"odd")
    assert read_wav(wav(bytes(8000), more=extra)).seconds == 0.5
    assert read_wav(wav(bytes(8000), kind=6, bits=8, more=extra)).seconds == 1.0


_LISTED = chunk(b"LIST", b"INFOISFT\x0e\0\0\0Lavf60.16.100\0")


@pytest.mark.parametrize("riff_says", ["the same", "its length"])
@pytest.mark.parametrize("more", [b"", _LISTED], ids=["", "metadata before"])
@pytest.mark.parametrize("says", [0, 0x7F000000, 0x7FFFF000, 0x7FFFFFFF, 0xFFFFFFFF], ids=hex)
def test_samples_of_a_length_that_their_writer_did_not_know_are_the_rest_of_the_file(says, more, riff_says):
    streamed = bytearray(wav(TONE, more=more))
    struct.pack_into("<I", streamed, len(streamed) - len(TONE) - 4, says)
    if riff_says == "the same":
        struct.pack_into("<I", streamed, 4, says)
    assert read_wav(bytes(streamed)).samples == TONE


@pytest.mark.parametrize(
    "tail",
    [b"LIST\x90\x01\0\0INFO", chunk(b"LIST", b"INFO"), b"ID3\x03", bytes(100), b"data\0\0\0\0"],
    ids=["truncated list", "list", "junk", "zeros", "second data"],
)
@pytest.mark.parametrize("odd", [0, 1], ids=["", "odd number of samples without padding"])
def test_what_follows_complete_samples_is_not_judged(tail, odd):
    samples = bytes([0x55]) * (8000 - odd)
    unpadded = wav(samples, kind=6, bits=8)[: 44 + len(samples)]
    assert len(read_wav(unpadded + tail).samples) == 2 * len(samples)


def test_the_long_form_of_a_kind():
    long = struct.pack("<HHIIHH", 0xFFFE, 1, 8000, 16000, 2, 16) + struct.pack("<HHI", 22, 16, 4)
    long += struct.pack("<H", 1) + bytes.fromhex("000000001000800000aa00389b71")
    body = chunk(b"fmt ", long) + chunk(b"data", bytes(160))
    assert read_wav(b"RIFF" + struct.pack("<I", 4 + len(body)) + b"WAVE" + body).seconds == 0.01


@pytest.mark.parametrize(
    ("content", "rule"),
    [
        (b"", "is not a WAV file"),
        (b"ID3 and then an mp3", "is not a WAV file"),
        (b"RIFF\x04\x00\x00\x00WAVE", "has no format chunk"),
        (wav()[:-1], "is truncated"),
        (wav()[:8044], "is truncated"),
        (wav(b""), "has no samples"),
        (wav(bytes(3)), "an incomplete one at the end"),
        (wav(rate=16000), "must be 8 kHz mono; it has 16000 Hz and 1 channels"),
        (wav(channels=2), "must be 8 kHz mono; it has 8000 Hz and 2 channels"),
        (wav(bits=8), "must be 16-bit PCM or A-law"),
        (wav(kind=7, bits=8), "must be 16-bit PCM or A-law"),  # µ-law
        (wav(kind=0x31, bits=0), "must be 16-bit PCM or A-law"),  # GSM
        (wav(bytes(LARGEST)), "is larger than"),
    ],
)
def test_what_is_refused(content, rule):
    with pytest.raises(InvalidField, match=rule) as refused:
        read_wav(content, field="greeting.wav")
    assert refused.value.field == "greeting.wav"


@given(st.binary(max_size=200))
def test_whatever_is_no_prompt_is_refused_by_name(content):
    for file in (content, b"RIFF\x00\x00\x00\x00WAVE" + content, wav()[:36] + content):
        try:
            assert read_wav(file).samples
        except InvalidField as error:
            assert error.field == "file"
