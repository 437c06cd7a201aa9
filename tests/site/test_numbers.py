"""A number as people type it is understood, or it is told what is wrong with it."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lab.website.numbers import InvalidNumber, formatted, parse_number


@pytest.mark.parametrize(
    "typed",
    [
        "+12025550111",
        " +1 202 555 0111 ",
        "+1 (202) 555-0111",
        "001 202 555 0111",
        "+1.202.555.0111",
        "+1\N{NO-BREAK SPACE}202–555‑0111",
    ],
)
def test_any_way_to_write_it(typed):
    assert parse_number(typed) == "+12025550111"


@pytest.mark.parametrize(
    ("typed", "said"),
    [
        ("", "Enter the number"),
        ("   ", "Enter the number"),
        ("202 555 0111", "Begin with +"),
        ("+1 202 555 CALL", "Only digits"),
        ("+1 202 555 ٠١١١", "Only digits"),
        ("+1 202", "Some digits are missing"),
        ("+0 202 555 0111", "country code"),
        ("+1 202 555 0111 222 333", "more than 15"),
        ("+" + "1" * 60, "too long"),
        ("++1 202 555 0111", "Only digits"),
        ("+1 202 555 0111\r\nX: y", "Only digits"),
    ],
)
def test_what_is_wrong_is_said(typed, said):
    with pytest.raises(InvalidNumber, match=said.replace("+", r"\+")):
        parse_number(typed)


@given(st.text(max_size=50))
def test_whatever_is_typed_is_a_number_or_told(typed):
    try:
        number = parse_number(typed)
    except InvalidNumber as wrong:
        assert str(wrong)
    else:
        assert number.startswith("+")
        assert number[1:].isascii()
        assert number[1:].isdigit()
        assert 7 <= len(number) - 1 <= 15


def test_as_people_read_it():
    assert formatted("+12025550111").split("\N{NO-BREAK SPACE}") == ["+1", "202", "555", "0111"]
    assert formatted("+49") == "+49"
