"""Adapters of what is in the recordings bucket: recordings, and archived CDRs."""

from datetime import timedelta

from duologue.adapters.accounting.s3_cdr_archive import S3CdrArchive
from duologue.adapters.basics.aws import NORMAL
from duologue.adapters.basics.aws_clients import SIGNING, client, lazy_client
from duologue.adapters.media.dynamo_links import DynamoLinks
from duologue.adapters.media.s3_recordings import S3Recordings
from duologue.runtime.settings import setting
from duologue.runtime.wiring.seals import seal
from duologue.usecases.media.find_audio import Retention


def s3_recordings() -> S3Recordings:
    return S3Recordings(lazy_client("s3", SIGNING), setting("RECORDINGS_BUCKET"))


def cdr_archive() -> S3CdrArchive:
    return S3CdrArchive(lazy_client("s3", NORMAL), setting("RECORDINGS_BUCKET"), seal())


def dynamo_links() -> DynamoLinks:
    return DynamoLinks(client("dynamodb", NORMAL), setting("ACCOUNTS_TABLE"))


def retention() -> Retention:
    return Retention(_days("KEEP_RECORDINGS_DAYS"), _days("RECORDING_LINK_DAYS"))


def _days(name: str) -> timedelta:
    return timedelta(days=int(setting(name)))
