"""Write docs/openapi.yaml from the product's code.

python -m tools.openapi            write it
python -m tools.openapi --check    say whether it is up to date; 1 if it is not
"""

import sys

from tools.openapi.document import PAGE, text


def main(arguments: list[str]) -> int:
    written = text()
    if "--check" in arguments:
        fresh = PAGE.read_text(encoding="utf-8") == written
        print(f"{PAGE.name} is up to date" if fresh else f"{PAGE.name} is stale: make openapi")
        return 0 if fresh else 1
    PAGE.write_text(written, encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
