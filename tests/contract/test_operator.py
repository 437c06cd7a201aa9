"""The operator's commands, against a stack: what they add is what SPs log in with."""

import io
import itertools
import json
import os
import re
import sys
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from functools import cache
from typing import Any

import pytest
from botocore.exceptions import ClientError

from duologue.adapters.access.dynamo_account_book import DynamoAccountBook
from duologue.adapters.access.dynamo_auth_attempts import DynamoAuthAttempts
from duologue.adapters.access.kms_secrets import KmsSecrets
from duologue.adapters.accounting.dynamo_listing import DynamoListing
from duologue.adapters.accounting.s3_cdr_archive import S3CdrArchive
from duologue.adapters.basics.dynamo_writes import transact
from duologue.adapters.basics.kms_data_keys import KmsDataKeys, Seal
from duologue.adapters.basics.system_clock import SystemClock
from duologue.adapters.calls.dynamo_acceptance import DynamoAcceptance
from duologue.adapters.calls.dynamo_calls import DynamoCalls
from duologue.adapters.memory.dynamo_memories import DynamoMemories
from duologue.adapters.memory.kms_memory_seal import KmsMemorySeal
from duologue.adapters.notifying.dynamo_notification_log import DynamoNotificationLog
from duologue.adapters.operating.stack_outputs import stack_of
from duologue.adapters.rows.call_rows import own_event_key
from duologue.adapters.rows.memory_rows import remembered
from duologue.adapters.rows.sealed_rows import SealedRows
from duologue.call_control.facts import CallEnded, CdrWritten, LegDialledRecorded
from duologue.call_control.history import Attempt, Delivery, DeliveryState
from duologue.call_control.prompts import Prompt
from duologue.domain.access import attempts as auth
from duologue.domain.access.accounts import PushSignature, Scheme, UnknownCallers
from duologue.domain.access.attempts import Failures, Proof
from duologue.domain.access.passwords import password_matches
from duologue.domain.access.tokens import Register, TokenPair
from duologue.domain.accounting.cdr import cdr_of
from duologue.domain.calls.call import Call, NotifyTo, Origin
from duologue.domain.calls.outcome import EndReason, Party, outcome_of
from duologue.domain.errors import InvalidToken, RaceLost
from duologue.domain.media.wav import read_wav
from duologue.domain.memory.call_memory import CallMemory, MemoryTerms, RememberedParty, SetBy, order_of
from duologue.domain.notifying.endpoint_health import Circuit, EndpointHealth
from duologue.domain.numbers.phone_number import PhoneNumber
from duologue.operator import __main__ as command
from duologue.operator.__main__ import main
from duologue.operator.platform import Platform as OperatorPlatform
from duologue.usecases.ports.call_changes import Change
from duologue.usecases.ports.notifying import Notice
from duologue.wire.huawei.cdrs import HuaweiCdrs
from tests.journeys.tables import SHAPES
from tests.samples import CALLEE, CALLER, NOW, SHOWN_TO_CALLER, callback
from tests.wavs import wav

# moto reads a stack only with packages that nothing else here needs.
pytestmark = pytest.mark.parametrize("aws", ["lab"], indirect=True)

TEMPLATE: dict[str, Any] = {
    "Parameters": {
        name: {"Type": "String", "Default": ""}
        for name in ("AllowLoopback", "AllowPlainHttp", "PrefixesInUse", "HostName", "KeepRecordingsDays")
    },
    "Resources": {
        "Accounts": {
            "Type": "AWS::DynamoDB::Table",
            "Properties": {
                "BillingMode": "PAY_PER_REQUEST",
                "AttributeDefinitions": [
                    {"AttributeName": "pk", "AttributeType": "S"},
                    {"AttributeName": "sk", "AttributeType": "S"},
                ],
                "KeySchema": [
                    {"AttributeName": "pk", "KeyType": "HASH"},
                    {"AttributeName": "sk", "KeyType": "RANGE"},
                ],
            },
        },
        "Calls": {"Type": "AWS::DynamoDB::Table", "Properties": SHAPES["CallsTable"]},
        "Lists": {"Type": "AWS::DynamoDB::Table", "Properties": SHAPES["ListsTable"]},
        "Prompts": {"Type": "AWS::S3::Bucket"},
        "Key": {"Type": "AWS::KMS::Key", "Properties": {"KeyPolicy": {"Version": "2012-10-17", "Statement": []}}},
        "Hashes": {
            "Type": "AWS::KMS::Key",
            "Properties": {
                "KeySpec": "HMAC_256",
                "KeyUsage": "GENERATE_VERIFY_MAC",
                "KeyPolicy": {"Version": "2012-10-17", "Statement": []},
            },
        },
    },
    "Outputs": {
        "AccountsTable": {"Value": {"Ref": "Accounts"}},
        "SecretsKey": {"Value": {"Ref": "Key"}},
        "MemoriesKey": {"Value": {"Ref": "Hashes"}},
        "CallsTable": {"Value": {"Ref": "Calls"}},
        "ListsTable": {"Value": {"Ref": "Lists"}},
        "CallbackFlow": {"Value": "arn:aws:states:us-east-1:111122223333:stateMachine:duologue-callback"},
        "PromptsBucket": {"Value": {"Ref": "Prompts"}},
        "RecordingsBucket": {"Value": {"Ref": "Prompts"}},
        "DisplayNumbers": {"Value": "+12025550100,+12025550101"},
    },
}


PASSWORD = "a long enough password"
_PARSER = cache(command.parser)
"""Made once: of a command it is the slowest part."""


class Platform:
    def __init__(self, aws, capsys) -> None:
        self.aws, self.capsys = aws, capsys
        self.waits: list[float] = []
        outputs = stack_of(aws("cloudformation"), "duologue").outputs
        self.table, self.bucket = outputs["AccountsTable"], outputs["PromptsBucket"]
        self.accounts = DynamoAccountBook(aws("dynamodb"), self.table, KmsSecrets(aws("kms")))

    def object(self, key: str) -> bytes:
        return self.aws("s3").get_object(Bucket=self.bucket, Key=key)["Body"].read()

    def do(self, *words: str) -> tuple[int, dict, str]:
        """Exit status, what was printed, what was complained of."""
        status = main(words, self.aws, self.waits.append)
        printed = self.capsys.readouterr()
        return status, json.loads(printed.out or "{}"), printed.err


def create_stack(aws, name, template, **more):
    """Until then it has no outputs."""
    cloudformation = aws("cloudformation")
    cloudformation.create_stack(StackName=name, TemplateBody=json.dumps(template), **more)
    cloudformation.get_waiter("stack_create_complete").wait(StackName=name, WaiterConfig={"Delay": 0.05})


@pytest.fixture(scope="module")
def stack(aws):
    """As on the laptop; `as-on-aws` allows neither loopback addresses nor http."""
    values = {
        "AllowLoopback": "true",
        "AllowPlainHttp": "true",
        "PrefixesInUse": "+1370:US",
        "HostName": "ce1.example.com",
        "KeepRecordingsDays": "14",
    }
    given = [{"ParameterKey": name, "ParameterValue": value} for name, value in values.items()]
    create_stack(aws, "duologue", TEMPLATE, Parameters=given)
    create_stack(aws, "as-on-aws", TEMPLATE)


@pytest.fixture
def platform(aws, stack, capsys, cheap_passwords, monkeypatch):
    monkeypatch.setattr(command, "parser", _PARSER)
    return Platform(aws, capsys)


def test_a_reader_that_has_read_enough_ends_the_command_without_a_trace(platform, monkeypatch):
    """As `head` does."""
    reads, writes = os.pipe()
    os.close(reads)
    with os.fdopen(writes, "w") as pipe:
        monkeypatch.setattr(sys, "stdout", pipe)
        assert main(("sp", "add", "quiet", "--username", "quiet"), platform.aws) == 0


def test_an_sp_and_its_app(platform, monkeypatch):
    monkeypatch.setattr("sys.stdin", io.StringIO(PASSWORD + "\n"))
    assert platform.do("sp", "add", "acme", "--username", "jack", "--password-stdin") == (
        0,
        {"sp": "acme", "username": "jack"},
        "",
    )
    assert password_matches(PASSWORD, platform.accounts.sp("acme").password_hash)

    urls = ("--status-url", "http://127.0.0.1:9999/status", "--fee-url", "http://127.0.0.1:9999/fee")
    numbers = ("--display-number", "+12025550100", "--display-number", "+12025550101")
    status, added, _ = platform.do("app", "add", "acme", *numbers, *urls, "--concurrent-calls", "5")
    assert status == 0
    app = platform.accounts.app(added["app_key"])
    assert app.secret == added["app_secret"]
    limited = {"sp": "acme", "username": "jack", "calls_per_second": 20, "active": True}
    assert platform.do("sp", "set", "acme", "--calls-per-second", "20") == (0, limited, "")
    assert platform.do("sp", "show", "acme") == (0, limited | {"apps": [added["app_key"]]}, "")
    assert limited in platform.do("sp", "list")[1]["sps"]
    shown_numbers = ["+12025550100", "+12025550101"]
    listed = {"app_key": added["app_key"], "sp": "acme", "active": True, "display_numbers": shown_numbers}
    for of in ((), ("--sp", "acme")):
        assert listed in platform.do("app", "list", *of)[1]["apps"]
    assert platform.do("app", "list", "--sp", "nobody")[0] == 1

    status, shown, _ = platform.do("app", "show", app.key)
    assert status == 0
    assert (
        shown.items()
        >= {
            "app_key": app.key,
            "sp": "acme",
            "username": "jack",
            "sp_active": True,
            "calls_in_progress": 0,
            "display_numbers": ["+12025550100", "+12025550101"],
            "bind_numbers": [],
            "test_numbers": [],
            "countries": ["US"],
            "denied_prefixes": [],
            "status_url": "http://127.0.0.1:9999/status",
            "fee_url": "http://127.0.0.1:9999/fee",
            "push_signature": "lines",
            "reuse_nonces": False,
            "schemes": ["token", "aksk", "wsse"],
            "allowed_addresses": [],
            "concurrent_calls": 5,
            "concurrent_return_calls": 0,
            "calls_per_second": 10,
            "requests_per_second": 10,
            "calls_per_number_per_minute": 0,
            "calls_per_callee_per_day": 0,
            "prompts": {},
            "recording": False,
            "call_memory": True,
            "call_memory_hours": 720,
            "unknown_callers": "refuse",
            "call_back_tone": None,
            "callback_number": None,
            "rejects_failed_return_calls": False,
            "active": True,
            "live_secrets": 1,
        }.items()
    )
    assert app.secret not in json.dumps(shown)


def test_a_password_that_was_made_up_is_printed_once(platform):
    status, printed, _ = platform.do("sp", "add", "other", "--username", "jill")
    assert status == 0
    assert password_matches(printed["password"], platform.accounts.sp("other").password_hash)
    status, printed, complaint = platform.do("sp", "add", "other", "--username", "jill")
    assert (status, printed) == (1, {})
    assert complaint == "duologue: the SP other or the user name jill exists; choose another one\n"


NO_APP = "no app nothing; its key is the app_key that duologue app add printed"
NO_SP = "no SP nobody; add it: duologue sp add"
FORBIDDEN = "status URL resolves to an address that the platform does not post to"


@pytest.mark.parametrize(
    ("words", "complaint"),
    [
        ("app add nobody --display-number +12025550100", NO_SP),
        ("app add nobody --display-number 12025550100", "display number must be E.164: a plus sign, then"),
        (
            "app add nobody --display-number +12025550155",
            "display number +12025550155 is not one of the stack's numbers"
            " (output DisplayNumbers of stack duologue: +12025550100, +12025550101)",
        ),
        (
            "--line-numbers +12025550155 app add nobody --display-number +12025550100",
            "display number +12025550100 is not one of the stack's numbers (--line-numbers: +12025550155)",
        ),
        ("app add nobody --display-number +12025550100 --status-url http://127.0.0.1/", NO_SP),
        ("app add nobody --display-number +12025550100 --status-url https://10.0.0.1/", f"{FORBIDDEN}\n"),
        (
            "--stack as-on-aws app add nobody --display-number +12025550100 --status-url https://127.0.0.1/",
            f"{FORBIDDEN}, unless the stack's parameter AllowLoopback is true",
        ),
        (
            "--stack as-on-aws app add nobody --display-number +12025550100 --status-url http://127.0.0.1/",
            "status URL must be an https URL, unless the stack's parameter AllowPlainHttp is true",
        ),
        ("app add nobody --display-number +12025550100 --country USA", "country USA is not"),
        ("app add nobody --display-number +12025550100 --calls-per-second 0", "calls per second must be 1 to 10000"),
        ("app set nothing --concurrent-calls 5", NO_APP),
        (
            "app add nobody --display-number +12025550100 --spend-per-day 1 --longest-call-minutes 240",
            "spend per day must be at least the 9.60 USD that the longest call reserves at the cheapest rate",
        ),
        ("app suspend nothing", NO_APP),
        ("app rotate-secret nothing", NO_APP),
        ("app end-tokens nothing", NO_APP),
        ("app show nothing", NO_APP),
        ("app remove nothing", NO_APP),
        ("prompt list nothing", NO_APP),
        ("prompt put nothing audio/waiting.wav", NO_APP),
        ("sp suspend nobody", NO_SP),
        ("sp remove nobody", NO_SP),
        ("sp set-password nobody", NO_SP),
        ("sp set nobody --calls-per-second 3", NO_SP),
        ("sp set nobody --calls-per-second 10001", "calls per second must be 0 to 10000"),
        ("sp show nobody", NO_SP),
        ("prompt put nothing audio/no-such.wav", "audio/no-such.wav cannot be read: No such file or directory"),
        ("prompt put-own docs", "docs/before-callee.wav cannot be read: No such file or directory"),
        (
            "--stack elsewhere app show nothing",
            "no stack elsewhere in this region: name it by --stack, or set AWS_DEFAULT_REGION",
        ),
        (
            "--accounts-table elsewhere app show nothing",
            "; check --stack, or what was named in place of its outputs",
        ),
    ],
)
def test_what_is_refused_is_said_with_what_to_do_and_ends_with_1(platform, words, complaint):
    status, printed, said = platform.do(*words.split())
    assert (status, printed) == (1, {})
    assert said.startswith("duologue: ") and said.count("\n") == 1
    assert complaint in said


def test_a_password_is_no_argument(platform):
    with pytest.raises(SystemExit, match="2"):
        platform.do("sp", "add", "acme", "--username", "jack", "--password", PASSWORD)


def test_app_set_needs_a_setting(platform, app_key):
    with pytest.raises(SystemExit, match="2"):
        platform.do("app", "set", app_key)
    assert "no setting given: at least one is required" in platform.capsys.readouterr().err


@pytest.mark.parametrize("name", ["acme@example.com", "+8612345678901"])
def test_the_id_of_an_sp_is_its_user_name_unless_that_is_given(platform, name):
    """The original's CDRs have the user name in spId."""
    assert platform.do("sp", "add", name)[1].items() >= {"sp": name, "username": name}.items()


def test_the_table_and_key_may_be_named_themselves(platform, aws):
    outputs = stack_of(aws("cloudformation"), "duologue").outputs
    place = ("--accounts-table", outputs["AccountsTable"], "--key-id", outputs["SecretsKey"], "--stack", "elsewhere")
    assert platform.do(*place, "sp", "add", "third", "--username", "joe")[0] == 0


@pytest.fixture
def app_key(platform):
    """Of the SP that the display numbers belong to."""
    platform.do("sp", "add", "acme", "--username", "jack")  # unless an earlier test has added it
    return platform.do("app", "add", "acme", "--display-number", "+12025550100")[1]["app_key"]


def test_display_numbers_of_older_apps_are_claimed_unless_several_sps_show_them(platform, aws, app_key):
    claim = ("number", "claim")
    status, claimed, _ = platform.do(*claim)
    assert status == 0
    platform.do("sp", "add", "newcomer")
    status, _, said = platform.do("app", "add", "newcomer", "--display-number", "+12025550100")
    assert (status, said) == (1, "duologue: display number +12025550100 belongs to the SP acme\n")

    row = {"pk": {"S": "APP#older"}, "sk": {"S": "APP"}, "key": {"S": "older"}, "sp": {"S": "newcomer"}}
    older = row | {"display_numbers": {"S": "+12025550100 +12025550109"}}
    listed = {"pk": {"S": "DIRECTORY"}, "sk": {"S": "APP#older"}}
    for item in (older, listed):
        aws("dynamodb").put_item(TableName=platform.table, Item=item)
    status, _, said = platform.do(*claim)
    assert status == 1
    assert "+12025550100 by " in said and "older of newcomer" in said and "+12025550109" not in said
    aws("dynamodb").delete_item(TableName=platform.table, Key={name: older[name] for name in ("pk", "sk")})
    assert platform.do(*claim) == (0, claimed, "")


def test_the_app_that_answers_unknown_callers_is_named_by_the_operator(platform, aws, app_key):
    answer = ("number", "answer", "+12025550100", "--app")
    assert platform.do(*answer, app_key) == (0, {"display_number": "+12025550100", "app_key": app_key}, "")
    key = {"pk": {"S": "NUMBER#+12025550100"}, "sk": {"S": "NUMBER"}}
    assert aws("dynamodb").get_item(TableName=platform.table, Key=key)["Item"]["answers"] == {"S": app_key}
    status, _, said = platform.do("number", "answer", "+12025550108", "--app", app_key)
    assert (status, said) == (1, f"duologue: display number +12025550108 is not shown by the app {app_key}\n")
    assert platform.do(*answer, "nobody")[2].startswith("duologue: no app nobody; its key is")
    assert platform.do("number", "answer", "2025550100", "--app", app_key)[0] == 1


def test_settings_change_one_by_one(platform, app_key):
    changes: list[tuple[tuple[str, ...], dict[str, Any]]] = [
        (("--concurrent-calls", "3"), {"concurrent_calls": 3}),
        (("--concurrent-return-calls", "2"), {"concurrent_return_calls": 2}),
        (("--calls-per-second", "2", "--calls-per-callee-per-day", "4"), {"calls_per_second": 2}),
        (("--country", "us", "--country", "CA"), {"countries": ("US", "CA")}),
        (("--country", ""), {"countries": ()}),
        (("--bind-number", "+8696500"), {"bind_numbers": ("+8696500",)}),
        (("--bind-number", ""), {"bind_numbers": ()}),
        (("--test-number", "+12025550190"), {"test_numbers": ("+12025550190",)}),
        (("--test-number", ""), {"test_numbers": ()}),
        (("--display-number", "+12025550101"), {"display_numbers": ("+12025550101",)}),
        (("--status-url", "http://127.0.0.1:9999/s"), {"status_url": "http://127.0.0.1:9999/s"}),
        (("--recording",), {"recording": True, "calls_per_callee_per_day": 4, "concurrent_calls": 3}),
        (("--status-url", ""), {"status_url": None, "recording": True}),
        (("--no-recording",), {"recording": False}),
        (("--push-signature", "joined"), {"push_signature": PushSignature.JOINED}),
        (("--push-signature", "lines"), {"push_signature": PushSignature.LINES}),
        (("--reuse-nonces",), {"reuse_nonces": True}),
        (("--concurrent-calls", "4"), {"reuse_nonces": True}),
        (("--no-reuse-nonces",), {"reuse_nonces": False}),
        (("--requests-per-second", "0"), {"requests_per_second": 0}),
        (("--calls-per-number-per-minute", "30"), {"calls_per_number_per_minute": 30}),
        (("--allowed-address", "198.51.100.0/24", "--allowed-address", "2001:db8::7"), {}),
        (("--scheme", "token"), {"allowed_addresses": ("198.51.100.0/24", "2001:db8::7")}),
        (("--allowed-address", ""), {"allowed_addresses": ()}),
        (("--scheme", "wsse", "--scheme", "token"), {"schemes": (Scheme.TOKEN, Scheme.HASH)}),
        (("--no-call-memory", "--call-memory-hours", "24"), {"call_memory": False, "call_memory_hours": 24}),
        (("--call-memory",), {"call_memory": True, "call_memory_hours": 24}),
        (
            ("--unknown-callers", "number", "--callback-number", "+12025550144", "--country", "US"),
            {"unknown_callers": UnknownCallers.NUMBER, "callback_number": "+12025550144"},
        ),
        (
            ("--unknown-callers", "refuse", "--callback-number", ""),
            {"unknown_callers": UnknownCallers.REFUSE, "callback_number": None},
        ),
        (("--rejects-failed-return-calls",), {"rejects_failed_return_calls": True}),
        (("--no-rejects-failed-return-calls", "--call-back-tone", ""), {"rejects_failed_return_calls": False}),
    ]
    for words, expected in changes:
        assert platform.do("app", "set", app_key, *words)[0] == 0
        app = platform.accounts.app(app_key)
        assert {name: getattr(app, name) for name in expected} == expected


@pytest.mark.parametrize("text", ["198.51.100.300", "sp.example.com", "198.51.100.1/24", "2001:db8::/129"])
def test_an_allowed_address_that_is_none_is_refused(platform, app_key, text):
    said = f"duologue: allowed address {text} is not one: an address, or a network as CIDR\n"
    assert platform.do("app", "set", app_key, "--allowed-address", text) == (1, {}, said)


def test_locks_are_seen_and_cleared(platform, aws, app_key):
    attempts, now = DynamoAuthAttempts(aws("dynamodb"), platform.table), SystemClock().now()
    here, there = (auth.Attempt(app_key, Proof.PASSWORD, address) for address in ("198.51.100.20", "2001:db8::7"))
    unknown = auth.Attempt("", Proof.PASSWORD, "198.51.100.66")
    over = auth.Attempt(app_key, Proof.SECRET, "198.51.100.20")
    locked = Failures(locked_until=now + timedelta(minutes=7))
    for attempt, failures in ((here, locked), (there, Failures().count(now)), (unknown, locked)):
        attempts.save_failures(attempt, failures)
    attempts.save_failures(over, Failures(locked_until=now - timedelta(minutes=7)))
    until = (now + timedelta(minutes=7)).isoformat()
    password = {"app_key": app_key, "proof": "password"}
    first = password | {"source": "198.51.100.20", "failures": 10, "locked_until": until}
    second = password | {"source": "2001:db8::/64", "failures": 1, "locked_until": None}
    third = first | {"app_key": None, "source": "198.51.100.66"}

    def listed(*words: str) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = platform.do("lock", "list", *words)[1]["locks"]
        return sorted(found, key=lambda lock: lock["source"])

    assert [lock for lock in listed() if lock["app_key"] in (app_key, None)] == [first, third, second]
    assert listed("--app", app_key) == [first, second]
    assert listed("--source", "198.51.100.66") == [third]
    assert listed("--source", "2001:db8::1") == listed("--source", "2001:db8::/64") == [second]
    assert platform.do("lock", "list", "--app", "nobody")[0] == 1
    for words in ((), ("--all", "--app", app_key), ("--all", "--source", "198.51.100.20")):
        with pytest.raises(SystemExit, match="2"):
            platform.do("lock", "clear", *words)
        assert "name the locks by --app, --source or both; or all" in platform.capsys.readouterr().err
    assert platform.do("lock", "clear", "--source", "198.51.100.20")[1] == {"cleared": [first]}
    assert listed("--app", app_key) == [second]
    attempts.failures(here).check(now)
    cleared = platform.do("lock", "clear", "--all")[1]["cleared"]
    assert second in cleared and third in cleared
    assert listed() == []


def test_a_display_number_of_a_range_that_the_stack_calls_in_use(platform, app_key):
    """If the stack's numbers are unknown, the numbering plan judges."""
    for number, expected in (("+13705550100", 0), ("+13715550100", 1)):
        assert platform.do("--line-numbers", "", "app", "set", app_key, "--display-number", number)[0] == expected


def test_a_line_without_known_numbers_is_said(platform, app_key):
    status, shown, said = platform.do("--line-numbers", "", "app", "set", app_key, "--display-number", "+12025550155")
    assert (status, shown["display_numbers"]) == (0, ["+12025550155"])
    assert said == "duologue: only the numbering plan judged the display numbers: --line-numbers is empty\n"
    assert platform.do("app", "set", app_key, "--concurrent-calls", "3") == (0, {**shown, "concurrent_calls": 3}, "")


def test_a_stack_without_the_output_refuses_new_display_numbers(platform, aws, app_key):
    """An older stack, or another product's; what the app has is changed all the same."""
    other = {**TEMPLATE, "Outputs": {key: TEMPLATE["Outputs"][key] for key in ("AccountsTable", "SecretsKey")}}
    del other["Outputs"]["AccountsTable"]
    create_stack(aws, "without", other)
    place = ("--stack", "without", "--accounts-table", platform.table)
    status, _, said = platform.do(*place, "app", "set", app_key, "--display-number", "+12025550101")
    assert (status, "stack without has no output DisplayNumbers" in said) == (1, True)
    assert platform.accounts.app(app_key).display_numbers == ("+12025550100",)


def test_a_refused_setting_leaves_the_app_as_it_was(platform, app_key):
    before = platform.accounts.app(app_key)
    for words in (
        ("--display-number", ""),
        ("--calls-per-callee-per-day", "-1"),
        ("--fee-url", "ftp://sp.example.com"),
    ):
        assert platform.do("app", "set", app_key, "--concurrent-calls", "7", *words)[0] == 1
    assert platform.accounts.app(app_key) == before


def test_suspending_and_letting_in_again_twice(platform, app_key):
    sp = platform.accounts.app(app_key).sp
    for word, active in (("suspend", False), ("suspend", False), ("resume", True), ("resume", True)):
        of_sp = {"sp_active": False} if active and not platform.accounts.sp(sp).active else {}
        assert platform.do("app", word, app_key) == (0, {"app_key": app_key, "active": active} | of_sp, "")
        assert platform.do("sp", word, sp) == (0, {"sp": sp, "active": active}, "")
        assert (platform.accounts.app(app_key).active, platform.accounts.sp(sp).active) == (active, active)


def test_calls_are_ended_one_by_one_or_with_the_suspension_of_their_app_or_sp(platform, aws, app_key):
    sp = platform.accounts.app(app_key).sp
    outputs = stack_of(aws("cloudformation"), "duologue").outputs
    calls = DynamoCalls(
        aws("dynamodb"), outputs["CallsTable"], platform.table, timedelta(days=1), SealedRows(the_seal(platform))
    )
    ids = [f"1_2_{number}_20261128090000" for number in range(4)]
    for call_id in ids:
        call = replace(callback(), id=call_id, app=app_key)
        DynamoAcceptance(aws("dynamodb"), platform.table, calls).accept(call, slots=9, close_by=NOW)

    def ended(was: dict[int, str]) -> dict:
        return {"calls": [{"call": ids[number], "app_key": app_key, "was": phase} for number, phase in was.items()]}

    none = "9_9_9_20261128090000"
    complaint = f"duologue: these calls were not ended, all others were: {none} (there is none)\n"
    assert platform.do("call", "stop", none, ids[0]) == (1, {}, complaint)
    assert calls.load(ids[0]).call.ending is EndReason.STOPPED
    for first, second in (("ending", "accepted"), ("ending", "ending")):
        stopped = ended({0: first, 1: second})
        assert platform.do("call", "stop", f"{ids[0]}@ce1.example.com", ids[1]) == (0, stopped, "")
    waiting = "duologue: waiting 15 s until requests of before the suspension are over\n"
    was = {0: "ending", 1: "ending", 2: "accepted", 3: "accepted"}
    for _ in range(2):
        said = {"app_key": app_key, "active": False} | ended(was)
        assert platform.do("app", "suspend", app_key, "--end-calls") == (0, said, waiting)
        assert [calls.load(call_id).call.ending for call_id in ids] == [EndReason.STOPPED] * 4
        was = dict.fromkeys(range(4), "ending")
    assert platform.do("sp", "suspend", sp, "--end-calls") == (0, {"sp": sp, "active": False} | ended(was), waiting)
    assert platform.waits == [15.0] * 3
    assert platform.do("call", "stop", none)[0] == 1
    for call_id in ids:
        calls.save(Change(saved := calls.load(call_id), over(saved.call), finalizes=True))
    assert platform.do("call", "stop", ids[0]) == (0, ended({0: "over"}), "")
    assert platform.do("app", "suspend", app_key, "--end-calls")[1]["calls"] == []
    platform.do("sp", "resume", sp)


_COUNT = itertools.count(1)


class Listed:
    """Three calls of an app: one that is up, one that talked, one that was stopped; and one of another app."""

    def __init__(self, platform, app_key: str, **about_up: Any) -> None:
        self.aws, self.outputs = platform.aws, stack_of(platform.aws("cloudformation"), "duologue").outputs
        dynamodb, rows = platform.aws("dynamodb"), SealedRows(the_seal(platform))
        self.calls = DynamoCalls(dynamodb, self.outputs["CallsTable"], platform.table, timedelta(days=1), rows)
        self.listing = DynamoListing(dynamodb, self.outputs["CallsTable"], self.outputs["ListsTable"])
        self.acceptance = DynamoAcceptance(dynamodb, platform.table, self.calls)
        self.up, self.talked, self.stopped, self.other = (f"1_3_{next(_COUNT)}_20261128090000" for _ in range(4))
        for minute, call_id in enumerate((self.up, self.talked, self.stopped, self.other)):
            app = f"other-than-{app_key}" if call_id == self.other else app_key
            accepted_at = NOW - timedelta(minutes=minute)
            call = replace(callback(), id=call_id, app=app, accepted_at=accepted_at, rates=(20_000, 55_000))
            if call_id == self.up:
                call = replace(call, **about_up)
            self.acceptance.accept(call, slots=9, close_by=NOW)
        self.end(self.talked, EndReason.HUNG_UP, answered_at=NOW - timedelta(seconds=90))
        self.end(self.stopped, EndReason.STOPPED)
        self.listing.add([self.up, self.talked, self.stopped, self.other])
        self.listing.end([self.talked, self.stopped])

    def come_and_go(self, app_key: str) -> str:
        """A call that begins now and is over at once."""
        call = replace(callback(), id=f"1_3_{next(_COUNT)}_20261128090000", app=app_key, accepted_at=datetime.now(UTC))
        self.acceptance.accept(call, slots=9, close_by=NOW)
        self.end(call.id, EndReason.STOPPED)
        self.listing.add([call.id])
        self.listing.end([call.id])
        return call.id

    def end(self, call_id, reason, **changes):
        saved = self.calls.load(call_id)
        caller, callee = (replace(saved.call.leg(party), ended_at=NOW, **changes) for party in Party)
        ended = replace(saved.call, caller=caller, callee=callee, ending=reason, ended_at=NOW)
        self.calls.save(Change(saved, ended, finalizes=True))


@pytest.mark.parametrize(
    ("words", "found"),
    [
        ("", ["up", "talked", "stopped"]),
        ("--limit 2", ["up", "talked"]),
        ("--open", ["up"]),
        ("--result talked", ["talked"]),
        ("--result failed", ["up", "stopped"]),
        ("--result stopped", ["stopped"]),
        ("--number +12025550111 --until {minute}", ["stopped"]),
        ("--number 0111 --since {minute}", ["up", "talked"]),
        ("--display-number +12025550100 --result stopped", ["stopped"]),
    ],
)
def test_calls_are_listed_by_what_people_search_for(platform, app_key, words, found):
    calls = Listed(platform, app_key)
    minute = (NOW - timedelta(minutes=1)).isoformat()
    status, said, _ = platform.do("call", "list", "--app", app_key, *words.format(minute=minute).split())
    assert (status, [call["call"] for call in said["calls"]]) == (0, [getattr(calls, name) for name in found])
    assert not any("+1202555" in str(call[party]) for call in said["calls"] for party in ("caller", "callee"))
    if words == "--limit 2":
        said = platform.do("call", "list", "--app", app_key, "--cursor", said["cursor"])[1]
        assert [call["call"] for call in said["calls"]] == [calls.stopped]


@pytest.mark.parametrize(
    ("words", "complaint"),
    [
        ("call list --since yesterday", "--since must be a time in ISO 8601"),
        ("call list --number 202", "--number must be E.164"),
        ("call find Sophia", "'Sophia' is neither a telephone number nor the id of a call. Type a number as +1 202"),
        ("call list --cursor nonsense", "cursor is not one of this list"),
        ("call list --app no-app", "no app no-app"),
        ("call list --sp nobody", "no SP nobody; add it: duologue sp add"),
        ("call show 9_9_9_20261128090000", "there is no such call or notification"),
        ("usage --day 28.11.2026", "--day must be a date"),
        ("usage --app no-app", "no app no-app"),
        ("tail --for 1 --app no-app", "no app no-app"),
    ],
)
def test_a_refused_look_for_calls(platform, words, complaint):
    status, said, complained = platform.do(*words.split())
    assert (status, said) == (1, {})
    assert complaint in complained


@pytest.mark.parametrize("text", ["+1 (202) 555-0111", "2025550111", "0111", "+12025550100", "id", "session id"])
def test_calls_are_found_by_what_people_write(platform, app_key, text):
    calls = Listed(platform, app_key)
    written = {"id": calls.up, "session id": f"{calls.up}@ce1.example.com"}.get(text, text)
    status, said, _ = platform.do("call", "find", written, "--limit", "100")
    found = [call["call"] for call in said["calls"] if call["app_key"] == app_key]
    assert (status, found) == (0, [calls.up] if written != text else [calls.up, calls.talked, calls.stopped])


def test_a_call_is_shown_and_changes_are_followed(platform, app_key, capsys):
    calls = Listed(platform, app_key)
    shown = platform.do("call", "show", f"{calls.talked}@ce1.example.com")[1]
    in_full = platform.do("call", "show", calls.talked, "--numbers")[1]
    assert CALLER.e164 in str(in_full) and CALLEE.e164 in str(in_full) and CALLER.e164 not in str(shown)
    audited = platform.do("audit", "--call", calls.talked)[1]["entries"]
    assert [entry["kind"] for entry in audited] == ["call show"], "that with the numbers"
    session = f"{calls.talked}@ce1.example.com"
    assert (shown["app_key"], shown["sessionId"], shown["phase"]) == (app_key, session, "over")
    assert shown["receipt"]["telephone"]["usd"] == 0.15, "two begun minutes of each leg"
    assert shown["summary"].startswith("They talked for 1 min 30 s")
    assert (shown["flow"], shown["unread"]) == ([], {})

    short: list[str] = []

    def then(_seconds: float) -> None:
        """What happens between two looks; at last nothing does."""
        platform.waits.append(0)
        if len(platform.waits) == 1:
            calls.end(calls.up, EndReason.STOPPED)
        elif len(platform.waits) == 2:
            short.append(calls.come_and_go(app_key))
        elif len(platform.waits) == 4:
            raise KeyboardInterrupt

    assert main(("tail", "--app", app_key, "--json"), platform.aws, then) == 0
    lines = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    told = [(line["call"], line["phase"]) for line in lines]
    assert told == [(calls.up, "accepted"), (calls.up, "over"), (*short, "over")]


def test_a_return_call_that_failed_is_shown_with_its_display_number_and_sip_status(platform, app_key):
    calls = Listed(platform, app_key, origin=Origin.RETURN_CALL, notify=NotifyTo())
    calls.end(calls.up, EndReason.CALLEE_FAILED, outcome=outcome_of(503))
    shown = platform.do("call", "show", calls.up)[1]
    assert shown["summary"].startswith(f"Return call to {SHOWN_TO_CALLER.e164}: The callee could not be reached")
    assert shown["callee"]["sip"].startswith("503 Service Unavailable: the trunk could not be reached")
    assert shown["note"] == (
        "No URL was set for events and the CDR, so nobody is notified: "
        f"duologue app set {app_key} --status-url URL --fee-url URL"
    )
    assert "note" not in platform.do("call", "show", calls.talked)[1]


def test_usage_is_shown_by_day_and_by_app(platform, app_key):
    Listed(platform, app_key)
    status, said, _ = platform.do("usage", "--day", f"{NOW:%Y-%m-%d}")
    [used] = [{**each} for each in said["apps"] if each["app_key"] == app_key]
    counted = {"calls": 2, "talked": 1, "talk_minutes": 1.5, "telephone_usd": 0.15}
    assert (status, used, said["total"]["calls"] >= 2) == (0, {"app_key": app_key} | counted, True)
    _, said, _ = platform.do("usage", "--app", app_key, "--day", f"{NOW:%Y-%m-%d}", "--days", "2")
    assert (said["days"][0]["day"], said["days"][0]["calls"]) == (f"{NOW:%Y-%m-%d}", 2)
    assert (len(said["days"]), said["total"]) == (2, counted)


def over(call: Call) -> Call:
    legs = {party: replace(call.leg(party), ended_at=NOW) for party in Party}
    return replace(call, caller=legs[Party.CALLER], callee=legs[Party.CALLEE], ended_at=NOW)


def test_the_lists_of_numbers_that_are_not_dialled(platform, app_key, tmp_path):
    why = ("--why", "traffic pumping")
    assert platform.do("deny", "add", "+1712432", *why) == (0, {"patterns": 1}, "")
    assert platform.do("deny", "allow", "+1876976") == (0, {"patterns": 2}, "")
    file = tmp_path / "ranges.csv"
    file.write_text("# of this month\n+1218548, calls that nobody answers\n\n+1NXX9591\n")
    assert platform.do("deny", "import", str(file)) == (0, {"patterns": 4}, "")
    assert platform.do("deny", "remove", "+1NXX9591") == (0, {"patterns": 3}, "")
    listed = platform.do("deny", "list")[1]
    assert listed["patterns"] == [
        {"pattern": "+1218548", "verdict": "deny", "why": "calls that nobody answers"},
        {"pattern": "+1712432", "verdict": "deny", "why": "traffic pumping"},
        {"pattern": "+1876976", "verdict": "allow", "why": ""},
    ]
    assert {"pattern", "why", "source"} == listed["known_traps"][0].keys()

    of_app = ("--app", app_key)
    file.write_text("+1218548\n+1NXX9591\n")
    assert platform.do("deny", "import", str(file), *of_app) == (0, {"app_key": app_key, "patterns": 2}, "")
    assert platform.do("deny", "add", "+1712", *of_app)[1]["patterns"] == 3
    assert platform.do("deny", "remove", "+1218548", *of_app)[1]["patterns"] == 2
    assert platform.do("deny", "add", "+4", *of_app, "--yes")[1]["patterns"] == 3
    assert platform.do("deny", "remove", "+4", *of_app)[1]["patterns"] == 2
    assert platform.do("deny", "list", *of_app)[1] == {"app_key": app_key, "denied": ["+1712", "+1NXX9591"]}
    assert platform.accounts.app(app_key).denied_prefixes == ("+1NXX9591", "+1712")

    assert platform.do("do-not-call", "add", "+12025550133")[0] == 0
    file.write_text("+12025550134,asked for it\n+12025550135\n")
    assert platform.do("do-not-call", "import", str(file)) == (0, {"numbers": 2}, "")
    masked = [(each["number"], each["why"]) for each in platform.do("do-not-call", "list")[1]["numbers"]]
    assert sorted(masked) == [("+120******33", ""), ("+120******34", "asked for it"), ("+120******35", "")]
    for was in (True, False):
        assert platform.do("do-not-call", "check", "+12025550134")[1]["do_not_call"] is was
        assert platform.do("do-not-call", "remove", "+12025550134")[1]["was"] is was


def test_rates_are_imported_shown_and_reset(platform, tmp_path):
    assert platform.do("rates", "show")[1]["source"] == "estimates"
    file = tmp_path / "rates.csv"
    file.write_text("# of my carrier\n+1,0.0215\n+44,0.05\n")
    assert platform.do("rates", "import", str(file)) == (0, {"rates": 2}, "")
    assert platform.do("rates", "show")[1] == {"source": "imported", "rates": {"+1": "0.0215", "+44": "0.0500"}}
    assert platform.do("rates", "reset") == (0, {"source": "estimates"}, "")
    assert platform.do("rates", "show")[1]["rates"]["+"] == "1.0000"


@pytest.mark.parametrize(
    ("words", "complaint"),
    [
        ("rates import /no/such/file", "file /no/such/file cannot be read"),
        ("deny add 1712432", "pattern 1712432 must be a plus sign"),
        ("deny add +1712432 --why " + 81 * "x", "reason must be at most 80 printable characters"),
        ("deny add +1712432 --app nothing --why pumping", "reason is kept on the platform's list only: leave it out"),
        ("deny add +1", "pattern +1 denies whole country codes: if that is meant, repeat it with --yes"),
        ("deny add +1 --app nothing", "pattern +1 denies whole country codes: if that is meant, repeat it with --yes"),
        ("deny remove +1NXX976", "pattern +1NXX976 is not on the list; a known trap is opened by deny allow"),
        ("deny import /no/such/file", "file /no/such/file cannot be read"),
        ("deny add +1712432 --app nothing", "no app nothing"),
        ("do-not-call add 2025550133", "number must be E.164"),
        ("do-not-call add +4402079460123", "number +4402079460123 is dialled as +442079460123: without"),
        ("do-not-call add +1202555013", "number +1202555013 has a country code that does not exist, or the wrong"),
        ("do-not-call add +9990000000", "number +9990000000 has a country code that does not exist"),
    ],
)
def test_a_refused_change_of_those_lists(platform, words, complaint):
    status, printed, said = platform.do(*words.split())
    assert (status, printed) == (1, {})
    assert said.startswith(f"duologue: {complaint}")


NO_RATE = "rate must be a prefix such as +44 and USD a minute, 0 to 100, such as 0.05"


@pytest.mark.parametrize(
    ("words", "written", "complaint"),
    [
        (
            "do-not-call",
            "+12025550138\n+4402079460123\n",
            "line 2: +4402079460123: number +4402079460123 is dialled as",
        ),
        ("do-not-call", "# of this month\n\n2025550138,asked\n", "line 3: 2025550138,asked: number must be E.164"),
        ("deny", "\ufeff+1217\n1217\n", "line 2: 1217: pattern 1217 must be a plus sign"),
        ("deny", f"+1217,{81 * 'x'}\n", f"line 1: +1217,{81 * 'x'}: reason must be at most 80 printable"),
        ("deny", "+1217\n+1NXX\n", "line 2: +1NXX: pattern +1NXX denies whole country codes"),
        ("deny --app nothing", "+1217\n+1218,x\n", "line 2: +1218,x: reason is kept on the platform's list only"),
        ("rates", "+1,0.02\n+44;0.05\n", f"line 2: +44;0.05: {NO_RATE}"),
        ("rates", "+1,0.02\n+44,five\n", f"line 2: +44,five: {NO_RATE}"),
        *(
            (kind, text, "file {file} has no entry")
            for kind in ("do-not-call", "deny", "rates")
            for text in ("", "#\n")
        ),
    ],
)
def test_a_file_with_a_wrong_line_or_none_changes_nothing(platform, tmp_path, words, written, complaint):
    def lists() -> list[Any]:
        return [platform.do(*each.split()) for each in ("do-not-call list", "deny list", "rates show")]

    (kind, *options), file, before = words.split(), tmp_path / "entries.csv", lists()
    file.write_text(written, encoding="utf-8")
    status, printed, said = platform.do(kind, "import", str(file), *options)
    assert (status, printed, lists()) == (1, {}, before)
    assert said.startswith(f"duologue: {complaint.format(file=file)}") and said.count("\n") == 1


def test_the_lists_have_a_length_that_a_request_can_bear(platform, app_key, tmp_path):
    file = tmp_path / "ranges.csv"
    file.write_text("".join(f"+1{number}\n" for number in range(2000, 4001)))
    for of_app, most in ((("--app", app_key), 500), ((), 2000)):
        assert platform.do("deny", "import", str(file), *of_app)[2] == f"duologue: patterns must be at most {most}\n"


def test_a_password_is_replaced_by_one_that_is_printed_or_given(platform, app_key, monkeypatch):
    sp = platform.accounts.app(app_key).sp
    old = platform.accounts.sp(sp).password_hash
    status, said, _ = platform.do("sp", "set-password", sp)
    assert (status, said["sp"]) == (0, sp)
    made_up = platform.accounts.sp(sp).password_hash
    assert made_up != old
    assert password_matches(said["password"], made_up)
    monkeypatch.setattr("sys.stdin", io.StringIO(PASSWORD + "\n"))
    assert platform.do("sp", "set-password", sp, "--password-stdin") == (0, {"sp": sp}, "")
    assert password_matches(PASSWORD, platform.accounts.sp(sp).password_hash)
    monkeypatch.setattr("sys.stdin", io.StringIO("short\n"))
    status, _, complaint = platform.do("sp", "set-password", sp, "--password-stdin")
    assert (status, complaint) == (1, "duologue: password must be at least 12 printable ASCII characters\n")
    assert password_matches(PASSWORD, platform.accounts.sp(sp).password_hash)


def test_tokens_of_an_app_are_ended_twice(platform, app_key):
    pair = TokenPair("a token that leaked", "its refresh token")
    now = datetime.now(UTC)
    platform.accounts.save(app_key, Register().grant(pair, now))
    platform.accounts.register(app_key).check_access(pair.access, now)
    for _ in range(2):
        assert platform.do("app", "end-tokens", app_key) == (0, {"app_key": app_key, "tokens": "ended"}, "")
        with pytest.raises(InvalidToken):
            platform.accounts.register(app_key).check_access(pair.access, now)
        with pytest.raises(InvalidToken):
            platform.accounts.register(app_key).refresh(pair.refresh, pair, now)


def test_a_secret_is_rotated_with_an_overlap(platform, app_key):
    old = platform.accounts.app(app_key).secret
    status, said, _ = platform.do("app", "rotate-secret", app_key)
    assert (status, said["live_secrets"]) == (0, 2)
    assert platform.accounts.app(app_key).secrets == (said["app_secret"], old)
    status, printed, complaint = platform.do("app", "rotate-secret", app_key)
    assert (status, printed) == (1, {})
    assert "revoke it first, by app rotate-secret --retire-old" in complaint
    for _ in range(2):
        retired = platform.do("app", "rotate-secret", app_key, "--retire-old")
        assert retired == (0, {"app_key": app_key, "live_secrets": 1}, "")
        assert platform.accounts.app(app_key).secrets == (said["app_secret"],)


def test_prompts_are_put_listed_and_removed(platform, app_key, tmp_path):
    file = tmp_path / "hello.wav"
    file.write_bytes(wav(bytes([0xD5]) * 8000, kind=6, bits=8))
    assert platform.do("prompt", "put", app_key, str(file))[1]["seconds"] == 1.0
    assert platform.do("prompt", "put", app_key, str(file), "--name", "again.wav")[0] == 0
    assert platform.do("prompt", "list", app_key)[1] == {
        "app_key": app_key,
        "prompts": {"hello.wav": 1.0, "again.wav": 1.0},
        "recording_notices": [],
    }
    kept = platform.object(f"apps/{app_key}/hello.wav")
    assert read_wav(kept).samples == (8).to_bytes(2, "little", signed=True) * 8000
    assert platform.do("prompt", "remove", app_key, "hello.wav")[0] == 0
    assert platform.do("prompt", "remove", app_key, "hello.wav")[0] == 1
    assert platform.do("prompt", "list", app_key)[1]["prompts"] == {"again.wav": 1.0}
    with pytest.raises(ClientError, match="NoSuchKey"):
        platform.object(f"apps/{app_key}/hello.wav")


def test_a_prompt_is_marked_as_a_recording_notice_if_it_can_be_heard(platform, app_key, tmp_path):
    silence = tmp_path / "silence.wav"
    silence.write_bytes(wav())
    refused = platform.do("prompt", "put", app_key, str(silence), "--recording-notice")
    assert (refused[0], "less than 0.5 s of sound" in refused[2]) == (1, True)
    said = platform.do("prompt", "put", app_key, "audio/zh/recording-notice.wav", "--recording-notice")[1]
    assert (said["name"], said["recording_notice"]) == ("recording-notice.wav", True)
    assert platform.do("app", "show", app_key)[1]["recording_notices"] == ["recording-notice.wav"]


def test_an_app_and_its_sp_are_removed_with_the_apps_prompts(platform, tmp_path):
    sp, number = "leaver", "+12025550160"
    platform.do("sp", "add", sp)
    app_key = platform.do("--line-numbers", number, "app", "add", sp, "--display-number", number)[1]["app_key"]
    file = tmp_path / "hello.wav"
    file.write_bytes(wav())
    platform.do("prompt", "put", app_key, str(file))
    for words, said in (
        (("app", "remove", app_key), "duologue: app is active: suspend it first\n"),
        (("sp", "remove", sp), f"duologue: SP has apps: remove them first ({app_key})\n"),
    ):
        assert platform.do(*words) == (1, {}, said)
    assert platform.object(f"apps/{app_key}/hello.wav")
    platform.do("app", "suspend", app_key)
    assert platform.do("app", "remove", app_key) == (0, {"app_key": app_key, "removed": True}, "")
    with pytest.raises(ClientError, match="NoSuchKey"):
        platform.object(f"apps/{app_key}/hello.wav")
    assert platform.do("sp", "remove", sp) == (0, {"sp": sp, "removed": True}, "")
    assert platform.do("sp", "add", sp)[0] == 0, "its name is free"


def test_the_platforms_own_prompts_are_put(platform):
    said = platform.do("prompt", "put-own", "audio")[1]["prompts"]
    assert set(said) == {prompt.value for prompt in Prompt}
    for prompt in Prompt:
        assert read_wav(platform.object(f"prompts/{prompt.value}.wav")).seconds == said[prompt.value]


@pytest.mark.parametrize(("stack_name", "days"), [("duologue", 14), ("as-on-aws", 0)])
def test_how_long_recordings_are_kept_is_what_the_stack_says(aws, stack, stack_name, days):
    asked = command.parser().parse_args(["--stack", stack_name, "sp", "list"])
    assert OperatorPlatform(asked, aws, print).keep_recordings_days == days


def test_a_stack_of_another_product_is_named(platform, aws):
    other = {"Resources": {"Bucket": {"Type": "AWS::S3::Bucket"}}}
    create_stack(aws, "other", other)
    status, _, complaint = platform.do("--stack", "other", "app", "show", "nothing")
    assert status == 1
    assert "stack other has no output AccountsTable" in complaint


def the_seal(platform) -> Seal:
    """As the functions of the stack make it."""
    outputs = stack_of(platform.aws("cloudformation"), "duologue").outputs
    return Seal(KmsDataKeys(platform.aws("kms"), outputs["MemoriesKey"]))


def remember(platform, display: str, dialler: str, target: str, dialled_at: datetime) -> CallMemory:
    """As a callback does that dials its callee."""
    seal = KmsMemorySeal(the_seal(platform), platform.aws("kms"))
    dials, is_rung = (RememberedParty(PhoneNumber(number), "US") for number in (dialler, target))
    terms = MemoryTerms(timedelta(seconds=30), timedelta(minutes=30))
    draft = seal.draft(PhoneNumber(display), dials, is_rung, terms)
    session = "1_2_3_20261128090000"
    memory = CallMemory(
        key=draft.key,
        sp="acme",
        app="app-1",
        session=session,
        order=order_of(dialled_at, session),
        version=1,
        set_by=SetBy.CALL,
        remembered_at=dialled_at,
        expires_at=(dialled_at + draft.period).replace(microsecond=0),
        target=draft.target,
        sealed=draft.sealed,
    )
    write = remembered(platform.table, memory)
    transact(platform.aws("dynamodb"), "accounts table", (write, RaceLost("newer")))
    return memory


def test_memories_are_shown_listed_and_a_number_is_erased_from_them(platform):
    platform.do("sp", "add", "acme", "--username", "jack")
    _, added, _ = platform.do("app", "add", "acme", "--display-number", "+12025550100")
    now = datetime.now(UTC)
    jack, sophia, jill = "+12025550111", "+12025550133", "+12025550144"
    there = remember(platform, "+12025550100", sophia, jack, now)
    back = remember(platform, "+12025550100", jill, sophia, now)
    remember(platform, "+12025550100", jack, jill, now)

    shown = {
        "display_number": "+12025550100",
        "number": sophia,
        "rings": jack,
        "sp": "acme",
        "app_key": "app-1",
        "set_by": "call",
        "call_id": there.session,
        "remembered_at": there.remembered_at.isoformat(),
        "expires_at": there.expires_at.isoformat(),
        "version": 1,
    }
    pair = ("--display-number", "+12025550100", "--number", sophia)
    explained = {"would_ring": False, "why_not": "app_inactive", "history": []}  # the app has another key
    assert platform.do("memory", "show", *pair, "--numbers") == (0, shown | explained, "")
    masks = {"number": "+120******33", "rings": "+120******11"}
    assert platform.do("memory", "show", *pair) == (0, shown | explained | masks, "")
    audited = platform.do("audit", "--kind", "memory show")[1]["entries"]
    assert [entry["kind"] for entry in audited] == ["memory show"], "once, without the numbers"
    assert sophia not in str(audited)

    listing = ("memory", "list", "--numbers", "--display-number", "+12025550100")
    status, first, _ = platform.do(*listing, "--limit", "2")
    assert (status, len(first["memories"])) == (0, 2)
    rest = platform.do("memory", "list", "--numbers", "--display-number", "+12025550100", "--cursor", first["cursor"])[
        1
    ]
    assert {memory["number"] for memory in first["memories"] + rest["memories"]} == {jack, sophia, jill}
    assert shown in first["memories"] + rest["memories"]
    assert rest["cursor"] is None

    platform.do("app", "set", added["app_key"], "--display-number", "+12025550101")  # the old one is nobody's now
    forgotten = platform.do("memory", "forget", "--number", sophia, "--display-number", "+12025550101")
    assert forgotten == (0, {"forgotten": 0, "display_numbers": 1}, "")
    status, forgotten, _ = platform.do("memory", "forget", "--number", sophia)
    assert (status, forgotten["forgotten"]) == (0, 2)
    assert platform.do("memory", "show", *pair)[2] == "duologue: there is no memory of this pair, or it has expired\n"
    left = platform.do(*listing)[1]["memories"]
    assert [memory["number"] for memory in left] == [jack]
    memories = DynamoMemories(platform.aws("dynamodb"), platform.table, timedelta(days=90))
    for key in (there.key, back.key):
        [change] = memories.changes(key, 10)
        assert (change.who, change.before, change.after, change.version) == ("operator", None, None, 2)


@pytest.mark.parametrize(
    ("words", "complaint"),
    [
        ("memory show --display-number 12025550100 --number +12025550133", "display number must be E.164"),
        ("memory list --display-number 0", "display number must be E.164"),
        ("memory forget --number anonymous", "number must be E.164"),
    ],
)
def test_a_number_of_a_memory_that_is_none(platform, words, complaint):
    status, printed, said = platform.do(*words.split())
    assert (status, printed) == (1, {})
    assert complaint in said


class Delivered:
    """A callback of an app whose SP was down: `callout` waits, `disconnect` was given up, the CDR was acknowledged."""

    def __init__(self, platform, app_key: str, number: int) -> None:
        dynamodb, outputs = platform.aws("dynamodb"), stack_of(platform.aws("cloudformation"), "duologue").outputs
        rows = SealedRows(the_seal(platform))
        calls, keep = (
            DynamoCalls(dynamodb, outputs["CallsTable"], platform.table, timedelta(days=90), rows),
            timedelta(days=90),
        )
        self.call = callback(f"1_2_{number}_20261123090000", app_key)
        DynamoAcceptance(dynamodb, platform.table, calls).accept(self.call, slots=9, close_by=NOW)
        facts = (LegDialledRecorded(NOW, Party.CALLER), CallEnded(NOW, EndReason.STOPPED), CdrWritten(NOW))
        saved = calls.load(self.call.id)
        calls.save(Change(saved, replace(saved.call, facts=4), facts))
        self.log = DynamoNotificationLog(dynamodb, outputs["CallsTable"], platform.table, platform.accounts, keep, rows)
        self.source = source = own_event_key(saved.version)
        failed = Attempt(NOW, "http://127.0.0.1:9999/status", 503, note="not taken")
        for sequence, state, due in (
            (2, DeliveryState.WAITING, datetime.now(UTC) + timedelta(hours=9)),
            (3, DeliveryState.UNDELIVERED, None),
            (4, DeliveryState.ACKNOWLEDGED, None),
        ):
            delivery = Delivery(state, NOW, (failed,), 5, due, "not taken" if due is None else "")
            self.log.save_delivery(Notice(self.call.id, sequence, source, app_key), delivery)
        self.ids = [f"{self.call.id}-{sequence}" for sequence in (2, 3)]


def ids(printed: list[dict[str, Any]]) -> list[str]:
    return [each["id"] for each in printed]


@pytest.mark.parametrize("select", ["app", "call", "session", "ids", "origin"])
def test_what_an_sp_that_was_down_missed_is_listed_attempted_now_and_cancelled(platform, app_key, select):
    """Selected in every way that there is; of another call nothing changes."""
    number = ["app", "call", "session", "ids", "origin"].index(select)
    missed, other = Delivered(platform, app_key, 10 * number), Delivered(platform, "another-app", 10 * number + 1)
    words = {
        "app": ("--app", app_key),
        "call": ("--call", missed.call.id),
        "session": ("--call", f"{missed.call.id}@ce1.example.com", "--origin", "http://127.0.0.1:9999"),
        "ids": missed.ids,
        "origin": ("--origin", "http://127.0.0.1:9999/x", "--app", app_key),
    }[select]
    status, said, _ = platform.do("notification", "list", *words)
    assert (status, ids(said["notifications"]), said["more"]) == (0, missed.ids, False)
    assert said["notifications"][1] | {"since": ""} == {
        "id": missed.ids[1],
        "app_key": app_key,
        "url": "http://127.0.0.1:9999/status",
        "state": "undelivered",
        "since": "",
        "attempts": 1,
        "next_attempt_at": None,
        "last_status": 503,
        "note": "not taken",
    }
    of_all_apps = {*ids(platform.do("notification", "list")[1]["notifications"])}
    assert {*missed.ids} <= of_all_apps
    assert not {*other.ids} & of_all_apps, "there is no such app any more"
    assert {*other.ids} <= {*ids(platform.do("notification", "list", "--app", "another-app")[1]["notifications"])}
    assert platform.do("notification", "list", *words, "--origin", "https://127.0.0.1:9999")[1]["notifications"] == []
    said = platform.do("notification", "list", *words, "--limit", "1")[1]
    assert (ids(said["notifications"]), said["more"]) == (missed.ids[:1], True)

    assert platform.do("notification", "cancel", *missed.ids, "--app", "no-app")[0] == 1, "they are another app's"
    assert ids(platform.do("notification", "retry-now", *words)[1]["retried"]) == missed.ids
    due = [{"id": each, "why": "it is due already, or has just changed"} for each in missed.ids]
    again = {"retried": [], "more": False} | ({"unchanged": due} if select == "ids" else {})
    assert platform.do("notification", "retry-now", *words)[1] == again
    shown = platform.do("notification", "show", missed.call.id)[1]
    assert [each["state"] for each in shown["notifications"]] == ["waiting", "waiting", "acknowledged"]
    assert (shown["app_key"], shown["notifications"][0]["attempts"][0]["httpStatus"]) == (app_key, 503)
    assert ids(platform.do("notification", "cancel", *words)[1]["cancelled"]) == missed.ids
    assert platform.do("notification", "list", *words)[1]["notifications"] == []
    left = platform.do("notification", "list", "--call", other.call.id)[1]["notifications"]
    assert [each["state"] for each in left] == ["waiting", "undelivered"]


def test_notifications_named_one_by_one_that_are_left_as_they_are_are_printed_with_why(platform, app_key):
    missed = Delivered(platform, app_key, 70)
    waiting, given_up = missed.ids
    acknowledged, overtaken, none = (f"{missed.call.id}-{sequence}" for sequence in (4, 5, 9))
    delivery = Delivery(DeliveryState.OVERTAKEN, NOW, (), 0, None, "")
    missed.log.save_delivery(Notice(missed.call.id, 5, missed.source, app_key), delivery)
    elsewhere = ("--origin", "https://sp.example.com")
    for words, whys in (
        (("retry-now", waiting, given_up, "--limit", "1"), ["--limit was reached"]),
        (("cancel", waiting), []),
        (("retry-now", waiting), ["it was cancelled"]),
        (("cancel", acknowledged, none), ["it was acknowledged", "there is no such notification"]),
        (("resend", given_up, *elsewhere), ["it is not for --origin"]),
        (("resend", given_up, acknowledged), ["it was acknowledged"]),
        (("cancel", overtaken, "--app", app_key), ["a later event has made it pointless"]),
    ):
        status, said, _ = platform.do("notification", *words)
        assert (status, [each["why"] for each in said["unchanged"]]) == (0, whys)
        assert {each["id"] for each in said["unchanged"]} <= {*words} - set(ids(said.get("retried", [])))


def test_an_endpoint_is_shown_probed_and_switched_on(platform, app_key):
    log, until = Delivered(platform, app_key, 90).log, datetime.now(UTC) + timedelta(hours=1)
    nothing = {"app_key": app_key, "failing": {}, "switched_off": []}
    assert platform.do("endpoint", "list", app_key) == (0, nothing, "")
    log.save_health(
        app_key, EndpointHealth({"https://a.example.com": Circuit(7, until)}, ("https://a.example.com/f",)), NOW
    )
    said = platform.do("endpoint", "list", app_key)[1]
    assert said["failing"] == {"https://a.example.com": {"failures": 7, "left_alone_until": until.isoformat()}}
    probed = platform.do("endpoint", "probe", app_key, "https://a.example.com/status")[1]
    assert datetime.fromisoformat(probed["failing"]["https://a.example.com"]["left_alone_until"]) < until
    assert platform.do("endpoint", "switch-on", app_key, "https://a.example.com/f")[1]["switched_off"] == []
    for word, url, complaint in (
        ("probe", "https://b.example.com/", "is not left alone"),
        ("probe", "http://[", "url has a host that is neither"),
        ("switch-on", "https://b.example.com/", "is not switched off"),
    ):
        status, _, said = platform.do("endpoint", word, app_key, url)
        assert (status, complaint in said) == (1, True)


@pytest.mark.parametrize(
    ("words", "status", "complaint"),
    [
        (("cancel",), 2, "name notifications by ID, --call, --app or --origin"),
        (("retry-now", "--app", "x", "--limit", "0"), 2, "--limit must be 1 to"),
        (("list", "--app", "x"), 1, "no app x"),
        (("list", "--origin", "sp.example.com"), 1, "--origin must be an http or https URL"),
        (("list", "--origin", "http://["), 1, "--origin has a host that is neither"),
        (("cancel", "nonsense"), 1, "nonsense is not the id of a notification; those of a call: --call nonsense"),
        (("resend", "1_2_3_20261123090000@ce-1"), 1, "those of a call: --call 1_2_3_20261123090000@ce-1"),
        (("show", "9_9_9_20261123090000"), 1, "there is no such call"),
    ],
)
def test_notifications_that_cannot_be_named(platform, words, status, complaint):
    try:
        done, _, said = platform.do("notification", *words)
    except SystemExit as refused:  # argparse
        done, said = refused.code, platform.capsys.readouterr().err
    assert (done, complaint in said) == (status, True)


def test_commands_that_change_something_are_audited_first_even_if_they_fail(platform, app_key):
    platform.do("app", "set", app_key, "--concurrent-calls", "20", "--test-number", "+12025550190")
    platform.do("app", "show", app_key)
    platform.do("person", "show", "+12025550190")
    platform.do("memory", "forget", "--number", "+12025550190")
    assert platform.do("call", "stop", "9_9_9_20261128090000@duologue.example.com")[0] == 1
    status, printed, _ = platform.do("audit", "--limit", "3")
    assert status == 0
    newest = [(entry["kind"], entry.get("app_key"), entry.get("call")) for entry in printed["entries"]]
    assert newest == [
        ("call stop", None, "9_9_9_20261128090000"),
        ("memory forget", None, None),
        ("app set", app_key, None),
    ]
    assert {entry["who"].partition(":")[0] for entry in printed["entries"]} == {"arn"}
    platform.do("notification", "cancel", "1_1_1_20261128090000-2", "1_1_1_20261128090000-3", "--app", app_key)
    platform.do("notification", "retry-now", "--call", "2_2_2_20261128090000@ce1.example.com")
    platform.do("deny", "add", "+1900", "--app", app_key)
    entries = platform.do("audit", "--limit", "3")[1]["entries"]
    assert [(entry["kind"], entry.get("app_key"), entry.get("call")) for entry in entries] == [
        ("deny add", app_key, None),
        ("notification retry-now", None, "2_2_2_20261128090000"),
        ("notification cancel", app_key, "1_1_1_20261128090000"),
    ]
    assert printed["entries"][2]["detail"] == "concurrent_calls key test_numbers"
    assert "2025550190" not in str(printed)
    assert len(platform.do("audit", "--app", app_key, "--kind", "app set")[1]["entries"]) == 1
    assert platform.do("audit", "--since", "yesterday")[0] == 1


def test_archived_cdrs_are_exported_and_a_person_is_erased_from_them(platform, tmp_path):
    archive = S3CdrArchive(platform.aws("s3"), platform.bucket, the_seal(platform))
    form, person = HuaweiCdrs("ce1.example.com"), "+12025550177"
    for number, app in enumerate(("exported-1", "exported-2"), 1):
        call = replace(callback(f"1_2_{number}_20261123090000", app), sp="exporter", ending=EndReason.STOPPED)
        call = replace(call, callee=replace(call.callee, number=PhoneNumber(person)))
        archive.store(app, NOW.date(), [form.line(cdr_of(replace(call, ended_at=NOW)))], NOW)
    days = ("--from", "2026-11-01", "--to", "2026-11-30")

    assert main(("cdr", "export", "--app", "exported-1", *days), platform.aws) == 0
    [line] = platform.capsys.readouterr().out.splitlines()
    assert json.loads(line)["icid"] == "CDR-1_2_1_20261123090000"
    file = tmp_path / "november.jsonl"
    status, said, _ = platform.do("cdr", "export", "--sp", "exporter", *days, "--into", str(file))
    assert (status, said) == (0, {"cdrs": 2, "file": str(file)})
    icids = [json.loads(each)["icid"] for each in file.read_text(encoding="utf-8").splitlines()]
    assert icids == ["CDR-1_2_1_20261123090000", "CDR-1_2_2_20261123090000"]
    assert file.stat().st_mode & 0o777 == 0o600
    entries = platform.do("audit", "--kind", "cdr export", "--limit", "2")[1]["entries"]
    assert [(each.get("app_key"), each["detail"]) for each in entries] == [
        (None, "exporter: into since sp until"),
        ("exported-1", "app since until"),
    ]

    first = next(iter(archive.files("exported-1"))).name
    wrong = platform.do("person", "erase", person, "--archive-after", "exported-1")
    assert (wrong[0], "--archive-after must be" in wrong[2]) == (1, True)
    status, said, told = platform.do("person", "erase", person, "--archive-after", f"exported-1/20261123/{first}")
    assert (status, said["archived_cdrs"], said["unreadable_objects"]) == (0, 1, 0)
    assert re.search(r"[0-9]+ objects of the archive read, 1 CDRs changed; --archive-after \S+/[0-9]{8}/\S+\n", told)
    assert main(("cdr", "export", "--sp", "exporter", *days), platform.aws) == 0
    found = [json.loads(each)["fwdDstNum"] for each in platform.capsys.readouterr().out.splitlines()]
    assert found == [person, "erased"]


@pytest.mark.parametrize(
    ("words", "complaint"),
    [
        ("--from 2026-11-31 --to 2026-11-30", "--from must be a day"),
        ("--from 2026-11-02 --to 2026-11-01", "--to must not be earlier"),
        ("--from 2026-11-01 --to 2026-11-02 --into /nowhere/at/all", "--into cannot be written"),
    ],
)
def test_an_export_that_cannot_be_made(platform, words, complaint):
    status, printed, said = platform.do("cdr", "export", "--app", "exported-1", *words.split())
    assert (status, printed) == (1, {})
    assert complaint in said
