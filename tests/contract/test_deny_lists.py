"""The deny lists as they are kept in DynamoDB, read with a callback and managed by the operator."""

import json
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from duologue.adapters.access.dynamo_account_book import DynamoAccountBook
from duologue.adapters.access.kms_secrets import KmsSecrets
from duologue.adapters.numbers.dynamo_deny_lists import DynamoDenyLists
from duologue.adapters.numbers.dynamo_rates import DynamoRates
from duologue.domain.access.accounts import App, Sp
from duologue.domain.accounting.rates import ESTIMATES
from duologue.domain.numbers.deny_list import Denials, Entry, Verdict
from duologue.domain.numbers.phone_number import PhoneNumber
from duologue.usecases.ports.denying import DoNotCall
from tests.contract.test_accounts import new_table
from tests.fakes.clock import FakeClock
from tests.fakes.memories import FakeMemorySeal
from tests.samples import CALLEE, CALLER, NOW

DENY, ALLOW = Entry(Verdict.DENY, "traffic pumping"), Entry(Verdict.ALLOW)


@pytest.fixture
def table(aws):
    return new_table(aws("dynamodb"))


@pytest.fixture
def clock():
    return FakeClock(NOW)


@pytest.fixture
def lists(aws, table, clock):
    return DynamoDenyLists(aws("dynamodb"), table, FakeMemorySeal(), clock.now)


def test_nothing_is_listed_at_first(lists):
    assert lists.of((CALLER, CALLEE)) == Denials({}, frozenset(), frozenset())
    assert (lists.entries(), list(lists.on_do_not_call())) == ({}, [])
    assert not lists.may_call(CALLER)


def test_patterns_are_kept_with_their_verdicts_and_no_change_is_lost(lists, aws, table):
    lists.change_entries(lambda had: {**had, "+1712": DENY})
    other = DynamoDenyLists(aws("dynamodb"), table, FakeMemorySeal())
    between = iter([lambda: other.change_entries(lambda had: {**had, "+1218": DENY})])

    def change(had):
        next(between, lambda: None)()
        return {**had, "+1712432": ALLOW}

    lists.change_entries(change)
    assert lists.entries() == lists.of((CALLER,)).entries == {"+1218": DENY, "+1712": DENY, "+1712432": ALLOW}


def test_a_process_reads_the_patterns_every_ten_seconds_and_the_numbers_each_time(lists, aws, table, clock):
    """With a full list the patterns are 60 read units in one partition, which has 3,000 a second."""
    read = []

    class Watched:
        def batch_get_item(self, **request):
            read.append(request["RequestItems"][table]["Keys"])
            return aws("dynamodb").batch_get_item(**request)

    client: Any = Watched()
    watched = DynamoDenyLists(client, table, FakeMemorySeal(), clock.now)

    def reads_patterns(listed=frozenset()) -> bool:
        assert watched.of((CALLEE,)).do_not_call == listed
        return {"pk": {"S": "DIALLING#PLATFORM"}, "sk": {"S": "DENIED"}} in read[-1]

    assert [reads_patterns() for _ in range(3)] == [True, False, False]
    lists.change_entries(lambda had: {**had, "+1712": DENY})
    lists.do_not_call(CALLEE, NOW, "")
    clock.advance(9)
    assert not reads_patterns({CALLEE})
    clock.advance(1)
    assert reads_patterns({CALLEE})
    assert watched.of((CALLEE,)).entries == {"+1712": DENY}
    clock.advance(-3600)  # set back
    assert reads_patterns({CALLEE})


def test_a_process_reads_the_rates_once_a_minute_and_what_it_has_written_itself_at_once(aws, table, clock):
    book, other = (DynamoRates(aws("dynamodb"), table, clock.now) for _ in range(2))
    assert book.rates() == ESTIMATES
    other.set_rates({"+1": 21_500})
    clock.advance(59)
    assert (book.rates(), other.rates()) == (ESTIMATES, {"+1": 21_500})
    clock.advance(1)
    assert book.rates() == {"+1": 21_500}
    book.forget_rates()
    assert book.rates() == ESTIMATES


def test_a_number_that_is_not_to_be_called_is_found_and_cannot_be_read(lists, aws, table):
    lists.do_not_call(CALLEE, NOW, "a campaign")
    lists.do_not_call(CALLEE, NOW + timedelta(days=1), "asked for it")
    lists.do_not_call(CALLEE, NOW + timedelta(days=2), "")
    assert lists.of((CALLER, CALLEE)).do_not_call == {CALLEE}
    assert list(lists.on_do_not_call()) == [DoNotCall(str(CALLEE), NOW, "asked for it")]
    assert CALLEE.e164[1:] not in json.dumps(aws("dynamodb").scan(TableName=table)["Items"])
    assert lists.may_call(CALLEE)
    assert lists.of((CALLEE,)).do_not_call == frozenset()


def test_a_display_number_is_known_while_an_app_shows_it(lists, aws, table):
    shown = (PhoneNumber("+12025550100"), PhoneNumber("+12025550101"))
    key = aws("kms").create_key()["KeyMetadata"]["KeyId"]
    accounts = DynamoAccountBook(aws("dynamodb"), table, KmsSecrets(aws("kms"), key))
    accounts.add_sp(Sp("sp-1", "jack", "hash"))
    accounts.add_app(App("app-1", "sp-1", "secret", display_numbers=tuple(number.e164 for number in shown)))
    assert lists.of((*shown, CALLER)).shown == set(shown)
    accounts.change_app("app-1", lambda app: replace(app, display_numbers=(shown[0].e164,)))
    assert lists.of((*shown, CALLER)).shown == {shown[0]}
