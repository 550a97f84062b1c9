"""Which threads go first when all cores are taken."""

import os
import sys

# Ten steps are a tenth of the share: searches get nearly all the time they want, and imports never stand still.
_STEPS_BACK = 10


def in_background() -> None:
    """Let this thread, and all it starts, stand behind the process's other threads from now on.

    Linux knows priorities of threads; elsewhere they all stay alike.
    """
    if sys.platform == "linux":
        os.setpriority(os.PRIO_PROCESS, 0, min(os.getpriority(os.PRIO_PROCESS, 0) + _STEPS_BACK, 19))
