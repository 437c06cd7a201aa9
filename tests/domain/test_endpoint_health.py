"""Which endpoints are left alone: a circuit breaker per origin, a switch per URL."""

from datetime import timedelta

import pytest

from duologue.domain.notifying.endpoint_health import FAILURES, LONGEST_PAUSE, EndpointHealth, Verdict, origin
from tests.samples import at

URL, SIBLING, OTHER = "https://sp.example.com/status", "https://SP.example.com/fee", "https://other.example.com/status"


def after(*statuses: int | None, seconds: float = 0, own: bool = True) -> EndpointHealth:
    """Failures beyond those that open the circuit are of its probes."""
    health = EndpointHealth()
    for number, status in enumerate(statuses):
        health = health.answered(URL, status, at(seconds), own=own, probe=number >= FAILURES)
    return health


@pytest.mark.parametrize(
    ("statuses", "verdict"),
    [
        ([], Verdict.POST),
        ([None] * (FAILURES - 1), Verdict.POST),
        ([None] * FAILURES, Verdict.WAIT),
        ([500, 503, None, 599, 504], Verdict.WAIT),
        ([None] * (FAILURES - 1) + [404] + [None] * (FAILURES - 1), Verdict.POST),
        ([429] * 9, Verdict.POST),
        ([404] * 9, Verdict.POST),
        ([None] * 9 + [200], Verdict.POST),
        ([410], Verdict.SWITCHED_OFF),
        ([410, 200], Verdict.POST),
    ],
)
def test_what_opens_a_circuit_and_what_closes_it(statuses, verdict):
    assert after(*statuses).verdict(URL, at(1)) is verdict


def test_a_circuit_is_of_an_origin_and_a_switch_of_a_url():
    assert after(*[None] * FAILURES).verdict(SIBLING, at(1)) is Verdict.WAIT
    assert after(*[None] * FAILURES).verdict(OTHER, at(1)) is Verdict.POST
    assert after(410).verdict(SIBLING, at(1)) is Verdict.POST
    assert after(410, own=False).verdict(URL, at(1)) is Verdict.POST
    assert origin("HTTPS://User@SP.example.com:8443/x?y") == "https://sp.example.com:8443"


@pytest.mark.parametrize(
    ("failures", "seconds"), [(FAILURES, 30), (FAILURES + 1, 60), (FAILURES + 2, 120), (FAILURES + 4, 300), (99, 300)]
)
def test_one_probe_at_a_time_after_a_pause_that_grows(failures, seconds):
    health = after(*[None] * failures)
    assert health.verdict(URL, at(seconds - 1)) is Verdict.WAIT
    assert health.verdict(URL, at(seconds)) is Verdict.PROBE
    probing = health.probing(URL, at(seconds))
    assert probing.verdict(URL, at(seconds + 29)) is Verdict.WAIT
    assert probing.verdict(URL, at(seconds + 30)) is Verdict.PROBE, "nothing was heard of the first"
    assert probing.answered(URL, 200, at(seconds + 1), own=True).verdict(URL, at(seconds + 1)) is Verdict.POST
    failed = probing.answered(URL, None, at(seconds + 1), own=True, probe=True)
    assert failed.circuits[origin(URL)].until == at(seconds + 1) + min(timedelta(seconds=2 * seconds), LONGEST_PAUSE)


def test_an_app_with_very_many_origins_has_breakers_for_some():
    health = EndpointHealth()
    for number in range(100):
        for _ in range(FAILURES):
            health = health.answered(f"https://{number}.example.com/", None, at(0), own=False)
    assert len(health.circuits) == 20


@pytest.mark.parametrize("status", [None, 503])
def test_requests_that_began_before_a_circuit_opened_do_not_lengthen_its_pause(status):
    health = after(*[None] * FAILURES)
    assert health.answered(URL, status, at(5), own=True) == health
    assert health.answered(URL, 200, at(5), own=True).verdict(URL, at(5)) is Verdict.POST
