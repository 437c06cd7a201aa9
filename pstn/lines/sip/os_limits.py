"""Process priority and file descriptors of a SIP endpoint, set before it starts threads."""

import fcntl
import os
import resource
from contextlib import suppress

URGENT = -10
FILES = 4096
"""A call opens four: sockets for RTP and RTCP, for audio and for video, which is never sent."""


def prepare() -> None:
    """Settings that this user or machine does not allow stay as they are."""
    with suppress(OSError):  # audio has priority
        os.setpriority(os.PRIO_PROCESS, 0, URGENT)
    with suppress(OSError, ValueError):
        _make_room(FILES)


def _make_room(files: int) -> None:
    """Grow the table of open files in advance.

    Once threads share the table, growing it waits until no processor can be reading the old one (Linux, fs/file.c:
    expand_fdtable, synchronize_rcu). On a busy machine that took up to 48 s; the waiting thread was the one for all SIP
    and RTP, and every call that began meanwhile was lost. The table never shrinks.
    """
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    most = files if hard == resource.RLIM_INFINITY else min(files, hard)
    if soft != resource.RLIM_INFINITY and soft < most:
        resource.setrlimit(resource.RLIMIT_NOFILE, (most, hard))
    os.close(fcntl.fcntl(0, fcntl.F_DUPFD, most - 1))
