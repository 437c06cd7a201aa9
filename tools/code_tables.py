"""Write the tables of codes in docs/api.md, between their marks, from the product's own tables.

python -m tools.code_tables            write them
python -m tools.code_tables --check    say whether they are up to date; 1 if they are not
"""

import re
import sys
from collections.abc import Iterable

from duologue.wire.huawei.outcomes import ENDS, FAILURES, LOST_IN_TALK, STATES
from duologue.wire.huawei.results import ERROR_ROWS, HEADER_ROWS, UNEXPECTED
from tools.template import ROOT, read_template

PAGE = ROOT / "docs" / "api.md"


def filled(text: str) -> str:
    """The page with both tables as they are now. Raises AssertionError: a mark is missing."""
    for name, lines in {"results": _results(), "ends": _ends()}.items():
        pattern = re.compile(rf"(<!-- {name}: .*? -->\n).*?(<!-- end of {name} -->)", re.DOTALL)
        assert pattern.search(text), f"docs/api.md has no mark for {name}"
        written = "\n".join(lines) + "\n"
        text = pattern.sub(lambda mark, written=written: f"{mark[1]}\n{written}\n{mark[2]}", text)  # type: ignore[misc]
    return text


def _results() -> list[str]:
    """What an API answers, by code: the function's own rows, then the gateway's."""
    rows = [
        (row.code, row.status, row.text, row.why) for row in (*ERROR_ROWS.values(), *HEADER_ROWS.values(), UNEXPECTED)
    ]
    gateway = read_template()["Resources"]["Api"]["Properties"]["GatewayResponses"]
    for name, response in gateway.items():
        body = response["ResponseTemplates"]["application/json"]
        code, text = re.findall(r'"result(?:code|desc)":"([^"]*)"', body)
        rows.append((code, response.get("StatusCode", "4xx"), text, f"the gateway's {name}"))
    in_order = sorted(rows, key=lambda row: (int(row[0]), str(row[1])))
    return _table(("Result code", "HTTP", "Text (its beginning)", "Why this one"), in_order)


def _ends() -> list[str]:
    """How a call ended, by state code: every row of the product's table."""
    cases = [(_words(reason.name), row, f"{row.sip}") for reason, row in ENDS.items()]
    cases.append(("lost, after both had answered", LOST_IN_TALK, f"{LOST_IN_TALK.sip}"))
    cases += [
        (f"the {party.value}: {_words(result.name)}", row, f"the network's, or {row.sip}")
        for (party, result), row in FAILURES.items()
    ]
    rows: list[tuple[object, ...]] = [
        (
            row.state,
            case,
            STATES[row.state],
            row.release,
            sip,
            "by RFC 3398" if row.cause is None else row.cause,
            row.why,
        )
        for case, row, sip in cases
    ]
    head = ("`stateCode`", "Case", "`stateDesc`", "`ulFailReason`", "`sipStatusCode`", "Q.850", "Why")
    in_order = sorted(rows, key=lambda row: (str(row[0]).zfill(4), str(row[1])))
    return _table(head, in_order)


def _words(name: str) -> str:
    return name.lower().replace("_", " ")


def _table(head: Iterable[object], rows: Iterable[Iterable[object]]) -> list[str]:
    lines = [tuple(head), *map(tuple, rows)]
    written = ["| " + " | ".join(str(cell).replace("|", "\\|") for cell in line) + " |" for line in lines]
    return [written[0], "|" + " --- |" * len(lines[0]), *written[1:]]


def main(arguments: list[str]) -> int:
    """The exit code."""
    before = PAGE.read_text(encoding="utf-8")
    now = filled(before)
    if "--check" in arguments:
        print(
            "docs/api.md has the codes of now"
            if now == before
            else "docs/api.md is out of date: python -m tools.code_tables"
        )
        return 0 if now == before else 1
    PAGE.write_text(now, encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
