"""Accounts and tokens keep their promises in memory, in moto's DynamoDB and KMS, and in the local cloud's."""

import json
from contextlib import suppress
from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING, Any, cast

import boto3
import pytest
from botocore.config import Config
from botocore.exceptions import ClientError

from duologue.adapters.access.dynamo_account_book import DynamoAccountBook
from duologue.adapters.access.dynamo_accounts import DynamoAccounts
from duologue.adapters.access.dynamo_directory import DynamoDirectory
from duologue.adapters.access.kms_secrets import KmsSecrets
from duologue.adapters.basics.aws import to_item
from duologue.adapters.calls.dynamo_slots import free_leaked, held_slots, slots_in_use, slots_of
from duologue.adapters.media.dynamo_owners import DynamoOwners
from duologue.domain.access.accounts import App, PushSignature, Scheme, Sp
from duologue.domain.access.tokens import REFRESH_LIFE, Register, TokenPair
from duologue.domain.errors import (
    AccountExists,
    AccountInactive,
    InvalidField,
    NumberTaken,
    OutsideUnavailable,
    RaceLost,
    UnknownApp,
    UnknownSp,
)
from duologue.domain.media.recording_link import Owner
from duologue.usecases.access.check_app import MOST_NUMBERS_CHANGED
from duologue.usecases.ports.accounts import Access, ListedApp
from tests.fakes.accounts import FakeAccounts
from tests.journeys.tables import make_tables
from tests.samples import NOW, at, callback

if TYPE_CHECKING:
    from mypy_boto3_kms import KMSClient


def new_table(dynamodb) -> str:
    return make_tables(dynamodb)[2]


@pytest.fixture
def table(aws):
    return new_table(aws("dynamodb"))


@pytest.fixture(scope="module")
def key(aws):
    return aws("kms").create_key()["KeyMetadata"]["KeyId"]


@pytest.fixture
def dynamo(aws, table, key):
    return DynamoAccountBook(aws("dynamodb"), table, KmsSecrets(aws("kms"), key))


SP = Sp("sp-1", "jack", "scrypt$…")
OTHER = Sp("sp-2", "jill", "scrypt$…")
APP = App(
    key="app-1",
    sp="sp-1",
    secret="a secret",
    display_numbers=("+12025550100", "+12025550101"),
    bind_numbers=("+8696500",),
    status_url="https://sp.example.com/status",
    older_secret="the secret before",
    concurrent_calls=3,
    calls_per_second=4,
    calls_per_callee_per_day=5,
    calls_per_number_per_minute=6,
    requests_per_second=7,
    countries=("US", "CA"),
    test_numbers=("+12025550190",),
    prompts={"hello.wav": 2.5, "bye.wav": 1.0},
    recording_notices=("bye.wav", "hello.wav"),
    recording=True,
    push_signature=PushSignature.JOINED,
    reuse_nonces=True,
    schemes=(Scheme.TOKEN, Scheme.HMAC),
    allowed_addresses=("198.51.100.0/24", "2001:db8::/32"),
)


class Promises:
    """What every store of accounts and tokens keeps."""

    def test_accounts_come_back_as_they_were_added(self, accounts):
        plain = App("app-2", "sp-1", "another secret", active=False)
        accounts.add_sp(SP)
        accounts.add_app(APP)
        accounts.add_app(plain)
        assert accounts.sp("sp-1") == SP
        assert accounts.app("app-1") == APP
        assert accounts.app("app-2") == plain

    def test_who_is_not_there(self, accounts):
        with pytest.raises(UnknownSp):
            accounts.sp("sp-1")
        with pytest.raises(UnknownApp):
            accounts.app("app-1")
        with pytest.raises(UnknownSp):
            accounts.add_app(APP)

    def test_adding_twice_is_refused_and_changes_nothing(self, accounts):
        accounts.add_sp(SP)
        accounts.add_app(APP)
        for again in (
            lambda: accounts.add_sp(replace(SP, username="jill")),
            lambda: accounts.add_sp(replace(SP, id="sp-2")),
            lambda: accounts.add_app(replace(APP, secret="other")),
        ):
            with pytest.raises(AccountExists):
                again()
        assert (accounts.sp("sp-1"), accounts.app("app-1")) == (SP, APP)
        with pytest.raises(UnknownSp):
            accounts.sp("sp-2")

    def test_an_apps_register_begins_empty_and_comes_back_as_it_was_saved(self, accounts):
        empty = accounts.register("app-1")
        assert empty == Register()
        used = empty.log_in(at(0.25)).grant(TokenPair("a", "r"), at(1)).refresh("r", TokenPair("a2", "r2"), at(2))
        accounts.save("app-1", used)
        assert accounts.register("app-1") == replace(used, version=1)
        accounts.save("app-1", replace(used, version=1))
        assert accounts.register("app-1").version == 2
        assert accounts.register("app-2") == Register()

    def test_of_two_writes_that_read_the_same_the_second_loses(self, accounts):
        first = accounts.register("app-1")
        accounts.save("app-1", first.log_in(at(0)))
        with pytest.raises(RaceLost):
            accounts.save("app-1", first.log_in(at(1)))
        second = accounts.register("app-1")
        accounts.save("app-1", second.log_in(at(2)))
        with pytest.raises(RaceLost):
            accounts.save("app-1", second.log_in(at(3)))
        assert accounts.register("app-1").log_ins == (at(0), at(2))

    def test_an_app_is_changed_in_what_is_changed(self, accounts):
        accounts.add_sp(SP)
        accounts.add_app(APP)
        other = replace(
            APP,
            secret="a newer secret",
            older_secret=APP.secret,
            status_url=None,
            fee_url="https://sp.example.com/fee",
            prompts={},
            recording_notices=(),
            countries=(),
            active=False,
        )
        assert accounts.change_app("app-1", lambda app: other) == other
        assert accounts.app("app-1") == other
        accounts.change_app("app-1", lambda app: replace(app, older_secret=None, calls_per_second=7))
        assert accounts.app("app-1") == replace(other, older_secret=None, calls_per_second=7)
        assert accounts.change_app("app-1", lambda app: app) == accounts.app("app-1")
        with pytest.raises(UnknownApp):
            accounts.change_app("app-9", lambda app: app)

    def test_a_change_that_refuses_leaves_an_app_as_it_was(self, accounts):
        def refuse(app: App) -> App:
            raise InvalidField("countries", "must be named")

        accounts.add_sp(SP)
        accounts.add_app(APP)
        with pytest.raises(InvalidField):
            accounts.change_app("app-1", refuse)
        assert accounts.app("app-1") == APP

    def test_a_display_number_belongs_to_one_sp_until_none_of_its_apps_shows_it(self, accounts):
        accounts.add_sp(SP)
        accounts.add_sp(OTHER)
        accounts.add_app(APP)
        accounts.add_app(replace(APP, key="app-2"))
        theirs = App("app-3", "sp-2", "their secret", display_numbers=("+12025550102",))
        taken = replace(theirs, key="app-4", display_numbers=("+12025550103", "+12025550100"))
        accounts.add_app(theirs)
        for refused in (
            lambda: accounts.add_app(taken),
            lambda: accounts.change_app("app-3", lambda app: replace(app, display_numbers=taken.display_numbers)),
            lambda: accounts.claim_number("+12025550100", "app-3", "sp-2"),
        ):
            with pytest.raises(NumberTaken, match=r"^display number \+12025550100 belongs to the SP sp-1$"):
                refused()
        with pytest.raises(UnknownApp):
            accounts.app("app-4")
        assert accounts.app("app-3") == theirs

        accounts.change_app("app-1", lambda app: replace(app, display_numbers=("+12025550101",)))
        with pytest.raises(NumberTaken):
            accounts.add_app(taken)
        accounts.change_app("app-2", lambda app: replace(app, active=False))
        accounts.remove_app("app-2")
        accounts.add_app(taken)
        with pytest.raises(NumberTaken, match="belongs to the SP sp-2"):
            accounts.change_app("app-1", lambda app: replace(app, display_numbers=("+12025550100",)))

    def test_as_many_display_numbers_as_may_change_at_once_do(self, accounts):
        """What an app is checked for (check_app.py) is what one write bears."""
        numbers = tuple(f"+120255501{last:02}" for last in range(100))
        accounts.add_sp(SP)
        accounts.add_app(replace(APP, display_numbers=numbers[:MOST_NUMBERS_CHANGED]))
        for shown in (numbers[80:100], numbers[10:100]):  # 80 fewer and 10 more, then 70 more
            accounts.change_app("app-1", lambda app, shown=shown: replace(app, display_numbers=shown))
            assert accounts.app("app-1").display_numbers == shown
        accounts.change_app("app-1", lambda app: replace(app, active=False))
        accounts.remove_app("app-1")
        accounts.add_sp(OTHER)
        accounts.add_app(App("app-3", "sp-2", "their secret", display_numbers=numbers[10:100]))

    def test_display_numbers_are_listed_and_claimed_twice(self, accounts):
        accounts.add_sp(SP)
        accounts.add_app(APP)
        assert list(accounts.listed_apps()) == [ListedApp("app-1", "sp-1", APP.display_numbers)]
        for _ in range(2):
            accounts.claim_number("+12025550109", "app-1", "sp-1")
        accounts.change_app("app-1", lambda app: replace(app, display_numbers=("+12025550100",)))
        assert accounts.is_display_number("+12025550101") and not accounts.is_display_number("+12025550133")
        assert sorted(accounts.display_numbers()) == ["+12025550100", "+12025550101", "+12025550109"]

    def test_sps_and_apps_are_listed_until_they_are_removed(self, accounts):
        accounts.add_sp(SP)
        accounts.add_app(APP)
        accounts.change_app("app-1", lambda app: replace(app, active=False))
        assert list(accounts.listed_sps()) == [SP]
        assert accounts.app_without_secrets("app-1") == replace(APP, active=False, secret="", older_secret="")
        assert list(accounts.listed_apps()) == [ListedApp("app-1", "sp-1", APP.display_numbers, active=False)]
        accounts.remove_app("app-1")
        assert list(accounts.listed_apps()) == []
        accounts.remove_sp("sp-1")
        assert list(accounts.listed_sps()) == []

    def test_an_sp_is_suspended_and_let_in_again(self, accounts):
        accounts.add_sp(SP)
        for active in (False, False, True, True):
            accounts.set_sp_active("sp-1", active=active)
            assert accounts.sp("sp-1") == replace(SP, active=active)
        with pytest.raises(UnknownSp):
            accounts.set_sp_active("sp-2", active=True)

    def test_the_password_of_an_sp_is_replaced_and_nothing_else(self, accounts):
        accounts.add_sp(SP)
        for _ in range(2):
            accounts.set_password("sp-1", "another hash")
            assert accounts.sp("sp-1") == replace(SP, password_hash="another hash")
        with pytest.raises(UnknownSp):
            accounts.set_password("sp-2", "another hash")

    def test_an_app_is_removed_once_it_is_suspended_and_no_call_holds_a_slot(self, accounts, hold):
        accounts.add_sp(SP)
        for app in (APP, replace(APP, key="app-2")):
            accounts.add_app(app)
            accounts.save(app.key, Register().grant(TokenPair("access", "refresh"), NOW))
        with pytest.raises(InvalidField, match=r"^app is active: suspend it first$"):
            accounts.remove_app("app-1")
        accounts.change_app("app-1", lambda app: replace(app, active=False))
        hold("app-1", "call-1")
        with pytest.raises(InvalidField, match=r"^app has calls in progress"):
            accounts.remove_app("app-1")
        for app_active, sp_active in ((False, True), (False, False)):  # what is known of the app is read again
            accounts.set_sp_active("sp-1", active=sp_active)
            found = Access(replace(APP, active=app_active), accounts.register("app-1"), replace(SP, active=sp_active))
            assert accounts.access_of("app-1") == found
        hold("app-1")
        accounts.remove_app("app-1")
        assert accounts.register("app-1") == Register()
        for again in (accounts.app, accounts.remove_app):
            with pytest.raises(UnknownApp):
                again("app-1")
        assert accounts.app("app-2") == replace(APP, key="app-2")
        assert accounts.register("app-2").version == 1

    def test_an_sp_is_removed_once_it_has_no_apps_and_its_names_are_free(self, accounts):
        accounts.add_sp(SP)
        accounts.add_sp(Sp("sp-2", "jill", "scrypt$…"))
        for key in ("app-2", "app-1"):
            accounts.add_app(replace(APP, key=key, active=False))
        with pytest.raises(InvalidField, match=r"^SP has apps: remove them first \(app-1, app-2\)$"):
            accounts.remove_sp("sp-1")
        for key in ("app-1", "app-2"):
            accounts.remove_app(key)
        accounts.remove_sp("sp-1")
        with pytest.raises(UnknownSp):
            accounts.remove_sp("sp-1")
        accounts.add_sp(SP)
        assert accounts.sp("sp-2").username == "jill"


class TestInMemory(Promises):
    @pytest.fixture
    def accounts(self):
        return FakeAccounts()

    @pytest.fixture
    def hold(self, accounts):
        return lambda app, *calls: accounts.held.update({app: set(calls)})


class TestInDynamo(Promises):
    @pytest.fixture
    def accounts(self, dynamo):
        return dynamo

    @pytest.fixture
    def hold(self, aws, table):
        def hold(app: str, *calls: str) -> None:
            for slot in held_slots(aws("dynamodb"), table):
                [write] = free_leaked(table, slot)
                aws("dynamodb").delete_item(**write[0]["Delete"])
            for number, call_id in enumerate(calls):
                slots = slots_of(aws("dynamodb"), table, callback(call_id, app), len(calls))
                aws("dynamodb").put_item(**slots.put(number)["Put"])

        return hold


def test_of_two_changes_at_once_none_is_lost(dynamo):
    """The second one's `change` is called again with what the first one wrote."""
    dynamo.add_sp(SP)
    dynamo.add_app(APP)
    seen: list[int] = []

    def second(app: App) -> App:
        if not seen:
            dynamo.change_app("app-1", lambda other: replace(other, calls_per_second=9))
        seen.append(app.calls_per_second)
        return replace(app, concurrent_calls=9)

    changed = dynamo.change_app("app-1", second)
    assert seen == [4, 9]
    assert (changed.calls_per_second, changed.concurrent_calls) == (9, 9)
    assert dynamo.app("app-1") == changed


class _Interrupted:
    """A DynamoDB client that does something before its request of a number."""

    def __init__(self, client, number, do):
        self._client, self._left, self._do = client, number, do

    def __getattr__(self, name):
        if name in ("transact_write_items", "get_paginator"):
            self._left -= 1
            if self._left == 0:
                self._do()
        return getattr(self._client, name)


@pytest.mark.parametrize("slot", [0, 100])
def test_a_call_that_is_accepted_while_its_app_is_removed_keeps_its_app_or_is_refused(aws, table, key, slot):
    """Its request read the app before it was suspended. 101 slots are closed by two transactions."""
    client, outcomes = aws("dynamodb"), []
    for moment in range(1, 6):
        call = callback(f"call-{moment}", f"app-{moment}")
        app = replace(APP, key=call.app, concurrent_calls=101, active=False, display_numbers=())
        accounts, accepted = DynamoAccountBook(client, table, KmsSecrets(aws("kms"), key)), list[str]()
        with suppress(AccountExists):
            accounts.add_sp(SP)
        accounts.add_app(app)

        def accept(call=call, accepted=accepted):
            with suppress(ClientError):
                client.put_item(**slots_of(client, table, call, 101).put(slot)["Put"])
                accepted.append(call.id)

        interrupted: Any = _Interrupted(client, moment, accept)
        racing = DynamoAccountBook(interrupted, table, KmsSecrets(aws("kms"), key))
        try:
            racing.remove_app(app.key)
        except InvalidField:
            assert accounts.app(app.key) == app
            assert slots_in_use(client, table, app.key) == 1
            client.put_item(**slots_of(client, table, call, 101).put(50)["Put"])
        else:
            accept()
            with pytest.raises(UnknownApp):
                accounts.app(app.key)
            assert (accepted, slots_in_use(client, table, app.key)) == ([], 0)
        outcomes.append(bool(accepted))
    assert outcomes == [True, slot == 100, False, False, False]
    assert {held.app for held in held_slots(client, table)} == {f"app-{number}" for number in (1, 2)[: 1 + slot // 100]}


def test_of_two_sps_that_add_one_number_at_once_the_second_is_refused(dynamo):
    """It is added between the check and the write: the write's own condition refuses, and the check names the owner."""
    dynamo.add_sp(SP)
    dynamo.add_sp(OTHER)
    check, checks = dynamo._check_owners, []

    def check_and_then(numbers, sp):
        check(numbers, sp)
        checks.append(sp)
        if len(checks) == 1:
            dynamo.add_app(replace(APP, key="app-2", sp="sp-2"))

    dynamo._check_owners = check_and_then
    with pytest.raises(NumberTaken, match="belongs to the SP sp-2"):
        dynamo.add_app(APP)
    assert checks == ["sp-1", "sp-2"]
    with pytest.raises(UnknownApp):
        dynamo.app("app-1")


def test_accounts_of_a_release_without_a_directory_are_listed_after_one_scan(dynamo, aws, table, monkeypatch):
    dynamo.add_sp(SP)
    dynamo.add_app(APP)
    for account in ("SP#sp-1", "APP#app-1"):
        aws("dynamodb").delete_item(TableName=table, Key=to_item({"pk": "DIRECTORY", "sk": account}))
    assert [sp.id for sp in dynamo.listed_sps()] == ["sp-1"]
    monkeypatch.delattr(DynamoDirectory, "_fill")
    assert [sp.id for sp in dynamo.listed_sps()] == ["sp-1"]
    assert [app.app_key for app in dynamo.listed_apps()] == ["app-1"]


def test_what_lets_a_token_in_is_one_request_after_the_first(dynamo, monkeypatch):
    for sp in (SP, OTHER):
        dynamo.add_sp(sp)
    dynamo.add_app(APP)
    assert dynamo.access_of("app-1").sp == SP
    with monkeypatch.context() as without:
        without.delattr(DynamoAccounts, "sp")
        assert dynamo.access_of("app-1").sp == SP
    dynamo.change_app("app-1", lambda app: replace(app, active=False))
    dynamo.remove_app("app-1")
    dynamo.add_app(replace(APP, sp="sp-2"))
    assert dynamo.access_of("app-1").sp == OTHER


def test_an_app_that_a_release_without_a_directory_has_added_is_found_thoroughly(dynamo, aws, table):
    dynamo.add_sp(SP)
    assert list(dynamo.listed_apps()) == []
    dynamo.add_app(APP)
    aws("dynamodb").delete_item(TableName=table, Key=to_item({"pk": "DIRECTORY", "sk": "APP#app-1"}))
    assert list(dynamo.listed_apps()) == []
    with pytest.raises(InvalidField, match="has apps"):
        dynamo.remove_sp("sp-1")
    assert [app.app_key for app in dynamo.listed_apps()] == ["app-1"]


def test_an_app_that_is_added_while_its_sp_is_removed_keeps_the_sp(dynamo):
    """It is added after the SP's apps were looked for: the removal looks again."""
    dynamo.add_sp(SP)
    look = dynamo.listed_apps

    def look_and_then(**how):
        found = list(look(**how))
        dynamo.listed_apps = look
        dynamo.add_app(APP)
        return found

    dynamo.listed_apps = look_and_then
    with pytest.raises(InvalidField, match=r"^SP has apps: remove them first \(app-1\)$"):
        dynamo.remove_sp("sp-1")
    assert dynamo.sp("sp-1") == SP


def test_no_app_is_added_to_an_sp_that_is_removed_meanwhile(dynamo):
    dynamo.add_sp(SP)
    check = dynamo._check_owners

    def check_and_then(numbers, sp):
        check(numbers, sp)
        dynamo.remove_sp("sp-1")

    dynamo._check_owners = check_and_then
    with pytest.raises(UnknownSp):
        dynamo.add_app(APP)
    with pytest.raises(UnknownApp):
        dynamo.app("app-1")


def test_a_row_of_an_older_version_has_the_defaults(dynamo, aws, table):
    dynamo.add_sp(SP)
    dynamo.add_app(replace(APP, older_secret=None))
    names = "push_signature reuse_nonces calls_per_second calls_per_callee_per_day countries test_numbers prompts"
    later = [*names.split(), "schemes", "allowed_addresses", "calls_per_number_per_minute", "requests_per_second"]
    aws("dynamodb").update_item(
        TableName=table,
        Key={"pk": {"S": "APP#app-1"}, "sk": {"S": "APP"}},
        UpdateExpression=f"REMOVE {', '.join(later)}",
    )
    app, plain = dynamo.app("app-1"), App("k", "sp", "s")
    assert {name: getattr(app, name) for name in later} == {name: getattr(plain, name) for name in later}


def test_at_rest_no_secret_and_no_token_is_readable(dynamo, aws, table):
    dynamo.add_sp(SP)
    dynamo.add_app(APP)
    dynamo.save("app-1", Register().grant(TokenPair("access-in-clear", "refresh-in-clear"), NOW))
    everything = repr(aws("dynamodb").scan(TableName=table)["Items"])
    assert "a secret" not in everything and "in-clear" not in everything


class OwnerPromises:
    """What following a link is told of an app."""

    def test_the_owner_of_a_recording_and_the_form_that_it_fetches(self, accounts, owners):
        accounts.add_sp(SP)
        accounts.add_app(APP)
        accounts.add_app(replace(APP, key="app-2", stereo_recordings=True))
        assert owners.owner("app-1") == Owner("app-1", stereo=False)
        assert owners.owner("app-2") == Owner("app-2", stereo=True)

    def test_who_is_suspended_or_not_there(self, accounts, owners):
        accounts.add_sp(SP)
        accounts.add_app(replace(APP, active=False))
        accounts.add_app(replace(APP, key="app-2"))
        with pytest.raises(AccountInactive):
            owners.owner("app-1")
        accounts.set_sp_active("sp-1", active=False)
        with pytest.raises(AccountInactive):
            owners.owner("app-2")
        with pytest.raises(UnknownApp):
            owners.owner("app-9")


class TestOwnersInMemory(OwnerPromises):
    @pytest.fixture
    def accounts(self):
        return FakeAccounts()

    @pytest.fixture
    def owners(self, accounts):
        return accounts


class TestOwnersInDynamo(OwnerPromises):
    @pytest.fixture
    def accounts(self, dynamo):
        return dynamo

    @pytest.fixture
    def owners(self, aws, table):
        return DynamoOwners(aws("dynamodb"), table)


def test_a_secret_that_was_copied_to_another_app_does_not_open(dynamo, aws, table, key):
    dynamo.add_sp(SP)
    dynamo.add_app(APP)
    client = aws("dynamodb")
    row = client.get_item(TableName=table, Key={"pk": {"S": "APP#app-1"}, "sk": {"S": "APP"}})["Item"]
    client.put_item(TableName=table, Item=row | {"pk": {"S": "APP#app-9"}, "key": {"S": "app-9"}})
    with pytest.raises(ClientError, match="InvalidCiphertextException"):
        DynamoAccounts(client, table, KmsSecrets(aws("kms"), key)).app("app-9")


def test_the_api_changes_an_app_s_urls(dynamo, aws, table, key):
    dynamo.add_sp(SP)
    dynamo.add_app(APP)
    accounts = DynamoAccounts(aws("dynamodb"), table, KmsSecrets(aws("kms"), key))
    changed = accounts.change_app("app-1", lambda app: replace(app, status_url="https://sp.example.com/other"))
    assert changed == dynamo.app("app-1") == replace(APP, status_url="https://sp.example.com/other")


def test_an_app_is_opened_among_items_of_its_table(dynamo, aws, table):
    dynamo.add_sp(SP)
    dynamo.add_app(APP)
    items = aws("dynamodb").scan(TableName=table)["Items"]
    assert dynamo.app_in("app-1", items) == APP
    with pytest.raises(UnknownApp):
        dynamo.app_in("app-9", items)


def test_a_register_goes_by_itself_a_day_after_its_last_token(dynamo, aws, table):
    dynamo.save("app-1", Register().log_in(NOW).grant(TokenPair("a", "r"), NOW))
    row = aws("dynamodb").get_item(TableName=table, Key={"pk": {"S": "APP#app-1"}, "sk": {"S": "TOKENS"}})["Item"]
    assert int(row["expires_at"]["N"]) == int((NOW + REFRESH_LIFE + timedelta(days=1)).timestamp())


@pytest.mark.parametrize(("fields", "replaced_ends_at_log_out"), [(5, False), (6, True)])
def test_a_register_that_an_older_version_wrote_is_read(dynamo, aws, table, fields, replaced_ends_at_log_out):
    """It did not keep which log-in a pair comes from; an even older one, nor which refresh."""
    dynamo.save("app-1", Register().grant(TokenPair("a", "r"), NOW).refresh("r", TokenPair("a2", "r2"), NOW))
    row = aws("dynamodb").get_item(TableName=table, Key={"pk": {"S": "APP#app-1"}, "sk": {"S": "TOKENS"}})["Item"]
    older = [grant[:fields] for grant in json.loads(row["grants"]["S"])]
    aws("dynamodb").put_item(TableName=table, Item=row | {"grants": {"S": json.dumps(older)}})
    read = dynamo.register("app-1")
    read.refresh("r2", TokenPair("a3", "r3"), NOW).check_access("a3", NOW)
    assert (not read.log_out("a2", NOW).grants) == replaced_ends_at_log_out


class CountingKms:
    """Counts what it is asked to open."""

    def __init__(self, kms) -> None:
        self.kms, self.opened = kms, 0

    def decrypt(self, **request):
        self.opened += 1
        return self.kms.decrypt(**request)


def test_a_secret_is_opened_once_a_process(dynamo, aws, table):
    dynamo.add_sp(SP)
    dynamo.add_app(replace(APP, older_secret=None))
    kms = CountingKms(aws("kms"))
    accounts = DynamoAccounts(aws("dynamodb"), table, KmsSecrets(cast("KMSClient", kms)))
    assert [accounts.app("app-1").secret for _ in range(3)] == ["a secret"] * 3
    assert kms.opened == 1


def test_a_table_that_does_not_answer_is_said_as_out_of_reach():
    client = boto3.client(
        "dynamodb",
        endpoint_url="http://127.0.0.1:9",  # discard: nobody listens
        region_name="us-east-1",
        aws_access_key_id="x",
        aws_secret_access_key="x",
        config=Config(retries={"total_max_attempts": 1}),
    )
    with pytest.raises(OutsideUnavailable):
        DynamoAccounts(client, "accounts", KmsSecrets(boto3.client("kms", region_name="us-east-1"))).register("app-1")
