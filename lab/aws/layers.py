"""The layers of template.yaml, built for the lab's own interpreter.

A layer directory with a requirements.txt contains the packages that it lists, copied from the lab's own environment:
both are installed from lock files with the same versions and hashes, so nothing is downloaded. Any other contains its
Python packages. In both cases the content is in `python/`, with bytecode that is never checked against its source
(`unchecked-hash`): a zip file does not preserve file times, and packages without bytecode start about twice as slowly.
Layers are cached, and rebuilt only when their source or the interpreter changes.
"""

from __future__ import annotations

import hashlib
import platform
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from importlib.metadata import Distribution, PackageNotFoundError, distribution
from pathlib import Path

from packaging.requirements import Requirement

_REQUIREMENTS = "requirements.txt"
_NOT_SOURCE = ("__pycache__", "Makefile", "*.egg-info", ".mypy_cache", ".ruff_cache")


class LayerError(Exception):
    """A layer could not be built; the message says which package is missing."""


def built_layer(source: Path, cache: Path) -> Path:
    """The directory to zip for the layer with this source.

    Raises:
        LayerError: a package of its requirements.txt is not installed here, or in another version.
    """
    requirements = source / _REQUIREMENTS
    origin = [requirements] if requirements.is_file() else _files(source)
    target = cache / f"{source.name}-{_fingerprint(origin, source)}"
    if target.is_dir():
        return target
    cache.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=cache) as work:
        fresh = Path(work) / "layer"
        content = fresh / "python"
        if requirements.is_file():
            for package in _locked(requirements):
                _copy(package, content)
        else:
            shutil.copytree(source, content, ignore=shutil.ignore_patterns(*_NOT_SOURCE))
        _compile(content)
        try:
            fresh.rename(target)
        except OSError:  # another lab has built it meanwhile
            if not target.is_dir():
                raise
    return target


def _compile(content: Path) -> None:
    """On all cores, in a process of its own: this one has threads, which must not be forked. Faulty sources stay."""
    options = ["-q", "-f", "-j", "0", "--invalidation-mode", "unchecked-hash"]
    subprocess.run([sys.executable, "-m", "compileall", *options, str(content)], stdout=subprocess.DEVNULL, check=False)


def _files(source: Path) -> list[Path]:
    return sorted(path for path in source.rglob("*") if path.is_file() and "__pycache__" not in path.parts)


def _fingerprint(files: list[Path], root: Path) -> str:
    digest = hashlib.sha256(f"{sys.implementation.cache_tag} {sys.version} {platform.platform()}".encode())
    for path in files:
        digest.update(str(path.relative_to(root)).encode() + b"\0" + path.read_bytes() + b"\0")
    return digest.hexdigest()[:24]


def _locked(requirements: Path) -> Iterator[Distribution]:
    """The installed packages that a lock file with exact versions lists for this interpreter.

    Raises:
        LayerError
    """
    text = requirements.read_text(encoding="utf-8").replace("\\\n", " ")
    for line in text.splitlines():
        written = re.sub(r"\s+--hash=\S+", "", line.partition("#")[0]).strip()
        if not written:
            continue
        wanted = Requirement(written)
        if wanted.marker and not wanted.marker.evaluate():
            continue
        try:
            package = distribution(wanted.name)
        except PackageNotFoundError:
            raise LayerError(f"{written} is not installed: run make install.") from None
        if str(wanted.specifier) != f"=={package.version}":
            raise LayerError(f"{wanted.name} {package.version} is installed, not {written}: run make install.")
        yield package


def _copy(package: Distribution, content: Path) -> None:
    """Its modules and metadata, without its scripts and bytecode."""
    for file in package.files or ():
        if ".." in file.parts or file.suffix == ".pyc":
            continue
        target = content / file
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(str(file.locate()), target)
