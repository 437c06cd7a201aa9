"""Finish a layer: strip what Lambda need not carry, then compile all of it with this interpreter.

    python3.13 tools/finish_layer.py ARTIFACTS_DIR

Lambda's disk is read-only, so a module without bytecode is compiled again at each cold start; packages without it start
about twice as slowly. Bytecode normally names its source by time, and times do not survive the zip; so it is told not
to look (PEP 552, unchecked hash). It fits one minor version of Python only: the function's runtime.

Exits 1 if a file does not compile.
"""

import compileall
import shutil
import sys
from pathlib import Path
from py_compile import PycInvalidationMode

LAMBDA_PYTHON = (3, 13)
# Where Lambda unpacks a layer: the bytecode's file names say it, so that stack traces do.
UNPACKED_AT = "/opt"

# Never imported by what imports the package. `py.typed` and stubs serve type checkers only.
_SPARE_FOLDERS = ("__pycache__", "tests", "test", "bin")
_SPARE_FILES = ("*.pyi", "py.typed", "*.pth")
# pip's own notes on an installation. METADATA stays (importlib.metadata reads it), and so do the licences.
_PIP_NOTES = ("RECORD", "INSTALLER", "REQUESTED", "direct_url.json")


def strip(layer: Path) -> None:
    """Remove caches, test suites, scripts, stubs and pip's notes below `layer`."""
    for name in _SPARE_FOLDERS:
        for folder in [path for path in layer.rglob(name) if path.is_dir()]:
            shutil.rmtree(folder, ignore_errors=True)
    for pattern in _SPARE_FILES:
        for file in list(layer.rglob(pattern)):
            file.unlink()
    for dist_info in layer.rglob("*.dist-info"):
        for note in _PIP_NOTES:
            (dist_info / note).unlink(missing_ok=True)


def compile_all(layer: Path) -> bool:
    """Write bytecode that is never checked against its source; True if every file compiled."""
    return bool(
        compileall.compile_dir(
            layer,
            quiet=1,
            force=True,
            stripdir=str(layer),
            prependdir=UNPACKED_AT,
            invalidation_mode=PycInvalidationMode.UNCHECKED_HASH,
        )
    )


def main(arguments: list[str]) -> int:
    """Finish the layer named on the command line; the exit code."""
    if sys.version_info[:2] != LAMBDA_PYTHON:
        print(f"finish_layer: needs Python {LAMBDA_PYTHON[0]}.{LAMBDA_PYTHON[1]}, Lambda's own", file=sys.stderr)
        return 1
    layer = Path(arguments[0]).resolve()
    strip(layer)
    return 0 if compile_all(layer) else 1


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
