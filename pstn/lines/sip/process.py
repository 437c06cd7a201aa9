"""What a station asks of the machine; before it has threads."""

import fcntl
import os
import resource
from contextlib import suppress

URGENT = -10
FILES = 4096
"""A call opens four: sockets for RTP and RTCP, of its sound and of a picture that nobody sends."""


def prepare() -> None:
    """What this user or this machine does not allow is left as it is."""
    with suppress(OSError):  # sound goes first
        os.setpriority(os.PRIO_PROCESS, 0, URGENT)
    with suppress(OSError, ValueError):
        _make_room(FILES)


def _make_room(files: int) -> None:
    """A table of open files that need not grow.

    Where threads share it, growing waits until no processor can be reading the old one (Linux, fs/file.c:
    expand_fdtable, synchronize_rcu). On a busy machine that took up to 48 s; the thread that waited was the one of all
    SIP and RTP, and every call that began meanwhile was lost. A table that has grown does not shrink.
    """
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    most = files if hard == resource.RLIM_INFINITY else min(files, hard)
    if soft != resource.RLIM_INFINITY and soft < most:
        resource.setrlimit(resource.RLIMIT_NOFILE, (most, hard))
    os.close(fcntl.fcntl(0, fcntl.F_DUPFD, most - 1))
