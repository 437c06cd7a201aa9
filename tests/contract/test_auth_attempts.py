"""Nonces are good once and wrong attempts are counted, in memory, in moto's DynamoDB and in the local cloud's."""

import json
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest

from duologue.adapters.access.auth_metrics import count_failed_authentication
from duologue.adapters.access.dynamo_auth_attempts import DynamoAuthAttempts
from duologue.domain.access.attempts import LOCKED_FOR, Attempt, Failures, Proof
from duologue.domain.errors import AuthenticationLocked, NonceUsed, RaceLost
from duologue.usecases.access.count_failure import count_failure
from tests.contract.test_accounts import new_table
from tests.fakes.auth_attempts import FakeAuthAttempts
from tests.fakes.clock import FakeClock
from tests.samples import NOW, at

UNTIL = NOW + timedelta(minutes=10)
HERE = Attempt("app-1", Proof.DIGEST, "198.51.100.20")
OTHERS = [
    Attempt("app-2", Proof.DIGEST, "198.51.100.20"),
    Attempt("app-1", Proof.PASSWORD, "198.51.100.20"),
    Attempt("app-1", Proof.DIGEST, "198.51.100.21"),
    Attempt("app-1", Proof.DIGEST, ""),
    Attempt("app-1", Proof.DIGEST, "x" * 5000),
]


@pytest.fixture
def table(aws):
    return new_table(aws("dynamodb"))


@pytest.fixture
def dynamo(aws, table):
    return DynamoAuthAttempts(aws("dynamodb"), table)


def tried(auth_attempts, nonce: str = "once") -> str:
    try:
        auth_attempts.use_nonce("app-1", nonce, UNTIL, NOW)
    except NonceUsed:
        return "used"
    return "let in"


class Promises:
    """What every gate keeps."""

    def test_a_nonce_is_good_once_for_each_app(self, auth_attempts):
        auth_attempts.use_nonce("app-1", "once", UNTIL, NOW)
        for again in (NOW, at(1), UNTIL):
            with pytest.raises(NonceUsed):
                auth_attempts.use_nonce("app-1", "once", again + timedelta(minutes=10), again)
        auth_attempts.use_nonce("app-2", "once", UNTIL, NOW)
        auth_attempts.use_nonce("app-1", "Once", UNTIL, NOW)
        auth_attempts.use_nonce("app-1", "é+/=" * 2000, UNTIL, NOW)

    def test_what_is_past_is_forgotten_whether_it_was_taken_away_or_not(self, auth_attempts):
        auth_attempts.use_nonce("app-1", "once", UNTIL, NOW)
        later = UNTIL + timedelta(seconds=1)
        auth_attempts.use_nonce("app-1", "once", later + timedelta(minutes=10), later)
        with pytest.raises(NonceUsed):
            auth_attempts.use_nonce("app-1", "once", later + timedelta(minutes=10), later)

    def test_two_hundred_requests_with_one_nonce_let_one_in(self, auth_attempts):
        assert Counter(tried(auth_attempts) for _ in range(200)) == {"let in": 1, "used": 199}

    def test_failures_come_back_as_they_were_saved_each_kind_for_itself(self, auth_attempts):
        assert auth_attempts.failures(HERE) == Failures()
        once = Failures().count(at(0.25))
        auth_attempts.save_failures(HERE, once)
        assert auth_attempts.failures(HERE) == Failures((at(0.25),), None, 1)
        locked = Failures((), NOW + LOCKED_FOR, 1)
        auth_attempts.save_failures(HERE, locked)
        assert auth_attempts.failures(HERE) == Failures((), NOW + LOCKED_FOR, 2)
        assert [auth_attempts.failures(other) for other in OTHERS] == [Failures()] * len(OTHERS)

    def test_of_two_writes_that_read_the_same_the_second_loses(self, auth_attempts):
        for _ in range(2):
            read = auth_attempts.failures(HERE)
            auth_attempts.save_failures(HERE, read.count(NOW))
            with pytest.raises(RaceLost):
                auth_attempts.save_failures(HERE, read.count(NOW))
        assert len(auth_attempts.failures(HERE).at) == 2

    def test_ten_lock_and_the_lock_ends(self, auth_attempts):
        clock = FakeClock(NOW)
        for _ in range(15):
            count_failure(HERE, auth_attempts=auth_attempts, clock=clock)
        with pytest.raises(AuthenticationLocked):
            auth_attempts.failures(HERE).check(clock.now())
        auth_attempts.failures(HERE).check(NOW + LOCKED_FOR)


class TestInMemory(Promises):
    @pytest.fixture
    def auth_attempts(self):
        return FakeAuthAttempts()

    def test_two_hundred_at_once(self, auth_attempts):
        assert at_once(auth_attempts) == {"let in": 1, "used": 199}


class TestInDynamo(Promises):
    @pytest.fixture
    def auth_attempts(self, dynamo):
        return dynamo


@pytest.mark.parametrize("aws", ["lab"], indirect=True)
class TestAtOnce:
    """moto's tables are not for threads."""

    def test_two_hundred_requests_with_one_nonce(self, dynamo):
        assert at_once(dynamo) == {"let in": 1, "used": 199}

    def test_however_many_fail_at_once_it_is_locked(self, dynamo):
        clock = FakeClock(NOW)
        with ThreadPoolExecutor(20) as pool:
            list(pool.map(lambda _: count_failure(HERE, auth_attempts=dynamo, clock=clock), range(60)))
        with pytest.raises(AuthenticationLocked):
            dynamo.failures(HERE).check(NOW)


def at_once(auth_attempts) -> Counter[str]:
    with ThreadPoolExecutor(50) as pool:
        return Counter(pool.map(lambda _: tried(auth_attempts), range(200)))


def test_the_sdk_may_repeat_a_write_whose_answer_was_lost(dynamo, aws):
    """The second attempt of the same request is not a replay: it names the same taker."""
    calls = []

    class Losing:
        """Answers the first write by doing it twice, as the SDK does after a time-out."""

        def update_item(self, **request):
            calls.append(request)
            aws("dynamodb").update_item(**request)
            return aws("dynamodb").update_item(**request)

    dynamo._client = Losing()
    assert tried(dynamo) == "let in"
    assert len(calls) == 1
    dynamo._client = aws("dynamodb")
    assert tried(dynamo) == "used"


def test_the_operator_sees_every_failure_with_its_address_and_can_forget_it(dynamo):
    every = [HERE, *OTHERS[:3], Attempt("", Proof.PASSWORD, "2001:db8::20"), Attempt("app#2", Proof.SECRET, "::1")]
    for attempt in every:
        dynamo.save_failures(attempt, Failures().count(NOW))
    dynamo.use_nonce("app-1", "once", UNTIL, NOW)
    found = dict(dynamo.all_failures())
    assert found == dict.fromkeys(every, Failures((NOW,), None, 1))
    for _ in range(2):
        dynamo.forget(HERE)
    assert dynamo.failures(HERE) == Failures()
    assert set(dict(dynamo.all_failures())) == set(every[1:])


def test_each_failure_is_counted_and_each_lock_of_an_app_too(aws, table, capsys, caplog):
    """Dimensions cost money each, and a stranger chooses app keys."""
    counting, clock = DynamoAuthAttempts(aws("dynamodb"), table, count_failed_authentication), FakeClock(NOW)
    for attempt in (HERE, Attempt("", Proof.PASSWORD, "198.51.100.66")):
        for _ in range(12):
            count_failure(attempt, auth_attempts=counting, clock=clock)
    lines = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    metrics = [line["_aws"]["CloudWatchMetrics"][0] for line in lines]
    names = [metric["Metrics"][0]["Name"] for metric in metrics]
    assert Counter(zip(names, (line["Proof"] for line in lines), strict=True)) == {
        ("AuthenticationFailed", "digest"): 10,
        ("AuthenticationLocked", "digest"): 1,
        ("AuthenticationFailed", "password"): 10,
    }
    assert all(metric["Dimensions"] == [[], ["Proof"]] for metric in metrics)
    told = vars(caplog.records[9])
    assert told.items() >= {"app": "app-1", "proof": "digest", "source": "198.51.100.20", "locked": True}.items()


def test_what_is_remembered_goes_by_itself(dynamo, aws, table):
    dynamo.use_nonce("app-1", "once", UNTIL, NOW)
    dynamo.save_failures(HERE, Failures().count(NOW))
    ends = {int(row["expires_at"]["N"]) for row in aws("dynamodb").scan(TableName=table)["Items"]}
    assert ends == {int(UNTIL.timestamp()), int((NOW + timedelta(minutes=5)).timestamp()) + 1}


def test_a_row_that_time_took_away_between_reading_and_writing_is_begun_anew(dynamo, aws, table):
    dynamo.save_failures(HERE, Failures().count(NOW))
    read = dynamo.failures(HERE)
    [row] = aws("dynamodb").scan(TableName=table)["Items"]
    aws("dynamodb").delete_item(TableName=table, Key={"pk": row["pk"], "sk": row["sk"]})
    dynamo.save_failures(HERE, read.count(at(1)))
    assert len(dynamo.failures(HERE).at) == 2
