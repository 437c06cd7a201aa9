"""What the state machine remembers of calls, in memory."""

from collections.abc import Sequence

from duologue.call_control.trace import FlowStep
from duologue.domain.errors import OutsideUnavailable


class FakeFlowHistories:
    """Plays `FlowHistories`. `of`: by call. `refusal`: what every look raises."""

    def __init__(self) -> None:
        self.of: dict[str, list[FlowStep]] = {}
        self.refusal: OutsideUnavailable | None = None

    def steps(self, call_id: str) -> Sequence[FlowStep]:
        if self.refusal:
            raise self.refusal
        return self.of.get(call_id, [])
