"""The layers of template.yaml, built for the lab's own interpreter.

A layer directory with a requirements.txt contains what pip installs from it, with hashes; any other contains its Python
packages. In both cases the content is in `python/`, with bytecode that is never checked against its source
(`unchecked-hash`): a zip file does not preserve file times, and packages without bytecode start about twice as slowly.
Layers are cached, and rebuilt only when their source or the interpreter changes.
"""

from __future__ import annotations

import compileall
import hashlib
import platform
import py_compile
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

_REQUIREMENTS = "requirements.txt"
_NOT_SOURCE = ("__pycache__", "Makefile", "*.egg-info", ".mypy_cache", ".ruff_cache")


class LayerError(Exception):
    """A layer could not be built; the message is pip's output."""


def built_layer(source: Path, cache: Path) -> Path:
    """The directory to zip for the layer with this source.

    Raises:
        LayerError: pip failed.
    """
    requirements = source / _REQUIREMENTS
    origin = [requirements] if requirements.is_file() else _files(source)
    target = cache / f"{source.name}-{_fingerprint(origin, source)}"
    if target.is_dir():
        return target
    cache.mkdir(parents=True, exist_ok=True)
    fresh = Path(tempfile.mkdtemp(dir=cache))
    content = fresh / "python"
    if requirements.is_file():
        _install(requirements, content)
    else:
        shutil.copytree(source, content, ignore=shutil.ignore_patterns(*_NOT_SOURCE))
    compileall.compile_dir(
        content, quiet=1, force=True, invalidation_mode=py_compile.PycInvalidationMode.UNCHECKED_HASH, workers=1
    )
    try:
        fresh.rename(target)
    except OSError:  # another lab has built it meanwhile
        shutil.rmtree(fresh)
    return target


def _files(source: Path) -> list[Path]:
    return sorted(path for path in source.rglob("*") if path.is_file() and "__pycache__" not in path.parts)


def _fingerprint(files: list[Path], root: Path) -> str:
    digest = hashlib.sha256(f"{sys.implementation.cache_tag} {sys.version} {platform.platform()}".encode())
    for path in files:
        digest.update(str(path.relative_to(root)).encode() + b"\0" + path.read_bytes() + b"\0")
    return digest.hexdigest()[:24]


def _install(requirements: Path, content: Path) -> None:
    pip = [sys.executable, "-m", "pip", "--disable-pip-version-check", "install", "--quiet", "--no-compile"]
    options = ["--require-hashes", "--only-binary", ":all:", "--target", str(content), "-r", str(requirements)]
    done = subprocess.run([*pip, *options], capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise LayerError(done.stderr.strip())
    for leftover in (content / "bin",):
        shutil.rmtree(leftover, ignore_errors=True)
