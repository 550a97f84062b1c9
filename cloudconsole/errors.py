"""What can go wrong in a service: a code, a sentence, and what to do next.

Raised where it is known; each transport (console, REST, gRPC, data plane) has one mapper for it.
"""

from dataclasses import dataclass
from enum import StrEnum


class Code(StrEnum):
    """The kinds of refusal, named as gRPC's status codes."""

    INVALID_ARGUMENT = "INVALID_ARGUMENT"
    FAILED_PRECONDITION = "FAILED_PRECONDITION"
    NOT_FOUND = "NOT_FOUND"
    ALREADY_EXISTS = "ALREADY_EXISTS"
    PERMISSION_DENIED = "PERMISSION_DENIED"
    UNAUTHENTICATED = "UNAUTHENTICATED"
    RESOURCE_EXHAUSTED = "RESOURCE_EXHAUSTED"
    UNAVAILABLE = "UNAVAILABLE"


@dataclass(eq=False)  # not frozen: contextlib sets __traceback__ on exceptions that pass through it
class ServiceError(Exception):
    """A refusal. ``sentence`` is shown to people as it stands; ``field`` names the argument at fault."""

    code: Code
    sentence: str
    field: str | None = None

    def __str__(self) -> str:
        return self.sentence


@dataclass(frozen=True)
class Refusal:
    """Why something is not possible: a stable code for programs and a sentence for people."""

    code: str
    sentence: str
