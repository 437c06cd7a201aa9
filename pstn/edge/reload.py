"""A running Kamailio reads tables again that were rendered anew; its calls go on."""

import subprocess
from collections.abc import Iterable
from pathlib import Path

RELOADS = {
    # Trunks first: what other tables name is known before they name it.
    "tables/trunks": ("htable.reload", "trunks"),
    "tables/callers": ("htable.reload", "callers"),
    "tables/names": ("htable.reload", "names"),
    "tables/dialplan": ("dialplan.reload",),
    "address.list": ("permissions.addressReload",),
    "dispatcher.list": ("dispatcher.reload",),
    "tls.cfg": ("tls.reload",),
    "tables/numbers": ("htable.reload", "numbers"),
}
"""File → the command of kamcmd(1). Any other file is read at the start only."""


class ReloadError(Exception):
    """What was rendered is not, or not wholly, in force; the reason in one line."""


def reload(changed: Iterable[str], run: Path) -> None:
    """`changed`: names as `render` gives them. `run`: the folder of the control socket.

    Raises:
        ReloadError
    """
    changed = set(changed)
    for name, command in RELOADS.items():
        if name in changed:
            _command(run, *command)
    needs = {"kamailio.cfg": "Kamailio, which cuts no call", "rtpengine.conf": "rtpengine, which cuts every call"}
    restart = [f"{name} is another now: restart {what}" for name, what in needs.items() if name in changed]
    if restart:
        raise ReloadError("; ".join(restart))


def _command(run: Path, *command: str) -> None:
    try:
        done = subprocess.run(
            ["kamcmd", "-s", f"unix:{run / 'kamailio.sock'}", *command], capture_output=True, text=True, timeout=30
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise ReloadError(f"{' '.join(command)}: {type(error).__name__}") from None
    # kamcmd ends with 0 for a command that Kamailio refused.
    if done.returncode or "error:" in done.stdout + done.stderr:
        raise ReloadError(f"{' '.join(command)}: {(done.stderr or done.stdout).strip()}")
