"""Call memories as the SP reads and changes them: API event in, envelope out."""

import json
from dataclasses import replace
from datetime import timedelta

import pytest

from duologue.domain.access.accounts import App, Sp
from duologue.domain.access.tokens import Register, TokenPair
from duologue.domain.errors import OutsideUnavailable
from duologue.domain.memory.call_memory import WhyNot
from duologue.domain.memory.memory_history import Pair
from duologue.domain.numbers.phone_number import PhoneNumber
from duologue.wire.huawei.memories import WHY_NOT
from tests.functions.worlds import ABSENT, CALL_ID, CALLED, HOST, OWN, Api, sample, with_query
from tests.samples import NOW, at

LOOKED_UP, LISTED, CHANGED, DELETED = (
    sample("callback_api", name)
    for name in ("call_memory_looked_up", "call_memories_listed", "call_memory_changed", "call_memory_deleted")
)
JACK, SOPHIA, JILL = CALLED[0], CALLED[1], "+12025550144"
GONE = (403, {"resultcode": "1016001", "resultdesc": "The record does not exist."})
NOT_THE_APPS = (
    403,
    {"resultcode": "1010023", "resultdesc": "Invalid display number.displayNbr is not a number of the app"},
)
REMEMBERED = {
    "displayNbr": OWN[1],
    "calleeNbr": SOPHIA,
    "callerNbr": JACK,
    "setBy": "call",
    "sessionId": f"{CALL_ID}@{HOST}",
    "userData": "order-17",
    "rememberedAt": "2026-11-23T09:00:00.000Z",
    "expiresAt": "2026-12-23T09:00:00.000Z",
    "version": 1,
}
SUCCESS = {"resultcode": "0", "resultdesc": "Success"}


@pytest.fixture
def api():
    return Api()


def changing(**fields):
    sent = {**json.loads(CHANGED["body"]), **fields}
    return CHANGED | {"body": json.dumps({name: value for name, value in sent.items() if value is not ABSENT})}


def deleting(version):
    return with_query(DELETED, version=str(version))


# ---- what is answered, field by field


def test_a_memory_says_who_would_be_rung_since_when_by_which_call_and_until_when(api):
    api.remember()
    assert api.say(LOOKED_UP) == (
        200,
        SUCCESS
        | {
            "callMemory": REMEMBERED
            | {
                "wouldRing": True,
                "why": "the called party of sessionId was called from displayNbr at rememberedAt",
                "history": [],
            }
        },
    )


def test_a_change_and_a_deletion(api):
    api.remember()
    api.clock.at = at(60)
    change = {
        "at": "2026-11-23T09:01:00.000Z",
        "who": f"{api.key} 0b7d6f52-8c1e-4f0b-9a3d-5e2c4b6a7f90",
        "from": "+120******11",
        "to": "+120******44",
        "version": 2,
    }
    after = REMEMBERED | {
        "callerNbr": JILL,
        "setBy": "sp",
        "rememberedAt": "2026-11-23T09:01:00.000Z",
        "expiresAt": "2026-11-24T09:01:00.000Z",
        "version": 2,
        "wouldRing": True,
        "why": "callerNbr was set by a request at rememberedAt",
        "history": [change],
    }
    assert api.say(CHANGED) == (200, SUCCESS | {"callMemory": after})
    assert api.say(LOOKED_UP) == (200, SUCCESS | {"callMemory": after})
    assert api.say(deleting(2)) == (200, SUCCESS)
    assert api.say(LOOKED_UP) == GONE
    assert api.say(deleting(2)) == GONE, "a repeat after a lost answer: there is none"
    api.remember(second=90)
    history = api.say(LOOKED_UP)[1]["callMemory"]["history"]
    deletion = {key: change[key] for key in ("at", "who")} | {"from": "+120******44", "version": 3}
    assert history == [deletion, change], "the newest first; they outlive the memory"


def test_of_many_changes_the_ten_newest_are_shown(api):
    api.remember()
    for version in range(1, 13):
        assert api.say(changing(callerNbr=f"+120255501{50 + version}", version=version))[0] == 200
    history = api.say(LOOKED_UP)[1]["callMemory"]["history"]
    assert [change["version"] for change in history] == list(range(13, 3, -1))


@pytest.mark.parametrize("event", [CHANGED, deleting(1)], ids=["change", "delete"])
def test_a_change_is_later_than_what_it_changes_though_its_clock_is_behind(api, event):
    """Else a call that was dialled before both, and is written after them, would undo it."""
    api.remember(second=10)
    api.clock.at = at(5)
    assert api.say(event)[0] == 200
    after = dict(api.memories.rows)
    with pytest.raises(AssertionError):
        api.remember(second=8)
    assert api.memories.rows == after


def test_a_page_of_a_display_number(api):
    """Other display numbers, other SPs and what has expired are not in it."""
    for number in range(5):
        api.remember(dialler=f"+1202555015{number}")
    api.remember(display=OWN[0])
    api.remember(dialler="+12025550160", sp="sp-2")
    api.remember(dialler="+12025550161", expires_at=at(-1))
    seen: list[dict[str, str]] = []
    query: dict[str, str] = {}
    while True:
        status, body = api.say(with_query(LISTED, limit="2", **query))
        assert status == 200
        assert body.keys() - {"cursor"} == {"resultcode", "resultdesc", "callMemories"}
        assert len(body["callMemories"]) <= 2
        seen += body["callMemories"]
        if "cursor" not in body:
            break
        query = {"cursor": body["cursor"]}
    assert sorted(seen, key=lambda memory: memory["calleeNbr"]) == [
        REMEMBERED | {"calleeNbr": f"+1202555015{number}"} for number in range(5)
    ]


def test_a_page_has_25_unless_a_limit_is_sent(api):
    for number in range(30):
        api.remember(dialler=f"+120255501{number:02}")
    assert len(api.say(with_query(LISTED, limit=ABSENT))[1]["callMemories"]) == 25
    assert len(api.say(with_query(LISTED, limit="100"))[1]["callMemories"]) == 30


@pytest.mark.parametrize("spelled", ["+12025550101", " 12025550101"])
def test_a_plus_sign_that_was_not_escaped_arrives_as_a_space(api, spelled):
    api.remember()
    assert api.say(with_query(LOOKED_UP, displayNbr=spelled, calleeNbr=spelled[0] + SOPHIA[1:]))[0] == 200
    assert len(api.say(with_query(LISTED, displayNbr=spelled))[1]["callMemories"]) == 1
    assert api.say(with_query(DELETED, displayNbr=spelled, calleeNbr=spelled[0] + SOPHIA[1:]))[0] == 200


# ---- what is refused


@pytest.mark.parametrize(
    ("event", "code", "said"),
    [
        (with_query(LOOKED_UP, displayNbr=ABSENT), "1010002", "displayNbr is required"),
        (with_query(LOOKED_UP, calleeNbr="2025550122"), "1010002", "calleeNbr must be E.164"),
        (with_query(LISTED, limit="0"), "1010002", "limit must be 1 to 100"),
        (with_query(LISTED, limit="101"), "1010002", "limit must be 1 to 100"),
        (with_query(LISTED, limit="ten"), "1010002", "limit must be a whole number"),
        (with_query(LISTED, cursor="x" * 129), "1010002", "cursor must have 1 to 128 characters"),
        (with_query(LISTED, cursor="é"), "1010002", "cursor is not one of this list"),
        (with_query(LISTED, cursor="\ud800"), "1010002", "cursor is not one of this list"),
        (with_query(LISTED, displayNbr="\ud800"), "1010002", "displayNbr must be E.164"),
        (with_query(DELETED, version="١"), "1010002", "version must be a whole number"),
        (with_query(DELETED, calleeNbr=ABSENT), "1010002", "calleeNbr is required"),
        (with_query(DELETED, version=ABSENT), "1010002", "version is required"),
        (with_query(DELETED, version="one"), "1010002", "version must be a whole number"),
        (changing(version=ABSENT), "1010002", "version is required"),
        (changing(version=0), "1010002", "version must be 1 to 999999999"),
        (changing(callerNbr=ABSENT), "1010002", "callerNbr is required"),
        (changing(expiredTime=0), "1010002", "expiredTime must be 1 to 2160 hours"),
        (changing(expiredTime=721), "1010002", "expiredTime must be 1 to 720 hours"),
        (changing(callerNbr="+447400123456"), "1010024", "callerNbr is a number of GB; the app may not dial there"),
        (changing(callerNbr="+19002345678"), "1010024", "callerNbr is a premium-rate number"),
        (changing(callerNbr=SOPHIA), "1010024", "callerNbr is the number that dials"),
        (changing(callerNbr="+12029760123"), "1010024", "callerNbr is in a range that is not dialled"),
        (changing(callerNbr=OWN[0]), "1010024", "callerNbr is a display number of this platform"),
        (changing(version=2), "1010002", "Invalid request.version is 1 now"),
        (deleting(2), "1010002", "Invalid request.version is 1 now"),
    ],
)
def test_a_refusal_names_its_fault_and_changes_nothing(api, event, code, said):
    before = api.remember()
    status, body = api.say(event)
    assert (status, body["resultcode"]) == (403, code)
    assert said in body["resultdesc"]
    assert body.get("version") == (1 if "is 1 now" in said else None)
    assert (api.memories.memory(before.key), api.memories.audit) == (before, {})


def test_the_number_to_be_rung_may_be_one_that_both_apps_dial(api):
    """The remembered call's app dials it, if another app of the SP makes the change."""
    other = App("app-2", "sp-1", "secret", display_numbers=(OWN[1],), countries=("US", "GB"))
    api.accounts.add_app(other)
    api.remember(app="app-2")
    assert api.say(changing(callerNbr="+447400123456"))[1]["resultcode"] == "1010024"
    api.accounts.change_app(api.key, lambda app: replace(app, countries=("US", "GB", "CA")))
    assert api.say(changing(callerNbr="+447400123456"))[0] == 200
    assert api.say(changing(callerNbr="+15062345678", version=2))[1]["resultcode"] == "1010024"


# ---- why nobody


def suspend(api, **settings):
    """The other app of the SP, whose call left the memory."""
    api.accounts.change_app("app-2", lambda app: replace(app, **settings))


@pytest.mark.parametrize(
    ("reason", "befalls"),
    [
        (WhyNot.LOOP, lambda api: api.accounts.claim_number(SOPHIA, "app-2", "sp-1")),
        (WhyNot.OTHER_SP, lambda api: api.accounts.numbers.update({OWN[1]: {("sp-2", "app-3")}})),
        (WhyNot.APP_INACTIVE, lambda api: suspend(api, active=False)),
        (WhyNot.MEMORY_OFF, lambda api: suspend(api, call_memory=False)),
        (WhyNot.COUNTRY, lambda api: suspend(api, countries=("CA",))),
    ],
)
def test_a_memory_that_would_ring_nobody_says_why(api, reason, befalls):
    api.accounts.add_app(App("app-2", "sp-1", "secret", display_numbers=(OWN[1],)))
    api.remember(app="app-2")
    befalls(api)
    memory = api.say(LOOKED_UP)[1]["callMemory"]
    assert (memory["wouldRing"], memory["reason"], memory["why"]) == (False, reason.value, WHY_NOT[reason])


def test_every_reason_has_words_but_those_without_a_memory():
    assert set(WhyNot) - set(WHY_NOT) == {WhyNot.NOT_REMEMBERED, WhyNot.EXPIRED}


@pytest.mark.parametrize("second", [-1, 0, 1, 86_400])
def test_what_has_expired_is_no_memory_though_the_store_has_not_deleted_it(api, second):
    """Hours of a change count from the change; the last moment is the one before the expiry."""
    api.remember()
    assert api.say(changing(expiredTime=1))[0] == 200
    api.clock.at = NOW + timedelta(hours=1, seconds=second)
    there = second < 0
    assert (api.say(LOOKED_UP)[0] == 200) is there
    assert (api.say(LISTED)[1]["callMemories"] != []) is there
    if not there:
        assert [api.say(event) for event in (LOOKED_UP, changing(version=2), deleting(2))] == [GONE] * 3


# ---- whose it is


def another_sp(api) -> None:
    """It has a number of its own, and a memory of the same person on it."""
    api.accounts.add_sp(Sp("sp-2", "jill", "no log-in here"))
    api.accounts.add_app(App("app-3", "sp-2", "secret", display_numbers=("+12025550109",)))
    api.remember(display="+12025550109", sp="sp-2", app="app-3")


def another_app(api, *numbers: str) -> None:
    api.accounts.add_app(App("app-2", "sp-1", "secret", display_numbers=numbers))
    for number in numbers:
        api.remember(display=number, app="app-2")


def moved(api) -> None:
    """The display number was another SP's, and its memories are still there."""
    another_sp(api)
    api.remember(sp="sp-2", app="app-3")


VERBS = {"look up": LOOKED_UP, "list": LISTED, "change": CHANGED, "delete": DELETED}
X_OWN, X_OTHER_APPS, X_OTHER_SPS, X_NOBODYS = OWN[1], "+12025550102", "+12025550109", "+12025550108"
FOUND, EMPTY = "found", "empty"
WHOSE = {  # who has what, the display number → look up, list, change, delete
    "own": (lambda api: api.remember(), X_OWN, (FOUND, FOUND, FOUND, FOUND)),
    "of an app of the same SP that shows the number too": (
        lambda api: another_app(api, X_OWN),
        X_OWN,
        (FOUND, FOUND, FOUND, FOUND),
    ),
    "of an app of the same SP, on its number": (lambda api: another_app(api, X_OTHER_APPS), X_OTHER_APPS, None),
    "of another SP, on its number": (another_sp, X_OTHER_SPS, None),
    "of another SP, on a number that was its own": (moved, X_OWN, (GONE, EMPTY, GONE, GONE)),
    "unknown": (lambda api: None, X_OWN, (GONE, EMPTY, GONE, GONE)),
    "on a number that is nobody's": (lambda api: None, X_NOBODYS, None),
}


@pytest.mark.parametrize("verb", VERBS)
@pytest.mark.parametrize("whose", WHOSE)
def test_whose_memory_it_is(api, whose, verb):
    """None: one answer for every number that is not the app's. A memory of another SP is answered as none is."""
    prepare, display, expected = WHOSE[whose]
    prepare(api)
    before = dict(api.memories.rows)
    event = VERBS[verb]
    event = changing(displayNbr=display) if verb == "change" else with_query(event, displayNbr=display)
    said = api.say(event)
    want = NOT_THE_APPS if expected is None else expected[list(VERBS).index(verb)]
    if want is FOUND:
        assert said[0] == 200
        assert said[1].get("callMemories") != []
    elif want is EMPTY:
        assert said == (200, SUCCESS | {"callMemories": []})
    else:
        assert said == want
        assert api.memories.rows == before


def test_a_refusal_of_what_is_not_the_apps_asks_the_store_for_the_same(api):
    """So its time says nothing either."""
    asked = []
    for prepare in (lambda: None, lambda: moved(api)):
        prepare()
        reads, requests = api.memories.reads, api.seal.requests
        assert api.say(LOOKED_UP) == GONE
        asked.append((api.memories.reads - reads, api.seal.requests - requests))
    assert asked == [(1, 0)] * 2


def test_what_another_sp_changed_while_the_display_number_was_its_own_is_not_shown(api):
    api.remember()
    assert api.say(CHANGED)[0] == 200
    api.remember(second=90, sp="sp-2", app="app-3")
    heir = App("app-3", "sp-2", "secret", display_numbers=OWN)
    found = api.dependencies.others().look_up_memory(Pair(PhoneNumber(OWN[1]), PhoneNumber(SOPHIA)), heir)
    assert (found.memory.sp, found.changes) == ("sp-2", [])


@pytest.mark.parametrize(
    "foreign", ["of another app", "of another display number", "changed by a letter", "cut", "of a pair's hash alone"]
)
def test_a_cursor_is_good_for_its_own_list_alone(api, foreign):
    api.accounts.add_app(App("app-2", "sp-1", "secret", display_numbers=OWN))
    api.accounts.save("app-2", Register().grant(TokenPair("token-2", "refresh-2"), NOW))
    for number in range(3):
        for display in OWN:
            api.remember(display=display, dialler=f"+1202555015{number}")
    cursor = api.say(with_query(LISTED, limit="1"))[1]["cursor"]
    forged = {
        "of another app": with_query(LISTED, app_key="app-2", access_token="token-2", cursor=cursor),
        "of another display number": with_query(LISTED, displayNbr=OWN[0], cursor=cursor),
        "changed by a letter": with_query(LISTED, cursor=cursor[:-1] + ("A" if cursor[-1] != "A" else "B")),
        "cut": with_query(LISTED, cursor=cursor[:-2]),
        "of a pair's hash alone": with_query(LISTED, cursor=cursor[: len(cursor) // 2]),
    }
    assert api.say(forged[foreign]) == (
        403,
        {"resultcode": "1010002", "resultdesc": "Invalid request.cursor is not one of this list"},
    )
    assert api.say(with_query(LISTED, cursor=cursor))[0] == 200
    assert all(number not in cursor for number in ("2025550", "15550"))


# ---- answers that were lost, and services that are away


@pytest.mark.parametrize("period", [ABSENT, 24])
def test_a_change_that_is_repeated_after_a_lost_answer_has_its_result_and_is_made_once(api, period):
    api.remember()
    event = changing(expiredTime=period)
    first = api.say(event)
    assert first[0] == 200
    api.clock.at = at(30)
    assert api.say(event) == first
    assert len(first[1]["callMemory"]["history"]) == 1


@pytest.mark.parametrize(
    "other", [{"callerNbr": "+12025550145"}, {"expiredTime": 25}], ids=["another number", "another period"]
)
def test_another_change_of_the_same_version_is_no_repeat(api, other):
    before = api.remember()
    api.say(CHANGED)
    after = api.memories.memory(before.key)
    status, body = api.say(changing(**other))
    assert (status, body["resultcode"], body["version"]) == (403, "1010002", 2)
    assert api.memories.memory(before.key) == after


def test_a_call_that_came_between_makes_a_repeat_an_old_one(api):
    api.remember()
    assert api.say(CHANGED)[0] == 200
    api.remember(second=40)
    status, body = api.say(CHANGED)
    assert (status, body["version"]) == (403, 3)
    assert api.say(LOOKED_UP)[1]["callMemory"]["callerNbr"] == JACK


@pytest.mark.parametrize("event", [CHANGED, DELETED], ids=["change", "delete"])
def test_of_two_requests_at_once_the_second_is_told_what_the_first_has_made(api, event):
    api.remember()

    def overtake() -> None:
        api.memories.before_write = lambda: None
        assert api.say(changing(callerNbr="+12025550145"))[0] == 200

    api.memories.before_write = overtake
    status, body = api.say(event)
    assert (status, body["resultcode"], body["version"]) == (403, "1010002", 2)
    assert api.say(LOOKED_UP)[1]["callMemory"]["callerNbr"] == "+12025550145"


@pytest.mark.parametrize("away", ["memories", "seal"])
@pytest.mark.parametrize("verb", VERBS)
def test_a_service_out_of_reach_is_said_as_busy_not_as_none(api, verb, away):
    api.remember()
    getattr(api, away).out_of_reach = True
    status, body = api.say(VERBS[verb])
    assert (status, body["resultcode"]) == (500, "1010001")


def test_a_write_whose_answer_was_lost_is_said_as_busy_and_its_repeat_succeeds(api):
    api.remember()
    repoint = api.memories.repoint

    def lose(*args) -> None:
        repoint(*args)
        api.memories.repoint = repoint
        raise OutsideUnavailable("accounts table")

    api.memories.repoint = lose
    assert api.say(CHANGED)[0] == 500
    assert api.say(CHANGED)[0] == 200
    assert len(api.say(LOOKED_UP)[1]["callMemory"]["history"]) == 1


def test_an_item_that_was_copied_to_another_pair_is_no_memory(api):
    """Its encrypted value opens for its own pair alone."""
    memory = api.remember(dialler="+12025550150")
    own = api.remember()
    api.memories.rows[own.key] = replace(own, sealed=memory.sealed)
    assert api.say(LOOKED_UP) == GONE
    assert [each["calleeNbr"] for each in api.say(LISTED)[1]["callMemories"]] == ["+12025550150"]


def test_no_number_is_in_a_log_line_or_the_audit(api, caplog):
    caplog.set_level("DEBUG")
    api.remember()
    for event in (LOOKED_UP, LISTED, CHANGED, deleting(2), DELETED):
        api.say(event)
    kept = caplog.text + repr([vars(record) for record in caplog.records]) + repr(api.memories.audit)
    assert "call memory changed" in kept
    assert [number for number in (OWN[1], JACK, SOPHIA, JILL) if number[1:] in kept] == []
