"""Packages and layers, unpacked once and shared by all processes, as /var/task and /opt."""

from __future__ import annotations

import contextlib
import hashlib
import io
import os
import tempfile
import zipfile
from pathlib import Path


def unpacked(content: bytes) -> Path:
    """The directory with this zip file's content; read-only by convention."""
    root = Path(os.environ["LAB_UNPACKED"])
    target = root / hashlib.sha256(content).hexdigest()[:24]
    if target.is_dir():
        return target
    root.mkdir(parents=True, exist_ok=True)
    fresh = Path(tempfile.mkdtemp(dir=root))
    fresh.chmod(0o755)
    with zipfile.ZipFile(io.BytesIO(content)) as package:
        package.extractall(fresh)
    with contextlib.suppress(OSError):  # another process has done it meanwhile
        fresh.rename(target)
    return target
