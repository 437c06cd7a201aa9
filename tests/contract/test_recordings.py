"""Sounds and links keep their promises with moto's S3 and DynamoDB, and with the local cloud's."""

import re
import urllib.error
import urllib.request
from datetime import timedelta
from urllib.parse import urlsplit

import boto3
import pytest

from duologue.adapters.basics.aws_clients import SIGNING
from duologue.adapters.media.dynamo_links import DynamoLinks
from duologue.adapters.media.kms_link_tokens import KmsLinkTokens
from duologue.adapters.media.s3_recordings import S3Recordings
from duologue.domain.errors import UnknownLink
from duologue.domain.media.byte_range import ByteRange
from duologue.domain.media.recording_link import Link
from lab.aws.ministack import ACCOUNT
from tests.fakes.recordings import FakeLinks, FakeLinkTokens, FakeRecordings
from tests.journeys.tables import make_tables
from tests.samples import NOW

SOUND, KEY = b"RIFF and so on", "published/app-1/1_2_3_20261123090000.wav"
NETWORKS = "calls/app-1/1_2_3_20261123090000/1.wav"


@pytest.fixture
def s3(aws):
    client = aws("s3")
    client.create_bucket(Bucket="recordings")
    for key in (KEY, NETWORKS):
        client.put_object(Bucket="recordings", Key=key, Body=SOUND)
    return client


@pytest.fixture(params=["memory", "s3"])
def recordings(request, s3):
    if request.param == "s3":
        return S3Recordings(s3, "recordings")
    fake = FakeRecordings()
    fake.sounds |= {KEY: SOUND, NETWORKS: SOUND}
    return fake


_EACH_FORM = pytest.mark.parametrize("key", [KEY, NETWORKS], ids=["published", "the network's"])


@_EACH_FORM
def test_a_recording_is_there_and_read_in_part_or_whole(recordings, key):
    assert recordings.size(key) == len(SOUND)
    for first, last in ((0, len(SOUND) - 1), (5, 7), (3, 3)):
        assert recordings.read(key, ByteRange(first, last)) == SOUND[first : last + 1]


@_EACH_FORM
def test_a_recording_that_was_removed_is_not_there(recordings, key):
    for _ in range(2):
        recordings.remove(key)
        assert recordings.size(key) is None
        with pytest.raises(UnknownLink):
            recordings.read(key, ByteRange(0, 1))


def test_a_url_names_the_recording_its_kind_and_its_time(s3):
    url = S3Recordings(s3, "recordings").url(KEY, timedelta(minutes=15))
    assert KEY in url
    assert "response-content-type=audio%2Fwav" in url


@pytest.mark.parametrize("region", ["us-west-2", "eu-central-1", "af-south-1"])
def test_a_url_names_the_region_of_its_bucket(region):
    keys = {"aws_access_key_id": ACCOUNT, "aws_secret_access_key": "test"}
    client = boto3.client("s3", config=SIGNING, region_name=region, **keys)
    url = urlsplit(S3Recordings(client, "recordings").url(KEY, timedelta(minutes=15)))
    assert (url.hostname, url.path) == (f"recordings.s3.{region}.amazonaws.com", f"/{KEY}")


def test_anybody_may_fetch_a_recording_by_its_url(s3, request):
    if "moto" in request.node.callspec.id:
        pytest.skip("moto answers calls of boto3 alone: there is no server to fetch from")
    root = {"aws_access_key_id": ACCOUNT, "aws_secret_access_key": "test", "region_name": "us-east-1"}
    signing = boto3.client("s3", endpoint_url=s3.meta.endpoint_url, config=SIGNING, **root)
    url = S3Recordings(signing, "recordings").url(KEY, timedelta(minutes=15))
    with urllib.request.urlopen(url, timeout=10) as answer:
        assert answer.read() == SOUND
        assert answer.headers["Content-Type"] == "audio/wav"
    checked = S3Recordings(signing, "recordings").url(KEY, timedelta(minutes=15), is_head=True)
    with urllib.request.urlopen(urllib.request.Request(checked, method="HEAD"), timeout=10) as answer:
        assert int(answer.headers["Content-Length"]) == len(SOUND)
    with pytest.raises(urllib.error.HTTPError) as refused:
        urllib.request.urlopen(url.partition("?")[0], timeout=10)
    assert refused.value.code == 403


@pytest.fixture
def dynamo_links(aws):
    client, _, accounts = make_tables(aws("dynamodb"))
    return DynamoLinks(client, accounts)


def test_a_link_comes_back_from_memory():
    _keep_and_find(FakeLinks())


def test_a_link_comes_back_from_dynamodb(dynamo_links):
    _keep_and_find(dynamo_links)


def _keep_and_find(links):
    link = Link("app-1", KEY, NOW + timedelta(days=7))
    links.keep("a hash", link)
    links.keep("a hash", link)
    assert links.find("a hash") == link
    with pytest.raises(UnknownLink):
        links.find("another hash")


@pytest.fixture
def kms_tokens(aws):
    def made():
        key = aws("kms").create_key(KeySpec="HMAC_256", KeyUsage="GENERATE_VERIFY_MAC")["KeyMetadata"]["KeyId"]
        return KmsLinkTokens(aws("kms"), key)

    return made


def test_a_token_of_a_call_proves_that_call_alone_from_memory():
    _prove(FakeLinkTokens())


def test_a_token_of_a_call_proves_that_call_alone_by_kms(kms_tokens):
    tokens = kms_tokens()
    _prove(tokens)
    assert not kms_tokens().proves(tokens.token_of("app-1", "1_2_3"), "app-1", "1_2_3"), "another key"


def _prove(tokens):
    token = tokens.token_of("app-1", "1_2_3")
    assert token == tokens.token_of("app-1", "1_2_3")
    assert re.fullmatch(r"[0-9A-Za-z_-]{43}", token)
    assert tokens.proves(token, "app-1", "1_2_3")
    for app, call_id in (("app-2", "1_2_3"), ("app-1", "1_2_4"), ("app-1 1_2", "3")):
        assert not tokens.proves(token, app, call_id)
    for guess in ("", "0" * 43, token[:-1], token + "A", "\u00fc" * 43, "x" * 9000):
        assert not tokens.proves(guess, "app-1", "1_2_3")
