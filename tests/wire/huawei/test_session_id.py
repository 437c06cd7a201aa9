"""The session id and the call's id, each derived from the other."""

import random
from datetime import UTC, datetime, timedelta, timezone
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from duologue.domain.errors import UnknownCall
from duologue.wire.huawei.session_id import call_id_of, inbound_call_id, new_call_id, session_id

HOST = "ce1.example.com"


@given(st.integers(), st.datetimes(min_value=datetime(2000, 1, 1), timezones=st.just(UTC)))
def test_an_id_goes_there_and_back_and_fits_everywhere(seed, now):
    call_id = new_call_id(now, random.Random(seed).getrandbits)
    session = session_id(call_id, HOST)
    assert call_id_of(session, HOST) == call_id
    assert len(f"CDR-{call_id}") <= 64  # the record's own id
    assert len(session) <= 256
    assert call_id.replace("_", "").isdigit()  # a name that the state machine takes


@given(st.text(), st.none() | st.datetimes(min_value=datetime(2000, 1, 1), timezones=st.just(UTC)))
def test_the_id_of_a_call_that_came_in_is_the_same_for_every_repeat_and_of_the_same_form(network_call, started_at):
    """The time is the second at which the network created its leg, so two clocks of ours cannot differ."""
    call_id = inbound_call_id(network_call, started_at)
    assert inbound_call_id(network_call, started_at) == call_id
    assert call_id_of(session_id(call_id, HOST), HOST) == call_id
    assert call_id.endswith("_19700101000000" if started_at is None else f"_{started_at:%Y%m%d%H%M%S}")


def test_calls_that_come_in_within_one_second_have_different_ids():
    ids = {inbound_call_id(str(UUID(int=number)), None) for number in range(20_000)}
    assert len(ids) == 20_000


def test_the_time_in_it_is_utc():
    beijing = datetime(2026, 11, 22, 17, 0, 5, tzinfo=timezone(timedelta(hours=8)))
    assert new_call_id(beijing, lambda bits: 2**bits - 1) == "4294967295_4294967295_4294967295_20261122090005"


@pytest.mark.parametrize(
    "session",
    [
        "",
        "@",
        f"@{HOST}",
        "1_2_3_20261122090000",
        "1_2_3_20261122090000@",
        "1_2_3_20261122090000@other.example.com",
        f"1_2_3_20261122090000@{HOST}@{HOST}",
        f"1_2_20261122090000@{HOST}",
        f"1_2_3_2026112209000@{HOST}",
        f"1_2_3_20261122090000\n@{HOST}",
        f"١_2_3_20261122090000@{HOST}",
        f"12345678901_2_3_20261122090000@{HOST}",
        f"FACT#1@{HOST}",
    ],
)
def test_another_form_or_host_is_an_unknown_call(session):
    with pytest.raises(UnknownCall):
        call_id_of(session, HOST)


@given(st.text(max_size=300))
def test_any_text_is_a_call_or_an_unknown_one(text):
    try:
        call_id = call_id_of(text, HOST)
    except UnknownCall:
        return
    assert session_id(call_id, HOST) == text
