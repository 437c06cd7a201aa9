"""What a call is estimated to cost a minute."""

from duologue.domain.accounts import Ceilings
from duologue.domain.call import Call
from duologue.domain.rates import rate_of
from duologue.usecases.ports.denying import RateBook


def rates_of(call: Call, ceilings: Ceilings, book: RateBook) -> tuple[int, int]:
    """Micro-USD a minute for the caller's and the callee's leg; read only if the app has a cap of spend.

    The caller of a return call is not dialled: its leg is estimated as 0.

    Raises OutsideUnavailable.
    """
    if not ceilings.spend:
        return 0, 0
    rates = book.rates()
    caller = 0 if call.is_return_call else rate_of(call.caller.number, rates)
    return caller, rate_of(call.callee.number, rates)
