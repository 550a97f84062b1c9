"""A child process that never outlives the process that started it."""

import ctypes
import os
import signal
import sys

_PR_SET_PDEATHSIG = 1  # <linux/prctl.h>


def die_with_parent() -> None:
    """Ask the kernel to kill this process as soon as its parent is gone; does nothing outside Linux.

    Call it first thing in the child. SIGKILL and not SIGTERM: with the supervisor gone nobody is left to
    wait for a drain, and a child that hangs in one would keep its port or its lock from the next start.
    The kernel watches the *thread* that started the child, so a supervisor starts children on a thread
    that lives as long as it does.

    Raises ``OSError`` when the kernel refuses.
    """
    if sys.platform != "linux":
        return
    parent = os.getppid()
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0) != 0:
        code = ctypes.get_errno()
        raise OSError(code, os.strerror(code))
    if os.getppid() != parent:  # it died before the kernel was asked, and will send nothing now
        os.kill(os.getpid(), signal.SIGKILL)
