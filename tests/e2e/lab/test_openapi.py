"""The running lab answers as docs/openapi.yaml says, whatever it is asked: no 5xx, no status, code, header or field
that is not written there.

Half of the requests are good by the document, half are broken on purpose; each is sent with a good token, and the
authenticated ones also without. What happens to be a good callback is stopped at once.
"""

from collections import Counter, defaultdict
from typing import Any

import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, settings
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from tools.openapi.document import PAGE

_CHECKS = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
]
_EXAMPLES = 25
_SETTINGS = settings(
    max_examples=_EXAMPLES,
    deadline=None,
    derandomize=True,
    database=None,
    phases=[Phase.explicit, Phase.generate],
    suppress_health_check=list(HealthCheck),
)

_SPEND_TOKENS = {"POST /rest/logout/v1.0"}
"""The others would all be refused afterwards."""
_seen: defaultdict[str, Counter[int]] = defaultdict(Counter)
"""How often each operation was answered with each status."""

schema = schemathesis.openapi.from_path(PAGE)
schema.config.update(base_url="http://127.0.0.1:1")


@pytest.fixture(scope="module")
def sp(new_sp):
    """Its display numbers are the lab's; nobody answers the numbers that are made up."""
    return new_sp("fuzzed")


@schema.parametrize()
@_SETTINGS
def test_with_a_good_token(case, lab, sp):
    check(case, lab, sp, {"app_key": sp.account.app_key, "access_token": sp.client.access_token})


@schema.parametrize()
@_SETTINGS
def test_without_one(case, lab, sp):
    check(case, lab, sp, {})


def check(case: Any, lab: Any, sp: Any, proof: dict[str, str]) -> None:
    """Ask, and hold the answer to the document."""
    if case.operation.label in _SPEND_TOKENS:
        proof = {}
    response = case.call(base_url=lab.api_url, params=proof or None, allow_redirects=False)
    _seen[case.operation.label][response.status_code] += 1
    case.validate_response(response, checks=_CHECKS)
    if response.status_code == 200 and "sessionId" in (answer := response.json()):
        sp.client.stop(answer["sessionId"])


def test_the_requests_went_beyond_the_door():
    """Of every operation that can succeed without luck something did, and refusals were met as well."""
    print(f"{sum(statuses.total() for statuses in _seen.values())} requests")
    lucky = {label for label, statuses in _seen.items() if set(statuses) & {200, 301, 302}}
    assert lucky >= {"PUT /duologue/v1/notification-urls", "GET /duologue/v1/notification-urls"}
    assert all(set(statuses) & {400, 403, 404} for statuses in _seen.values())
