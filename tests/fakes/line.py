"""A telephone line whose numbers a test names."""

from duologue.usecases.ports.outside import LineNumbers


class FakeLine:
    """Plays `Line`. `asked`: how often."""

    def __init__(self, *numbers: str) -> None:
        self.owned = frozenset(numbers)
        self.asked = 0

    def numbers(self) -> LineNumbers:
        self.asked += 1
        return LineNumbers(self.owned, "the test's list")
