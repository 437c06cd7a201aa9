"""Calls to display numbers in memory, with the same conditions as the real store."""

from collections import Counter
from datetime import datetime

from duologue.domain.calls.memory_draft import MemoryKey
from duologue.domain.memory.call_memory import InboundApp
from duologue.domain.numbers.phone_number import PhoneNumber
from duologue.usecases.ports.memories import Found, InboundAnswer, InboundEvent, NumberOwner
from tests.fakes.accounts import FakeAccounts
from tests.fakes.calls import FakeCalls


class FakeInboundCalls:
    """Plays `InboundCalls` over the fakes of calls and accounts. `reads`: how often `find` was asked."""

    def __init__(self, calls: FakeCalls, accounts: FakeAccounts) -> None:
        self.calls, self.accounts = calls, accounts
        self.reads = 0
        self._unconnected: Counter[tuple[PhoneNumber, int]] = Counter()

    def find(
        self, display: PhoneNumber, dialler: PhoneNumber | None, key: MemoryKey | None, event: InboundEvent | None
    ) -> Found:
        self.reads += 1
        owner = self._owner(display)
        memory = None if key is None else self.calls.memories.memory(key)
        return Found(
            owner=owner,
            memory=memory,
            memory_app=None if memory is None or owner is None else self._app(memory.app, owner.sp),
            owner_app=None if owner is None else self._app(owner.app, owner.sp),
            dialler_is_ours=dialler is not None and self._owner(dialler) is not None,
            before=None if event is None else self.calls.processed(event.call_id, event.network_call, event.event_key),
        )

    def accept(self, answer: InboundAnswer) -> None:
        self.calls.begin(answer)

    def count_unconnected(self, display: PhoneNumber, now: datetime, most: int) -> bool:
        minute = display, int(now.timestamp()) // 60
        if self._unconnected[minute] >= most:
            return False
        self._unconnected[minute] += 1
        return True

    def _owner(self, number: PhoneNumber) -> NumberOwner | None:
        shown = sorted(self.accounts.numbers.get(number.e164, ()))
        if not shown:
            return None
        answers = self.accounts.answers[number.e164]
        apps = [app for _, app in shown]
        return NumberOwner(shown[0][0], answers if answers in apps else apps[0])

    def _app(self, key: str, sp: str) -> InboundApp | None:
        app = self.accounts.apps.get(key)
        if app is None or app.sp != sp:
            return None
        return InboundApp.of(app, sp_is_active=self.accounts.sp(sp).active)
