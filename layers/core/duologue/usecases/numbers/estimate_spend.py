"""What a call is estimated to cost a minute."""

from duologue.domain.accounting.charges import Rates
from duologue.domain.accounting.rates import rate_of
from duologue.domain.numbers.phone_number import PhoneNumber
from duologue.usecases.ports.denying import RateBook


def rates_for(caller: PhoneNumber | None, callee: PhoneNumber, book: RateBook) -> Rates:
    """Micro-USD a minute for the caller's and the callee's leg.

    `caller`: None for a return call, whose caller is not dialled: that leg is estimated as 0.

    Raises OutsideUnavailable.
    """
    rates = book.rates()
    return 0 if caller is None else rate_of(caller, rates), rate_of(callee, rates)
