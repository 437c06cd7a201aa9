"""What a user reads of `tools/install`: one sentence without a network, pip's own words only where they help."""

import subprocess
from pathlib import Path

import pytest

TOOL = Path(__file__).parents[2] / "tools" / "install"
OFFLINE = """WARNING: Retrying (Retry(total=1)) after connection broken by 'NewConnectionError("...")': /six/
ERROR: Could not find a version that satisfies the requirement {wanted} (from versions: none)
ERROR: No matching distribution found for {wanted}
"""
NO_WHEEL = "ERROR: No matching distribution found for baresip-python==0.5\n"
WRONG_HASH = "ERROR: THESE PACKAGES DO NOT MATCH THE HASHES FROM THE REQUIREMENTS FILE.\n"
INSTALLING = "Installing lab.txt into {env}\n"
NEEDS_NETWORK = (
    "The packages of lab.txt cannot be downloaded: this needs a network, once. After that nothing is downloaded.\n"
)
NO_SIP = "No telephones over SIP on this machine: no wheel of baresip-python fits it. The scripted ones remain.\n"


@pytest.mark.parametrize(
    ("with_optional", "without", "code", "printed", "complained"),
    [
        ("", "", 0, "", ""),
        (NO_WHEEL, "", 0, NO_SIP, ""),
        (NO_WHEEL, WRONG_HASH, 1, NO_SIP, WRONG_HASH),
        (NO_WHEEL, OFFLINE, 1, NO_SIP, NEEDS_NETWORK),
        (OFFLINE.format(wanted="baresip-python==0.5"), "", 1, "", NEEDS_NETWORK),
        (OFFLINE.format(wanted="six==1.0"), "", 1, "", NEEDS_NETWORK),
        (WRONG_HASH, "", 1, "", WRONG_HASH),
    ],
    ids=[
        "all",
        "no wheel",
        "no wheel, wrong hash",
        "no wheel, offline",
        "offline at SIP",
        "offline later",
        "wrong hash",
    ],
)
def test_what_is_said_of_a_failure(tmp_path, with_optional, without, code, printed, complained):
    """pip is a script that fails with these words where there are any."""
    python = tmp_path / "bin" / "python"
    python.parent.mkdir()
    (tmp_path / "with").write_text(with_optional)
    (tmp_path / "without").write_text(without)
    python.write_text(
        f"""#!/bin/sh
case "$*" in
    *"-m pip"*sip.txt*) cat {tmp_path}/with; ! [ -s {tmp_path}/with ] ;;
    *"-m pip"*) cat {tmp_path}/without; ! [ -s {tmp_path}/without ] ;;
esac
"""
    )
    python.chmod(0o755)
    said = subprocess.run([TOOL, tmp_path, "lab.txt", "sip.txt"], capture_output=True, text=True, check=False)
    assert (said.returncode, said.stdout) == (code, "")
    assert said.stderr == INSTALLING.format(env=tmp_path) + printed + complained
