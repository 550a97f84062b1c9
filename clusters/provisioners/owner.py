"""In whose name a provisioner is told to do something."""

from typing import NamedTuple


class Owner(NamedTuple):
    """The generation that an operation brings about, and the fencing token of the claim it is worked on under.

    Owners compare: a later one has the say. A worker that was paused past its lease comes too late with its calls.
    """

    generation: int
    token: int = 0
