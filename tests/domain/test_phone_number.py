"""Telephone numbers: which text is one, and that none shows by accident."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from duologue.domain.errors import InvalidNumber
from duologue.domain.numbers.phone_number import PhoneNumber

DIGITS = st.text(alphabet="0123456789", min_size=2, max_size=14)


@given(st.sampled_from("123456789"), DIGITS)
def test_a_plus_sign_and_3_to_15_digits_are_a_number(first, more):
    text = f"+{first}{more}"
    assert PhoneNumber.parse(text).e164 == text


@given(st.text(max_size=20) | st.from_regex(r"\+?[0-9 ()-]{0,18}\n?", fullmatch=True))
def test_any_text_is_a_number_or_refused_by_the_fields_name(text):
    try:
        number = PhoneNumber.parse(text, field="callerNbr")
    except InvalidNumber as refused:
        assert refused.field == "callerNbr"
        return
    digits = number.e164.removeprefix("+")
    assert number.e164 == text == f"+{digits}"
    assert digits.isascii() and digits.isdigit() and 3 <= len(digits) <= 15 and digits[0] != "0"


@pytest.mark.parametrize(
    "text", ["", "+", "12025550111", "+0202555", "+12", "+1234567890123456", "+1202٥550111", "++120"]
)
def test_what_is_no_number(text):
    with pytest.raises(InvalidNumber):
        PhoneNumber.parse(text)


@given(st.sampled_from("123456789"), st.text(alphabet="0123456789", min_size=8, max_size=14))
def test_it_prints_masked(first, more):
    number = PhoneNumber.parse(f"+{first}{more}")
    for shown in (str(number), repr(number), f"{number}", repr([number])):
        assert number.e164 not in shown
        assert "***" in shown
