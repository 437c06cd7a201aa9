"""What the samples take for granted, made true in a lab: the SP, its app, the tokens they carry, the call they name."""

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

from duologue.adapters.access.dynamo_account_book import DynamoAccountBook
from duologue.adapters.access.kms_secrets import KmsSecrets
from duologue.adapters.accounting.dynamo_open_calls import DynamoOpenCalls
from duologue.adapters.basics.aws import to_item
from duologue.adapters.basics.kms_data_keys import KmsDataKeys, Seal
from duologue.adapters.calls.dynamo_acceptance import DynamoAcceptance
from duologue.adapters.calls.dynamo_calls import DynamoCalls
from duologue.adapters.media.dynamo_links import DynamoLinks
from duologue.adapters.memory.kms_memory_seal import KmsMemorySeal
from duologue.adapters.rows.memory_rows import memory_key, remembered
from duologue.adapters.rows.sealed_rows import SealedRows
from duologue.domain.access.accounts import App, Sp
from duologue.domain.access.passwords import hash_password
from duologue.domain.access.tokens import Grant, Register, hash_token
from duologue.domain.media.recording import Recording, published_key
from duologue.domain.media.recording_link import Link
from duologue.domain.memory.call_memory import CallMemory, MemoryTerms, RememberedParty, SetBy, order_of
from duologue.domain.numbers.phone_number import PhoneNumber
from duologue.usecases.accounting.free_slots import free_slots
from tests.e2e.build.output import Deployed, api_fields, sampled_app_key
from tests.functions.worlds import CALL_ID, FOUND_BY
from tools.template import ROOT

_LIFE = timedelta(hours=1)
CALLED, SHOWN = ("+12025550111", "+12025550122"), "+12025550101"
PROMPTS = dict.fromkeys(("last-minute.wav", "welcome.wav", "music.wav", "recorded.wav"), 3.0)
"""Every prompt that a sample names; its length in seconds."""


def make_true(lab: Deployed, samples: list[Path]) -> None:
    """Give `lab` the accounts and tokens that `samples` name. Each token gets a grant of its own, so that a sample
    that ends or spends one leaves the others as they are.
    """
    said = [fields for sample in samples for fields in api_fields(sample)]
    of = {name: value for fields in said for name, value in fields.items() if value}
    accounts = DynamoAccountBook(
        lab.client("dynamodb"), lab.outputs["AccountsTable"], KmsSecrets(lab.client("kms"), lab.outputs["SecretsKey"])
    )
    numbers = tuple(lab.outputs["DisplayNumbers"].split(","))
    accounts.add_sp(Sp("sp-1", of["username"], hash_password(of["password"], b"sixteen bytes of")))
    app = App(of["app_key"], "sp-1", of["app_secret"], display_numbers=numbers, test_numbers=CALLED, prompts=PROMPTS)
    app = replace(app, recording_notices=("recorded.wav",))
    accounts.add_app(app)
    ends = datetime.now(UTC) + _LIFE
    tokens = sorted({fields[kind] for fields in said for kind in ("access_token", "refresh_token") if kind in fields})
    grants = tuple(Grant(hash_token(token), hash_token(token), ends, ends) for token in tokens)
    accounts.save(of["app_key"], Register(grants))


def renew_call(lab: Deployed, sample: Path, app_key: str = sampled_app_key()) -> None:
    """Let the call that the samples name be as this one takes it to be, whatever earlier samples did to it.

    It was just accepted, if a verb of the flow takes it for no other. Its caller's display number is not the lab's, so
    that the network refuses the dial: nothing rings on after the sample.
    """
    call_id = CALL_ID
    dynamodb, table, accounts = lab.client("dynamodb"), lab.outputs["CallsTable"], lab.outputs["AccountsTable"]
    items = dynamodb.query(
        TableName=table,
        KeyConditionExpression="#call = :call",
        ExpressionAttributeNames={"#call": "call"},
        ExpressionAttributeValues={":call": {"S": call_id}},
        ConsistentRead=True,
    )["Items"]
    for item in items:
        dynamodb.delete_item(TableName=table, Key={key: item[key] for key in ("call", "item")})
    key, token = published_key(app_key, call_id), _link_token()
    lab.client("s3").put_object(Bucket=lab.outputs["RecordingsBucket"], Key=key, Body=b"RIFF", ContentType="audio/wav")
    link = Link(app_key, key, datetime.now(UTC) + _LIFE)
    DynamoLinks(dynamodb, accounts).keep(hash_token(token), link)
    found = FOUND_BY[json.loads(sample.read_text(encoding="utf-8")).get("do", "settle")]
    caller = replace(found.caller, display_number=PhoneNumber("+12025550109"))
    recording = Recording(key, datetime.now(UTC))
    call = replace(found, app=app_key, caller=caller, recording=recording)
    free_slots(calls=DynamoOpenCalls(dynamodb, table, accounts))
    calls = DynamoCalls(dynamodb, table, accounts, timedelta(days=90), SealedRows(_seal(lab)))
    acceptance = DynamoAcceptance(dynamodb, accounts, calls)
    acceptance.accept(call, slots=10, close_by=datetime.now(UTC) + timedelta(days=1))  # no sweep closes it before


def _seal(lab: Deployed) -> Seal:
    return Seal(KmsDataKeys(lab.client("kms"), lab.outputs["MemoriesKey"]))


def renew_memory(lab: Deployed, app_key: str = sampled_app_key(), sp: str = "sp-1") -> None:
    """Let the pair that the samples name have a memory of the first version, whatever earlier samples did to it."""
    dynamodb, table = lab.client("dynamodb"), lab.outputs["AccountsTable"]
    seal = KmsMemorySeal(_seal(lab), lab.client("kms"))
    target, dialler = (RememberedParty(PhoneNumber(number), "US") for number in CALLED)
    terms = MemoryTerms(ring_limit=timedelta(seconds=30), longest_talk=_LIFE)
    draft, now = seal.draft(PhoneNumber(SHOWN), dialler, target, terms), datetime.now(UTC)
    memory = CallMemory(
        key=draft.key,
        sp=sp,
        app=app_key,
        session=CALL_ID,
        order=order_of(now, CALL_ID),
        version=1,
        set_by=SetBy.CALL,
        remembered_at=now,
        expires_at=now + draft.period,
        target=draft.target,
        sealed=draft.sealed,
    )
    dynamodb.delete_item(TableName=table, Key=to_item(memory_key(memory.key)))
    dynamodb.update_item(**remembered(table, memory)["Update"])


def _link_token() -> str:
    event = json.loads((ROOT / "events/recordings_api/recording_link_followed.json").read_text(encoding="utf-8"))
    return str(event["pathParameters"]["token"])
