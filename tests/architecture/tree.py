"""The tree under test: which files are tracked, and what kind each is."""

import subprocess
from functools import cache
from pathlib import Path

from tools.template import ROOT

__all__ = ["ROOT", "modules", "text_of", "tracked"]


@cache
def tracked() -> tuple[Path, ...]:
    """Every file that git tracks or would track, relative to the root."""
    command = ["git", "-c", "safe.directory=*", "ls-files", "--cached", "--others", "--exclude-standard", "-z"]
    listed = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout
    return tuple(sorted(Path(name) for name in listed.split("\0") if name and (ROOT / name).is_file()))


def modules(*folders: str) -> list[Path]:
    """The Python modules below `folders` that hold code (an `__init__.py` without any is none)."""
    return [
        path
        for path in tracked()
        if path.suffix == ".py" and str(path).startswith(folders) and (path.name != "__init__.py" or _has_code(path))
    ]


@cache
def text_of(path: Path) -> str | None:
    """The text of a tracked file; None if it is not text."""
    try:
        return (ROOT / path).read_text(encoding="utf-8")
    except UnicodeDecodeError:
        return None


def _has_code(path: Path) -> bool:
    return "import " in (ROOT / path).read_text(encoding="utf-8")
