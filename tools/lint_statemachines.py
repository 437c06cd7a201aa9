"""Run statelint on every state machine of template.yaml, as it reads once the template's values are filled in.

Exits 1 with what is wrong; prints one line per definition that is right.
"""

import sys

from statelint.linter import Linter

from tools.template import read_template, state_machines, substituted


def main() -> int:
    """The exit code: 0 if every definition is sound."""
    template = read_template()
    wrong = 0
    for machine in state_machines(template):
        problems = Linter.validate(substituted(template, machine))
        for problem in problems:
            print(f"{machine.definition}: {problem}", file=sys.stderr)
        if not problems:
            print(f"{machine.definition}: {len(substituted(template, machine)['States'])} states, nothing wrong")
        wrong += len(problems)
    return 1 if wrong else 0


if __name__ == "__main__":
    raise SystemExit(main())
