"""What the console's pages ask of the store: what `make bench-console` counts with 10,000 calls."""

import pytest

from bench.console import PAGES, served


@pytest.fixture(scope="module")
def console():
    with served(130) as opened:
        yield opened


@pytest.mark.parametrize("path", PAGES.values(), ids=PAGES)
def test_a_page_of_calls_takes_three_requests_at_most(console, path):
    browser, store, _ = console
    store.requests.clear()
    page = browser.get(path)
    assert "data-row" in page.text
    assert sum(store.requests.values()) <= 3
    assert "Scan" not in store.requests


def test_the_page_of_one_call_takes_one_query(console):
    browser, store, call = console
    store.requests.clear()
    assert browser.get(f"/calls/{call.id}").status_code == 200
    assert store.requests == {"Query": 1}
