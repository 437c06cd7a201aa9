"""The generated page says what the state machine and a callback do now."""

from tests.docs.call_flow import PAGE, page


def test_the_page_is_up_to_date():
    assert PAGE.read_text(encoding="utf-8") == page(), "stale: python -m tests.docs.call_flow writes it again"
