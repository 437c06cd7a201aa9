"""The product on a laptop behind NAT, over trunks of the stand-in telephone company that it dials itself."""

import time

import pytest

from lab.cases.tone_detection import seconds_of
from lab.cases.trunk_calls import ACME, CALLEE, CALLER, SHOWN, checks, laptop, main_trunk, play_callback
from lab.phones.voices import voice
from lab.sp.service_provider import open_sp
from lab.telco.bad_trunk import BadTrunk
from lab.telco.phones import ADDRESS as PHONES
from lab.telco.phones import BUSY, answers
from lab.telco.telco import Account, Telco
from tests.e2e.waiting import until

REFUSED = Account("refused", ("+12025550140", "+12025550141"), secret="the right one")
FAILING = {
    "503": (BadTrunk(503), ("+12025550142", "+12025550143")),
    "486": (BadTrunk(486), ("+12025550144", "+12025550145")),
    "503 after ringing": (BadTrunk(503, rings=True), ("+12025550146", "+12025550147")),
    "silence": (BadTrunk(None), ("+12025550148", "+12025550149")),
}
"""A trunk that fails, and the display numbers for which it is asked before the good one."""
SECONDS, TRIES = 2.0, 4
"""Within which a refusal is told; times that it is tried, since a busy machine may take longer."""


@pytest.fixture(scope="module")
def telco(tmp_path_factory):
    more = tuple(number for _, pair in FAILING.values() for number in pair)
    account = Account(ACME.user, (*ACME.numbers, *more), srtp=ACME.srtp, tls=ACME.tls)
    bad = [trunk for trunk, _ in FAILING.values()]
    with Telco(tmp_path_factory.mktemp("telco"), [account, REFUSED], bad=bad) as telco:
        yield telco


@pytest.fixture(scope="module")
def on_laptop(telco):
    failing = [
        {"name": f"bad-{at}", "hosts": [trunk.address], "display_numbers": [*pair], "no_answer_seconds": 1}
        for at, (trunk, pair) in enumerate(FAILING.values())
    ]
    numbers = [*SHOWN, *(number for _, pair in FAILING.values() for number in pair)]
    wrong = telco.trunk("refused")
    (telco.folder / "refused.secret").write_text("a wrong one")
    with laptop(telco, *failing, main_trunk(telco, display_numbers=numbers), wrong) as one:
        yield one


@pytest.fixture(scope="module")
def sp_with(on_laptop):
    """An SP with these display numbers."""
    opened = []

    def open_one(name: str, numbers: tuple[str, ...]):
        opened.append(open_sp(on_laptop.lab.api_url, on_laptop.lab.environment, name=name, numbers=numbers))
        return opened[-1]

    yield open_one
    for sp in opened:
        sp.close()


@pytest.fixture(scope="module")
def callback(telco, on_laptop):
    """The first one of all."""
    return play_callback(telco, on_laptop.sp, record=True)


def test_a_recorded_callback_shows_tells_and_sounds_as_it_should(telco, callback):
    assert [check for check in checks(telco, callback) if not check.passed] == []


def test_a_display_number_that_is_dialled_reaches_the_party_of_the_call_memory(telco, callback):
    """Through NAT, to where the registration came from. Both hear each other."""
    jack, sophia = telco.phone(CALLER, answers()), telco.softphone(CALLEE)
    sophia.dial(f"sip:{SHOWN[1]}@{PHONES}")
    until(lambda: sum(seconds_of(voice(CALLER), call) for call in sophia.heard()) >= 1)
    sophia.hang_up()
    until(lambda: "terminate call" in sophia.output)
    assert sum(seconds_of(voice(CALLEE), call) for call in jack.heard()) >= 0.5
    to_jack = [each for each in telco.received("INVITE") if f":{CALLER}@" in each.first][-1]
    assert f"<sip:{SHOWN[1]}@" in to_jack.value("from"), "not Sophia's number"


def test_a_trunk_that_refuses_our_password_ends_the_call_at_once(telco, sp_with, callback):
    sp, number = sp_with("refused", REFUSED.numbers), f"{REFUSED.numbers[0]}@"
    for _ in range(TRIES):
        since, played = time.time(), play_callback(telco, sp)
        invites = [each.at for each in telco.received("INVITE") if number in each.value("from")]
        invited = next(at for at in invites if at > since)
        [told] = [each.at.timestamp() for each in played.notifications if each.kind == "disconnect"]
        if (took := told - invited) < SECONDS:
            break
    assert took < SECONDS
    assert played.reply.status == 200
    assert played.cdr["sipStatusCode"] == 407
    assert played.steps == ["callout", "disconnect", "fee"], "nobody was rung"
    assert played.cdr["callOutUnaswRsn"], "it is the caller's failure"
    assert played.looked_up["ending"]["networkError"] == played.cdr["networkError"] == "CredentialsRefused"
    assert not played.caller.heard()


@pytest.mark.parametrize(
    ("name", "connected", "status"),
    [("503", True, 0), ("silence", True, 0), ("486", False, 486), ("503 after ringing", False, 503)],
)
def test_what_a_failing_trunk_leads_to(telco, sp_with, name, connected, status):
    """The good trunk is asked after 503 and after silence; after 486, and after a telephone has rung, none is."""
    trunk, pair = FAILING[name]
    before = len(telco.received("INVITE"))
    played = play_callback(telco, sp_with(f"fails-{pair[0][-2:]}", pair), callee=answers(talks_s=0.2))
    assert (played.steps.count("answer"), played.cdr["sipStatusCode"]) == (2 if connected else 0, status)
    assert (len(telco.received("INVITE")) > before) == connected
    assert trunk.invites == (2 if connected else 1), "once for each party that was dialled"


def test_a_callee_that_is_busy_is_told_by_its_sip_status(telco, on_laptop, callback):
    played = play_callback(telco, on_laptop.sp, callee=BUSY)
    assert (played.steps.count("answer"), played.cdr["sipStatusCode"]) == (1, 486)
