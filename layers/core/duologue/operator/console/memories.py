"""Call memories of a display number: who would be rung when who dials it, and if nobody, why."""

from dataclasses import dataclass

from starlette.requests import Request
from starlette.responses import Response

from duologue.domain.errors import ForeignMemory, UnknownMemory
from duologue.domain.memory.call_memory import CallMemory, OpenedMemory
from duologue.domain.memory.memory_history import Pair
from duologue.domain.numbers.phone_number import PhoneNumber
from duologue.operator.console.desk import Desk
from duologue.operator.console.pages import Pages

_ROWS = 25


@dataclass(frozen=True, slots=True)
class Row:
    """`opened`: None: the item was changed outside the product. `why_not`: why nobody would be rung, else empty."""

    memory: CallMemory
    opened: OpenedMemory | None
    why_not: str = ""


def memories(pages: Pages, request: Request) -> Response:
    """Raises InvalidNumber."""
    desk, query = pages.desk, request.query_params
    numbers = sorted({number for app in desk.apps() for number in app.numbers})
    chosen = query.get("display") or next(iter(numbers), "")
    rows: list[Row] = []
    after: str | None = None
    if chosen:
        display = PhoneNumber.parse(chosen, field="display number")
        shown = desk.seal.key(display, display).display
        page = desk.memories.of_display(shown, None, desk.now(), _ROWS, query.get("after") or None)
        rows, after = [_row(desk, memory) for memory in page.memories], page.after
    context = {"page": "memories", "numbers": numbers, "chosen": chosen, "rows": rows, "after": after}
    return pages.page("memories.html", context)


def _row(desk: Desk, memory: CallMemory) -> Row:
    try:
        opened = desk.seal.open_listed(memory)
    except ForeignMemory:
        return Row(memory, None, "the item was changed; it holds another pair")
    find = desk.show.find_memory
    try:
        explained = find.of_sp(Pair(opened.display, opened.dialler.number)).explained([])
    except UnknownMemory:  # it has just expired, or was forgotten
        return Row(memory, opened, "it is gone by now")
    return Row(memory, opened, str(explained.why_not or "").replace("_", " "))
