"""The callbacks before a death over trunks, without any network."""

from types import SimpleNamespace
from typing import Any

import pytest

from lab.cases.trunk_kills import PAIRS, Calls, SetUpFailed


def calls_of_which_end(*ended: str) -> Calls:
    """A callback of which these sessions end early; the next one is up."""
    placed: list[str] = []

    def place(*_: str) -> Any:
        placed.append(f"session-{len(placed) + 1}")
        return SimpleNamespace(body={"sessionId": placed[-1]})

    def about(session: str) -> list[Any]:
        return [SimpleNamespace(kind="fee")] if session in ended else []

    def legs_up() -> dict[str, Any]:
        to = {number: SimpleNamespace(value=lambda _, number=number: f"<sip:{number}@x>") for number in PAIRS[0]}
        return to if len(placed) == len(ended) + 1 else {}

    sp = SimpleNamespace(place=place, receiver=SimpleNamespace(about=about))
    site: Any = SimpleNamespace(sp=sp, telco=SimpleNamespace(legs_up=legs_up))
    calls = Calls(site, PAIRS[:1])
    calls.place()
    return calls


def test_a_callback_that_ends_before_it_is_up_is_placed_again_and_counted():
    calls = calls_of_which_end("session-1")
    calls.wait_until_up()
    assert (calls.sessions, calls.again) == ({"session-2": PAIRS[0]}, 1)


def test_a_second_one_that_ends_before_fails_and_says_so():
    with pytest.raises(SetUpFailed, match="2 callbacks ended before all 1 were up"):
        calls_of_which_end("session-1", "session-2").wait_until_up()
