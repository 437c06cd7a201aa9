"""`duologue memory …`: who is rung when a called party dials a display number."""

import argparse
from typing import Any

from duologue.adapters.basics.system_clock import SystemClock
from duologue.domain.errors import ForeignMemory
from duologue.domain.memory.call_memory import CallMemory, OpenedMemory
from duologue.domain.memory.memory_history import ExplainedMemory, MemoryChange, Pair
from duologue.domain.numbers.phone_number import PhoneNumber
from duologue.operator.masking import add_numbers_option, masked
from duologue.operator.platform import Platform, Said
from duologue.usecases.memory.forget_number import ForgetNumber

_MOST_LISTED = 1000
_DISPLAY = "display number"


def add_to(kinds: Any) -> None:
    memory = kinds.add_parser("memory", help="call memories").add_subparsers(metavar="show|list|forget", required=True)
    command = memory.add_parser("show", help="who would be rung, or why nobody, and the changes")
    command.add_argument("--display-number", required=True, metavar="NUMBER", help="the display number that is dialled")
    command.add_argument("--number", required=True, metavar="NUMBER", help="the number that dials it")
    add_numbers_option(command)
    command.set_defaults(command=_show)
    command = memory.add_parser("list", help="memories of a display number, of all SPs")
    command.add_argument("--display-number", required=True, metavar="NUMBER", help="E.164")
    command.add_argument(
        "--limit", type=int, default=25, metavar="N", help=f"1 to {_MOST_LISTED} (default: %(default)s)"
    )
    command.add_argument("--cursor", metavar="TEXT", help="continue the list that printed it")
    add_numbers_option(command)
    command.set_defaults(command=_list, refuse=command.error)
    command = memory.add_parser(
        "forget", help="erase a telephone number from all memories: as the one that dials, and as the one that is rung"
    )
    command.add_argument("--number", required=True, metavar="NUMBER", help="E.164")
    command.add_argument(
        "--display-number",
        dest="display_numbers",
        action="append",
        metavar="NUMBER",
        help="only of this display number, repeatable (default: all that apps show or have ever shown)",
    )
    command.set_defaults(command=_forget)


def _show(asked: argparse.Namespace, platform: Platform) -> Said:
    pair = Pair(
        PhoneNumber.parse(asked.display_number, field=_DISPLAY), PhoneNumber.parse(asked.number, field="number")
    )
    find = platform.find_memory
    explained = find.explain(find.of_sp(pair))
    return shown(explained) if asked.numbers else masked(shown(explained), _parties(explained.opened))


def _parties(opened: OpenedMemory) -> tuple[PhoneNumber, PhoneNumber]:
    return opened.dialler.number, opened.target.number


def shown(explained: ExplainedMemory) -> Said:
    reason = explained.why_not
    return _shown(explained.memory, explained.opened) | {
        "would_ring": reason is None,
        "why_not": None if reason is None else str(reason),
        "history": [_change(change) for change in explained.changes],
    }


def _list(asked: argparse.Namespace, platform: Platform) -> Said:
    if not 1 <= asked.limit <= _MOST_LISTED:
        asked.refuse(f"--limit must be 1 to {_MOST_LISTED}")
    display, seal = PhoneNumber.parse(asked.display_number, field=_DISPLAY), platform.memory_seal
    shown = seal.key(display, display).display
    page = platform.memories.of_display(shown, None, SystemClock().now(), asked.limit, asked.cursor)
    listed = []
    for memory in page.memories:
        try:
            opened = seal.open_listed(memory)
            said = _shown(memory, opened)
            listed.append(said if asked.numbers else masked(said, _parties(opened)))
        except ForeignMemory:
            listed.append({"session": memory.session, "error": "the item was changed; it holds another pair"})
    return {"memories": listed, "cursor": page.after}


def _forget(asked: argparse.Namespace, platform: Platform) -> Said:
    number = PhoneNumber.parse(asked.number, field="number")
    displays = [
        PhoneNumber.parse(each, field=_DISPLAY)
        for each in asked.display_numbers or sorted(platform.accounts.display_numbers())
    ]
    forget = ForgetNumber(platform.memories, platform.memory_seal, SystemClock())
    return {"forgotten": forget(number, displays, "operator"), "display_numbers": len(displays)}


def _shown(memory: CallMemory, opened: OpenedMemory) -> Said:
    return {
        "display_number": opened.display.e164,
        "number": opened.dialler.number.e164,
        "rings": opened.target.number.e164,
        "sp": memory.sp,
        "app_key": memory.app,
        "set_by": memory.set_by.value,
        "call_id": memory.session,
        "remembered_at": memory.remembered_at.isoformat(),
        "expires_at": memory.expires_at.isoformat(),
        "version": memory.version,
    }


def _change(change: MemoryChange) -> Said:
    return {
        "at": change.at.isoformat(),
        "who": change.who,
        "from": change.before,
        "to": change.after,
        "version": change.version,
    }
