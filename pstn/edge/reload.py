"""A running Kamailio reads tables again that were rendered anew; its calls go on."""

import re
import subprocess
import time
from collections.abc import Collection
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


def reload(rendered: Collection[str], changed: Collection[str], out: Path, run: Path) -> None:
    """All tables, also those that an earlier render changed; none if the program, which they fit, is another now.

    Args:
        rendered, changed: names as `render` and `write` give them.
        out: the folder of the files.
        run: the folder of the control socket.

    Raises:
        ReloadError
    """
    program = "kamailio.cfg"
    is_old = program in changed or (out / program).stat().st_mtime > _started(run)
    has_tls = "tls.cfg" in rendered
    for name, command in RELOADS.items():
        if name in rendered and not is_old and (has_tls or name != "tables/names"):
            _command(run, *command)
    restart = [f"{program} is another now: restart Kamailio, which cuts no call"] if is_old else []
    if "rtpengine.conf" in changed:
        restart.append("rtpengine.conf is another now: restart rtpengine, which cuts every call")
    if restart:
        raise ReloadError("; ".join(restart))


def _started(run: Path) -> float:
    """When Kamailio was started, in unix seconds, or up to 2 s later: it says whole seconds."""
    told = re.search(r"uptime: ([0-9]+)", _command(run, "core.uptime"))
    if told is None:
        raise ReloadError("core.uptime: no answer of Kamailio's")
    return time.time() - int(told[1]) + 1


def _command(run: Path, *command: str) -> str:
    try:
        done = subprocess.run(
            ["kamcmd", "-s", f"unix:{run / 'kamailio.sock'}", *command], capture_output=True, text=True, timeout=30
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise ReloadError(f"{' '.join(command)}: {type(error).__name__}") from None
    # kamcmd ends with 0 for a command that Kamailio refused.
    if done.returncode or "error:" in done.stdout + done.stderr:
        raise ReloadError(f"{' '.join(command)}: {(done.stderr or done.stdout).strip()}")
    return done.stdout
