"""A telephone company on loopback: scripted phones, and a trunk over which nodes or an edge reach them and are reached.

Its SIP is that of a registrar, which forwards every INVITE to the phone of its number and keeps no state. A phone does
not know by itself when it is connected with the other party of a callback, nor what it hears: the first is told by
`followed_calls`, the second is found in its sound, for which each prompt of the lab is a tone of its own.
"""

from collections.abc import Callable, Iterable

from lab.sip.registrar_on_udp import RegistrarOnUdp
from pstn.clocks import Clock
from pstn.lines import Line, LineListener, MakeLine
from pstn.lines.phone_state import PhoneCall, Phones
from pstn.lines.sip.line import NO_SUCH_NUMBER, SipLine
from pstn.lines.sip.scripted_phones import StartPhones
from pstn.lines.sip.settings import SipSettings


def company_line(settings: SipSettings, start_phones: StartPhones) -> MakeLine:
    """The factory for `PstnService(make_line=…)`, whose exchange has no numbers of its own then."""

    def make(clock: Clock, listener: LineListener, phones: Phones, post_dial_delay: Callable[[], float]) -> Line:
        return CompanyLine(clock, listener, phones, post_dial_delay, settings, start_phones)

    return make


class CompanyLine(SipLine):
    """All its calls are to or from the trunk."""

    def _answered_locally(self, call: PhoneCall) -> None:
        self._answered(call)
        self._join(call)

    def _route(self, call_id: str, caller: str, called: str) -> str | int:
        """A number that does not exist has a log here too: it says what it was called with."""
        way = super()._route(call_id, caller, called)
        if way == NO_SUCH_NUMBER:
            call = self._called(call_id, caller, called)
            call.local = True
            self._ended(call, "self", NO_SUCH_NUMBER)
        return way

    def joined(self, number: str, other: str) -> None:
        """The platform has connected the phones with these numbers, which may be faster than what a phone reports."""
        pair = [self.phones[each].current for each in (number, other)]
        for one, two in zip(pair, reversed(pair), strict=True):
            if one and two:
                one.peer = two.call_id
        self._join(pair[0])

    def _join(self, one: PhoneCall | None) -> None:
        two = self.calls.get(one.peer) if one and one.peer else None
        if one and two and one.up and two.up and not one.joined:
            self._joined(one, two.phone.number)
            self._joined(two, one.phone.number)

    def waits(self, number: str) -> None:
        """The party that this phone's person waits for is being called."""
        if call := self.phones[number].current:
            self.other_rings(call.call_id)


class Company:
    """The trunk."""

    def __init__(self, line: CompanyLine) -> None:
        self.line = line
        self._registrar = RegistrarOnUdp(line.numbers, line.address, port=0, exchange=line)
        self.address = self._registrar.address
        """Of its only host."""

    def lead(self, display_numbers: Iterable[str], address: str) -> None:
        """Calls to these numbers go to a node or an edge: host:port."""
        for number in display_numbers:
            self.line.numbers.assign(number, f"sip:{number}@{address}")

    def close(self) -> None:
        self._registrar.close()
