"""Numbers of the template that follow from numbers of the product."""

import re
from datetime import timedelta
from typing import Any

import botocore.session
import pytest

from duologue.adapters.basics.aws import FAST
from duologue.domain.access.source_address import TrustedProxies
from duologue.domain.calls.callback_request import LONGEST_TALK
from duologue.domain.calls.due import SWEEP_MARGIN
from duologue.domain.notifying.delivery import DELAYS, wait_after
from duologue.usecases.accounting.finalize_call import GRACE
from duologue.usecases.calls.place_callback import FIRST_IS_OVER, RingTimeouts
from tests.architecture.translated import created
from tools.template import ROOT, functions, read_template

_TEMPLATE = read_template()
_PARAMETERS: dict[str, dict[str, Any]] = _TEMPLATE["Parameters"]
_LAST_ATTEMPT = sum(
    (wait_after(attempt, chance=1) or timedelta() for attempt in range(1, len(DELAYS) + 1)), timedelta()
)


def test_the_page_for_operators_explains_every_parameter_and_no_other():
    page = (ROOT / "docs" / "operations.md").read_text(encoding="utf-8")
    table = page.partition("| Parameter |")[2].partition("\n\n")[0]
    explained = [
        name for row in re.findall(r"^\| (`.*?) \|", table, re.MULTILINE) for name in re.findall(r"`(\w+)`", row)
    ]
    assert sorted(explained) == sorted(_PARAMETERS)


def test_the_template_is_refused_where_the_network_is_not():
    """In the regions that the SDK knows the service in, it is; elsewhere its host has no address."""
    [assertion] = _TEMPLATE["Rules"]["PstnAudioIsInTheRegion"]["Assertions"]
    regions, here = assertion["Assert"]["Fn::Contains"]
    assert here == {"Ref": "AWS::Region"}
    assert sorted(regions) == sorted(botocore.session.get_session().get_available_regions("chime-sdk-voice"))
    page = (ROOT / "docs" / "operations.md").read_text(encoding="utf-8")
    assert [region for region in regions if f"`{region}`" not in page] == []


def test_the_functions_of_the_api_are_told_which_proxies_are_trusted():
    """By the variable of the stage that each event has; what the pattern lets in and cannot be read trusts nobody."""
    [stage] = [each for each in created()["Resources"].values() if each["Type"] == "AWS::ApiGateway::Stage"]
    assert stage["Properties"]["Variables"] == {"TrustedProxies": {"Ref": "TrustedProxies"}}
    parameter = _PARAMETERS["TrustedProxies"]
    assert TrustedProxies.parse(parameter["Default"]) == TrustedProxies()
    for text in ("1", "192.0.2.7", "192.0.2.0/24,2001:db8::/32"):
        assert re.fullmatch(parameter["AllowedPattern"], text) and TrustedProxies.parse(text) != TrustedProxies()
        # What a variable of a stage may hold.
        assert re.fullmatch(r"[A-Za-z0-9._~:/?#&=,-]+", text)
    assert not re.fullmatch(parameter["AllowedPattern"], "proxy.example.com")


def test_nothing_expires_that_is_open_or_still_to_be_told():
    """From its acceptance: the longest call, the sweeper's patience with it, and the last attempt to tell its SP."""
    slowest = RingTimeouts(callee_ring=timedelta(seconds=120))
    before_talk = slowest.before_talk(prelude=timedelta(minutes=5))  # more than a prompt of the largest size lasts
    longest = before_talk + LONGEST_TALK + SWEEP_MARGIN + GRACE + _LAST_ATTEMPT
    assert timedelta(days=_PARAMETERS["KeepCallsDays"]["MinValue"]) > longest


def test_a_repeated_request_starts_a_flow_only_when_the_first_can_no_longer_do_so():
    """Else the first could still withdraw a call whose flow the second has started."""
    [api] = [function.properties for function in functions(_TEMPLATE) if function.folder == "callback_api"]
    timeout = api.get("Timeout", _TEMPLATE["Globals"]["Function"]["Timeout"])
    assert timedelta(seconds=timeout) < FIRST_IS_OVER


def test_a_call_that_was_never_taken_up_is_found_within_a_minute_of_its_time():
    [schedule] = [
        event["Properties"]["Schedule"]
        for event in _TEMPLATE["Resources"]["SweepFunction"]["Properties"]["Events"].values()
    ]
    assert schedule == "rate(1 minute)"


def test_the_longest_recording_fits_the_disk_of_its_function():
    """As it is published: 8,000 bytes a second."""
    properties = _TEMPLATE["Resources"]["PublishRecordingFunction"]["Properties"]
    assert properties["EphemeralStorage"]["Size"] * 2**20 > LONGEST_TALK.total_seconds() * 8000


@pytest.mark.parametrize(
    ("conditions", "url"),
    [
        ({"HasAddress", "HasDomain"}, {"Ref": "ApiAddress"}),
        ({"HasDomain"}, {"Fn::Sub": "https://${DomainName}"}),
        (set(), {"Fn::Sub": "https://${Api}.execute-api.${AWS::Region}.${AWS::URLSuffix}/live"}),
    ],
    ids=["an address of its own", "a domain", "neither"],
)
def test_a_link_in_a_cdr_leads_to_the_address_that_sps_use(conditions: set[str], url: dict[str, str]):
    value = _TEMPLATE["Resources"]["NotifySpFunction"]["Properties"]["Environment"]["Variables"]["API_URL"]
    while "Fn::If" in value:
        condition, yes, no = value["Fn::If"]
        value = yes if condition in conditions else no
    assert value == url


def test_a_read_of_the_store_is_over_before_the_network_repeats_its_event():
    """It does so after 5 s (R17)."""
    attempt: float = vars(FAST)["connect_timeout"] + vars(FAST)["read_timeout"]
    assert attempt * vars(FAST)["retries"]["total_max_attempts"] < 5


def test_notifications_leave_most_of_the_account_s_concurrency_to_calls():
    events = _TEMPLATE["Resources"]["NotifySpFunction"]["Properties"]["Events"]
    most = {name: event["Properties"]["ScalingConfig"]["MaximumConcurrency"]["Ref"] for name, event in events.items()}
    first, again = (_PARAMETERS[most[name]]["Default"] for name in ("First", "Again"))
    assert again < first
    assert first + again < 1000 / 2, "an account has 1000"


def test_live_calls_may_have_concurrency_of_their_own():
    """A reservation that leaves an account fewer than its minimum fails the deployment, so it is asked for."""

    def reserved(**parameters: str) -> Any:
        return created(**parameters)["Resources"]["CallControlFunction"]["Properties"].get(
            "ReservedConcurrentExecutions"
        )

    assert reserved() is None
    assert reserved(CallControlReserved="50") == {"Ref": "CallControlReserved"}


def test_a_setting_named_as_a_parameter_or_a_resource_has_its_value():
    """CALLEE_RING_SECONDS is the parameter CalleeRingSeconds, and not the caller's."""
    shared = _TEMPLATE["Globals"]["Function"]["Environment"]["Variables"]
    own = [function.properties.get("Environment", {}).get("Variables", {}) for function in functions(_TEMPLATE)]
    named = _PARAMETERS.keys() | _TEMPLATE["Resources"].keys()
    for setting, value in [pair for variables in (shared, *own) for pair in variables.items()]:
        same = setting.title().replace("_", "")
        if value == {"Fn::If": ["OnSip", {"Ref": same}, {"Ref": "AWS::NoValue"}]}:
            continue
        assert same not in named or value == {"Ref": same}, setting
