"""Placing a callback: which numbers are dialled, how many calls an app may place, and what happens to repeats."""

import json
from datetime import timedelta
from typing import Any

import pytest

from duologue.wire.huawei.routes import OLDER_SANDBOX_PLACE
from functions.callback_api.handler import answer
from tests.functions.proofs import GENERATIONS, proven, written
from tests.functions.worlds import ABSENT, CALL_ID, CALLED, HOST, OWN, Api, keyed, loaded_by, placing, sample

PLACED = sample("callback_api", "callback_placed")
SANDBOX = sample("callback_api", "callback_placed_in_the_sandbox")
ONCE = sample("callback_api", "callback_placed_once")


class Said:
    """One answer."""

    def __init__(self, api: Api, event: dict[str, Any]) -> None:
        said = answer(event, api.dependencies)
        self.status: int = said["statusCode"]
        self.body: dict[str, Any] = json.loads(said["body"])
        self.code, self.text = self.body["resultcode"], self.body["resultdesc"]
        self.again_after = said["headers"].get("Retry-After")
        self.replayed = said["headers"].get("Idempotency-Replayed")


# ---- which numbers


@pytest.mark.parametrize(
    ("fields", "code", "text"),
    [
        ({"callerNbr": "+18095550100"}, "1010024", "Invalid caller number.callerNbr is a number of DO"),
        ({"calleeNbr": "+19005550100"}, "1010002", "Invalid request.calleeNbr is a premium-rate number"),
        ({"calleeNbr": "+12025550111"}, "1010002", "Invalid request.calleeNbr is the caller's number as well"),
        ({"callerNbr": "+12025551212"}, "1010024", "Invalid caller number.callerNbr is in a range that is not dialled"),
        ({"callerNbr": OWN[0]}, "1010024", "Invalid caller number.callerNbr is a display number of this platform"),
        ({"calleeNbr": OWN[1]}, "1010002", "Invalid request.calleeNbr is a display number of this platform"),
        ({"calleeNbr": "2025550122"}, "1010002", "Invalid request.calleeNbr must be E.164"),
    ],
)
@pytest.mark.parametrize("event", [PLACED, SANDBOX], ids=["live", "sandbox"])
def test_a_number_that_is_not_dialled(event, fields, code, text):
    api = Api(test_numbers=("+12025550111", "+12025550122", *fields.values()))
    said = Said(api, placing(event, **fields))
    assert (said.status, said.code) == (403, code)
    assert said.text.startswith(text)
    assert api.is_untouched


def test_the_countries_of_an_app():
    api = Api(countries=("DO", "GB"))
    assert Said(api, placing(callerNbr="+18095550100", calleeNbr="+442079460123")).status == 200
    assert Said(api, PLACED).text.startswith("Invalid caller number.callerNbr is a number of US")


@pytest.mark.parametrize("sandbox", [SANDBOX, SANDBOX | {"resource": OLDER_SANDBOX_PLACE}], ids=["v2.0", "v1.0"])
def test_the_sandbox_dials_the_apps_test_numbers_only(sandbox):
    api = Api()
    assert Said(api, sandbox).status == 200
    call = api.calls.load(CALL_ID).call
    assert (call.caller.number.e164, call.callee.number.e164) == CALLED
    assert (call.caller.display_number.e164, call.callee.display_number.e164) == OWN
    assert api.flows.started[CALL_ID].talk > timedelta(0), "it is a call like any other"
    for fields, code in (({"callerNbr": "+12025550133"}, "1010024"), ({"calleeNbr": "+12025550133"}, "1010002")):
        said = Said(api, placing(sandbox, **fields))
        assert (said.status, said.code) == (403, code)
        assert said.text.endswith("is not on the app's list of test numbers")
        assert Said(api, placing(PLACED, **fields)).status == 200, "outside the sandbox it is dialled"


def test_a_sandbox_without_test_numbers_dials_nothing():
    api = Api(test_numbers=())
    assert Said(api, SANDBOX).code == "1010024"
    assert api.is_untouched


# ---- how many


def test_calls_per_second():
    api = Api(calls_per_second=2)
    assert [Said(api, PLACED).status for _ in range(2)] == [200, 200]
    third = Said(api, PLACED)
    assert (third.status, third.code, third.again_after) == (403, "1013002", "1")
    api.clock.advance(1)
    assert [Said(api, PLACED).code for _ in range(3)] == ["0", "0", "1013002"]


@pytest.mark.parametrize("way", ["token", *GENERATIONS])
def test_calls_per_second_of_an_sp(way):
    """Its limit is its own, whatever its apps may do; whoever asks proves which SP it is."""
    api = Api()
    api.accounts.set_sp_calls_per_second("sp-1", 2)

    def asked() -> dict[str, Any]:
        if way == "token":
            return PLACED
        return proven(PLACED, GENERATIONS[way](api.key, "secret-1", written(api.clock.now())).headers)

    assert [Said(api, asked()).status for _ in range(2)] == [200, 200]
    third = Said(api, asked())
    assert (third.status, third.code, third.again_after) == (403, "1013001", "1")
    api.clock.advance(1)
    assert Said(api, asked()).status == 200


def test_calls_per_minute_with_a_display_number():
    """Each of the two that a call shows counts."""
    api = Api(calls_per_number_per_minute=2)
    first, second = OWN[:2]
    one, other, both = (
        placing(displayNbr=to_caller, displayCalleeNbr=to_callee)
        for to_caller, to_callee in ((first, first), (second, second), (first, second))
    )
    assert [Said(api, event).code for event in (one, both, one, both)] == ["0", "0", "1013003", "1013003"]
    assert [Said(api, other).code, Said(api, other).code] == ["0", "1013003"]
    api.clock.advance(20)
    assert Said(api, one).again_after == "40"
    api.clock.advance(40)
    assert Said(api, both).status == 200


def test_calls_at_a_time():
    api = Api(concurrent_calls=1)
    assert Said(api, PLACED).status == 200
    second = Said(api, PLACED)
    assert (second.status, second.code, second.again_after) == (403, "1020165", "5")


def test_calls_per_callee_per_day():
    api = Api(calls_per_callee_per_day=2)
    assert [Said(api, PLACED).code for _ in range(2)] == ["0", "0"]
    third = Said(api, PLACED)
    assert (third.status, third.code) == (403, "1010002")
    assert third.text == "Invalid request.calleeNbr was called as often today as the app may call it."
    assert third.again_after == str(15 * 3600), "the day ends at midnight UTC; it is nine"
    assert Said(api, placing(calleeNbr="+12025550133")).status == 200, "another callee"
    assert Said(api, placing(callerNbr="+12025550122", calleeNbr="+12025550111")).status == 200, "only callees count"
    assert Said(api, SANDBOX).status == 200, "test numbers are not counted"
    api.clock.advance(15 * 3600)
    assert Said(api, PLACED).status == 200


# ---- once


def test_a_repeat_gets_the_first_answer_again():
    api = Api(concurrent_calls=1, calls_per_second=1, calls_per_callee_per_day=1)
    first, again = Said(api, ONCE), Said(api, ONCE)
    assert (first.status, first.body["sessionId"], first.replayed) == (200, f"{CALL_ID}@{HOST}", None)
    assert (again.status, again.body, again.replayed) == (200, first.body, "true")
    assert len(api.calls.rows) == len(api.flows.started) == 1


def test_a_repeat_is_known_by_what_it_says_not_how_it_is_written():
    api = Api()
    body = json.loads(PLACED["body"])
    first = Said(api, keyed("k", PLACED | {"body": json.dumps(body)}))
    turned = dict(reversed(list(body.items())))
    again = Said(api, keyed("k", PLACED | {"body": json.dumps(turned, indent=2)}))
    assert (again.body, again.replayed) == (first.body, "true")


def test_a_repeat_asks_for_idle_ports_as_of_now():
    api = Api(concurrent_calls=3)
    event = keyed("k", placing(returnIdlePort="true"))
    assert [Said(api, event).body["idlePort"] for _ in range(2)] == [2, 2]
    Said(api, PLACED)
    assert Said(api, event).body["idlePort"] == 1


@pytest.mark.parametrize(
    "other",
    [keyed("k", placing(calleeNbr="+12025550133")), keyed("k", placing(userData=ABSENT)), keyed("k", SANDBOX)],
    ids=["another callee", "a field less", "another path"],
)
def test_a_key_is_good_for_one_request(other):
    api = Api()
    assert Said(api, keyed("k")).status == 200
    said = Said(api, other)
    assert (said.status, said.code, said.replayed) == (403, "1010002", None)
    assert said.text == "Invalid request.Idempotency-Key was used within 24 hours for another request."
    assert len(api.calls.rows) == 1
    assert Said(api, keyed("k")).replayed == "true", "the first stands"


def test_other_keys_are_other_calls():
    api = Api()
    sessions = {Said(api, keyed(key)).body["sessionId"] for key in ("k", "K", "k ", "~" * 128)}
    assert len(sessions) == 4


@pytest.mark.parametrize("key", ["", "x" * 129, "schlüssel", "a\tb", "a\x7f"])
def test_a_key_that_is_none(key):
    api = Api()
    said = Said(api, keyed(key))
    assert (said.status, said.code) == (403, "1010002")
    assert said.text == "Invalid request.Idempotency-Key must have 1 to 128 printable ASCII characters"
    assert api.is_untouched


@pytest.mark.parametrize(
    "fault", [{"calleeNbr": "+1911"}, {"displayNbr": "+12025550109"}, {"maxDuration": 1441}, {"calleeNbr": ABSENT}]
)
def test_a_refused_request_does_not_burn_its_key(fault):
    api = Api()
    assert [Said(api, keyed("k", placing(**fault))).status for _ in range(2)] == [403, 403]
    mended = Said(api, keyed("k"))
    assert (mended.status, mended.replayed) == (200, None)


def test_what_is_no_json_does_not_burn_its_key():
    api = Api()
    assert Said(api, keyed("k", PLACED | {"body": "{"})).text == "Invalid request.body is not JSON"
    assert Said(api, keyed("k")).status == 200


def test_a_call_that_could_not_start_does_not_burn_its_key():
    """It is told all the same: a repeat may have been answered with it while the start was tried."""
    api = Api()
    api.flows.failures = 2
    assert Said(api, keyed("k")).status == 500
    facts = [type(fact).__name__ for fact in api.calls.facts_of(CALL_ID)]
    assert facts == ["CallAccepted", "CallEnded", "CdrWritten"]
    anew = Said(api, keyed("k"))
    assert (anew.status, anew.replayed) == (200, None)
    assert f"{CALL_ID}@{HOST}" != anew.body["sessionId"]


def test_a_repeat_starts_what_the_first_could_not():
    """The first request was cut off between its write and the start of the flow."""
    api = Api()
    first = Said(api, keyed("k"))
    given = api.flows.started.pop(CALL_ID)
    assert Said(api, keyed("k")).body == first.body
    assert api.flows.started == {}, "the first may still be at it"
    api.clock.advance(16)
    assert Said(api, keyed("k")).body == first.body
    assert api.flows.started == {CALL_ID: given}


def test_a_repeat_whose_app_may_no_longer_ask_gets_the_first_answer():
    """What was accepted was accepted; the settings of today judge new requests."""
    api = Api()
    first = Said(api, keyed("k"))
    api.accounts.apps[api.key] = Api(countries=(), display_numbers=("+12025550109",)).accounts.apps[api.key]
    assert Said(api, keyed("k")).body == first.body
    assert Said(api, PLACED).status == 403


def test_the_numbering_plan_is_loaded_by_the_first_question_and_not_before():
    """A cold start that only stops a call does not pay for it; call_control never does (R17)."""
    started = (
        "import functions.callback_api.handler, functions.call_control.handler, functions.flow.handler;"
        "from duologue.adapters.numbers.libphonenumber_plan import LibphonenumberPlan as Plan;"
        "from duologue.domain.numbers.phone_number import PhoneNumber;"
        "plan = Plan()"
    )
    asked = "assert plan.describe(PhoneNumber('+12025550111')).region == 'US'"
    assert "phonenumbers" not in loaded_by(started)
    assert "phonenumbers" in loaded_by(f"{started};{asked}")
