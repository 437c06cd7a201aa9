"""The API's page prints the codes that the product gives."""

from tools.code_tables import PAGE, filled


def test_the_tables_are_up_to_date():
    text = PAGE.read_text(encoding="utf-8")
    assert text == filled(text), "stale: python -m tools.code_tables writes them again"


def test_a_change_would_show():
    text = PAGE.read_text(encoding="utf-8")
    assert filled(text.replace("| 8017 |", "| 8018 |", 1)) == text
