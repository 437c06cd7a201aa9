"""What this machine lacks to run the stand-in telephone company."""

import os
import shutil
import subprocess
import sys

PACKAGES = {
    "ip": "iproute2",
    "nft": "nftables",
    "kamailio": "kamailio, kamailio-tls-modules",
    "rtpengine": "rtpengine-daemon",
    "sipp": "sip-tester",
    "baresip": "baresip-core",
    "tcpdump": "tcpdump",
}
"""Program → the Debian package that has it."""


def missing() -> str | None:
    """Why the stand-in telephone company cannot run here; None: it can."""
    if sys.platform != "linux":
        return "the stand-in telephone company needs Linux: it runs in network namespaces"
    if os.geteuid():
        return "the stand-in telephone company needs root: it makes network namespaces"
    search = f"{os.environ.get('PATH', '')}:/usr/sbin:/sbin"
    absent = [package for program, package in PACKAGES.items() if not shutil.which(program, path=search)]
    if absent:
        return f"not installed (Debian): {', '.join(absent)}"
    made = subprocess.run(["unshare", "--net", "true"], capture_output=True, check=False)
    return "this machine makes no network namespaces" if made.returncode else None
