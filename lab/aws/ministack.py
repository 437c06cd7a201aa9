"""The only access to MiniStack's private modules.

MiniStack reads its environment when it is imported, so it is imported late, by name, after `lab.aws.cloud` has set
that environment. Its modules are private: its version is pinned exactly, and each use has a contract test in
`tests/e2e/cloud`, so that an incompatible upgrade fails.
"""

from __future__ import annotations

import importlib
import os
from typing import Any


def ministack(name: str) -> Any:
    """A MiniStack module by its name below `ministack`, for example `services.stepfunctions`."""
    os.environ.setdefault("LOG_LEVEL", "WARNING")  # MiniStack configures the root logger when it is imported
    return importlib.import_module(f"ministack.{name}")
