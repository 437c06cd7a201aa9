"""The codes of how calls end, as the API's reference lists them, for the links beside a call's reason."""

from collections import defaultdict

from starlette.requests import Request
from starlette.responses import Response

from duologue.operator.console.pages import Pages
from duologue.wire.huawei.outcomes import ENDS, FAILURES, LOST_IN_TALK, STATES, EndingRow


def codes(pages: Pages, _request: Request) -> Response:
    cases: defaultdict[int, list[tuple[str, EndingRow]]] = defaultdict(list)
    for reason, row in ENDS.items():
        cases[row.state].append((reason.replace("_", " "), row))
    cases[LOST_IN_TALK.state].append(("lost, after both had answered", LOST_IN_TALK))
    for (party, result), row in FAILURES.items():
        cases[row.state].append((f"the {party}: {result.replace('_', ' ')}", row))
    rows = [(state, text, cases[state]) for state, text in sorted(STATES.items()) if cases[state]]
    return pages.page("codes.html", {"page": "", "rows": rows})
