"""The rates table without a store."""

from duologue.domain.accounting.rates import ESTIMATES, Rates


class FakeRates:
    """Plays `RateBook`. `reads`: how often it was asked."""

    def __init__(self) -> None:
        self.book: Rates = ESTIMATES
        self.reads = 0

    def rates(self) -> Rates:
        self.reads += 1
        return self.book

    def set_rates(self, rates: Rates) -> None:
        self.book = rates

    def forget_rates(self) -> None:
        self.book = ESTIMATES
