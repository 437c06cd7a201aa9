"""The callbacks before a death over trunks, without any network."""

from types import SimpleNamespace
from typing import Any

from lab.cases.trunk_kills import PAIRS, Calls


def test_a_callback_that_ends_before_it_is_up_is_placed_again():
    placed: list[str] = []

    def place(*_: str) -> Any:
        placed.append(f"session-{len(placed) + 1}")
        return SimpleNamespace(body={"sessionId": placed[-1]})

    def about(session: str) -> list[Any]:
        return [SimpleNamespace(kind="fee")] if session == "session-1" else []

    def legs_up() -> dict[str, Any]:
        to = {number: SimpleNamespace(value=lambda _, number=number: f"<sip:{number}@x>") for number in PAIRS[0]}
        return to if len(placed) == 2 else {}

    sp = SimpleNamespace(place=place, receiver=SimpleNamespace(about=about))
    site: Any = SimpleNamespace(sp=sp, telco=SimpleNamespace(legs_up=legs_up))
    calls = Calls(site, PAIRS[:1])
    calls.place()
    calls.wait_until_up()
    assert calls.sessions == {"session-2": PAIRS[0]}
