"""Settings from environment variables, read where they are used."""

import os


class SettingMissing(Exception):
    """An environment variable that template.yaml sets is missing. The operator must act."""


def setting(name: str, default: str | None = None) -> str:
    """The value of one environment variable.

    Raises:
        SettingMissing: it is not set and has no default.
    """
    value = os.environ.get(name, default)
    if value is None:
        raise SettingMissing(f"environment variable {name} is not set; template.yaml sets it")
    return value


def flag(name: str) -> bool:
    """True only for the value `true`."""
    return os.environ.get(name, "").lower() == "true"
