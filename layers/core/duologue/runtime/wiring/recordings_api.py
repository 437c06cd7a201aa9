"""Dependencies of recordings_api. Nothing here can start a call, decrypt an app's secret or read a number."""

from dataclasses import dataclass
from functools import cache

from duologue.adapters.basics.aws import NORMAL
from duologue.adapters.basics.aws_clients import client
from duologue.adapters.basics.system_clock import SystemClock
from duologue.adapters.media.dynamo_owners import DynamoOwners
from duologue.adapters.rows.sealed_rows import UnopenedRows
from duologue.runtime.settings import setting
from duologue.runtime.wiring.accounts import link_tokens
from duologue.runtime.wiring.audit import audit
from duologue.runtime.wiring.calls import dynamo_calls
from duologue.runtime.wiring.recordings import dynamo_links, retention, s3_recordings
from duologue.usecases.media.find_audio import FindAudio
from duologue.usecases.media.follow_link import FollowCdrLink, FollowLink


@dataclass(frozen=True, slots=True)
class Dependencies:
    follow: FollowLink
    follow_cdr: FollowCdrLink
    host: str


@cache
def dependencies() -> Dependencies:
    owners = DynamoOwners(client("dynamodb", NORMAL), setting("ACCOUNTS_TABLE"))
    recordings, clock = s3_recordings(), SystemClock()
    log = audit()
    find_audio = FindAudio(recordings, retention())
    return Dependencies(
        FollowLink(dynamo_links(), owners, recordings, clock, log),
        FollowCdrLink(dynamo_calls(UnopenedRows()), link_tokens(), owners, find_audio, recordings, clock, log),
        setting("HOST_NAME"),
    )
