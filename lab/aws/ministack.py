"""The only access to MiniStack's private modules.

MiniStack reads its environment when it is imported, and keeps for ever what it then found: account, region, host, how
functions run. So it is imported late, by name, and what is the same for every cloud is in the environment before the
first import, whoever asks for it. Its modules are private: its version is pinned exactly, and each use has a contract
test in `tests/e2e/cloud`, so that an incompatible upgrade fails.
"""

from __future__ import annotations

import importlib
import os
import sys
from typing import Any

LOOPBACK = "127.0.0.1"
ACCOUNT = "111122223333"
REGION = "us-east-1"

_CONSTANT: dict[str, str | None] = {
    "BIND_HOST": LOOPBACK,
    "MINISTACK_HOST": LOOPBACK,
    "MINISTACK_ACCOUNT_ID": ACCOUNT,
    "MINISTACK_REGION": REGION,
    "EDGE_PORT": None,
    "IOT_MTLS_ENABLED": "0",
    "SFTP_ENABLED": "0",
    "USE_SSL": None,
    "LAMBDA_EXECUTOR": "local",
    "LAMBDA_STRICT": None,
    "PERSIST_STATE": None,
    "LOCALSTACK_PERSISTENCE": None,
    "S3_PERSIST": None,
    "SFN_WAIT_SCALE": None,
}
"""Of every cloud; None: absent. They stay in this process's environment."""


def ministack(name: str) -> Any:
    """A MiniStack module by its name below `ministack`, for example `services.stepfunctions`."""
    if "ministack" not in sys.modules:
        _set_environment()
    return importlib.import_module(f"ministack.{name}")


def _set_environment() -> None:
    os.environ.setdefault("LOG_LEVEL", "WARNING")  # MiniStack configures the root logger when it is imported
    for name, value in _CONSTANT.items():
        if value is None:
            os.environ.pop(name, None)
        else:
            os.environ[name] = value
