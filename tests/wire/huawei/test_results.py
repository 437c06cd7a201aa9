"""The table from errors to what an SP reads."""

import inspect
from datetime import timedelta

import pytest

from duologue.domain import errors
from duologue.domain.access.tokens import TokenPair
from duologue.domain.errors import DuologueError, InvalidField, RefusedForNow, RequestRefused
from duologue.wire.huawei.results import ERROR_ROWS, UNFORESEEN, failure, placed, signed_in, success

EVERY_ERROR = [
    kind
    for _, kind in inspect.getmembers(errors, inspect.isclass)
    if issubclass(kind, DuologueError) and not issubclass(kind, errors.AlreadyDone)
]


def made(kind: type[DuologueError]) -> DuologueError:
    if issubclass(kind, errors.NumberRefused):
        return kind("calleeNbr", "is wrong", errors.NumberRule.SHORT)
    if issubclass(kind, InvalidField):
        return kind("displayNbr", "is wrong")
    if kind is errors.DayCeilingReached:
        return kind(errors.Ceiling.MINUTES, timedelta(seconds=7))
    if kind is errors.DialledNumberLimitReached:
        return kind("calleeNbr", timedelta(seconds=7))
    if issubclass(kind, RefusedForNow):
        return kind("+12025550111 secret", timedelta(seconds=7))
    if kind is errors.MemoryChanged:
        return kind(3)
    return kind("+12025550111 secret")


@pytest.mark.parametrize("kind", EVERY_ERROR)
def test_every_error_has_both_a_status_and_the_envelope(kind):
    answer = failure(made(kind))
    assert answer.status in (400, 403, 404, 500)
    assert set(answer.body) - {"version"} == {"resultcode", "resultdesc"}
    assert answer.body["resultcode"].isdigit() and answer.body["resultcode"] != "0"
    assert 1 <= len(answer.body["resultdesc"]) <= 128


@pytest.mark.parametrize("kind", [kind for kind in EVERY_ERROR if not issubclass(kind, InvalidField)])
def test_only_our_own_sentences_are_told(kind):
    assert "+12025550111" not in failure(made(kind)).body["resultdesc"]


@pytest.mark.parametrize("kind", [kind for kind in EVERY_ERROR if issubclass(kind, RequestRefused)])
def test_what_the_sp_must_change_is_never_an_error_of_ours(kind):
    assert failure(made(kind)).status < 500


QUOTA = "No more API invocations are allowed. The call would exceed what the app may use today:"


@pytest.mark.parametrize(
    ("error", "status", "code", "text", "again_after"),
    [
        (errors.ForbiddenAddress("feeUrl", "is no"), 403, "1010002", "Invalid request.feeUrl is no", None),
        (errors.TokenExpired("x"), 403, "1010004", "Invalid access_token.", None),
        (errors.NonceUsed("x"), 403, "1020003", "Parameter error. The nonce was used before.", None),
        (errors.TooManyLogIns("x", timedelta(seconds=40.2)), 403, "1010010", "Too many log-ins, try later.", "41"),
        (errors.DayCeilingReached(errors.Ceiling.SPEND, timedelta(hours=9)), 403, "1010009", f"{QUOTA} spend", "32400"),
        (errors.LimitReached("x"), 403, "1020165", "All concurrent calls of the app are in use.", "5"),
        (errors.RaceLost("x"), 500, "1010001", "Internal error.", None),
        (KeyError("secret"), 500, "1010001", "Internal error.", None),
    ],
)
def test_what_a_row_becomes(error, status, code, text, again_after):
    """Its text, with the error's own or without; its wait, or the error's own in whole seconds; a base class's row."""
    answer = failure(error)
    assert (answer.status, answer.body) == (status, {"resultcode": code, "resultdesc": text})
    assert answer.headers.get("Retry-After") == again_after


def test_a_repeat_is_a_success():
    assert failure(errors.CallAlreadyAccepted("x")).body == {"resultcode": "0", "resultdesc": "Success"}


def test_every_row_says_why_and_names_a_class_of_ours():
    assert all(row.why and issubclass(kind, DuologueError) for kind, row in ERROR_ROWS.items())


def test_the_static_answer():
    assert (UNFORESEEN.status, UNFORESEEN.body["resultdesc"]) == (500, "Internal error.")


def test_successes():
    assert success().body == {"resultcode": "0", "resultdesc": "Success"}
    assert placed("s@h", None).body == {"resultcode": "0", "resultdesc": "Success", "sessionId": "s@h"}
    assert placed("s@h", 9).body["idlePort"] == 9
    assert signed_in(TokenPair("a", "r")).body == {
        "access_token": "a",
        "refresh_token": "r",
        "resultcode": "0",
        "resultdesc": "Succeed",
        "expires_in": "172800",
    }
