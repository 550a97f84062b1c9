"""Which function serves which RPC. Apps put theirs here when Django starts; transports only look them up."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from google.protobuf.message import Message

from cloudconsole.api.methods import METHODS

# A request, and the Caller; the Identity where no account is concerned, None where nobody needs to sign in.
Servicer = Callable[[Any, Any], Message]


@dataclass(frozen=True)
class Implementation:
    """``serve`` answers a request. ``current`` reads, and locks, the resource that a partial update is merged onto."""

    serve: Servicer
    current: Servicer | None


IMPLEMENTATIONS: dict[str, Implementation] = {}
# What is plain REST and no RPC, as OpenAPI describes it: path items by their template, and the schemas that they name.
PLAIN_PATHS: dict[str, dict[str, Any]] = {}
PLAIN_SCHEMAS: dict[str, dict[str, Any]] = {}


def serves(name: str, *, current: Servicer | None = None) -> Callable[[Servicer], Servicer]:
    """Declare that the decorated function serves the RPC of this full name.

    It gets a request that is authorised, merged and valid, and the caller; it returns the response message or raises
    ServiceError. Raises ValueError for a method that no proto declares, that is served already, or whose partial
    updates have nothing to be merged onto.
    """
    if name not in METHODS:
        raise ValueError(f"No .proto declares {name}.")
    if name in IMPLEMENTATIONS:
        raise ValueError(f"{name} is served already.")
    if bool(METHODS[name].access.masked_resource) != (current is not None):
        raise ValueError(f"{name} needs `current` exactly if it takes an update mask.")

    def register(function: Servicer) -> Servicer:
        IMPLEMENTATIONS[name] = Implementation(function, current)
        return function

    return register


def serves_plainly(*, paths: dict[str, dict[str, Any]], schemas: dict[str, dict[str, Any]]) -> None:
    """Declare that an app serves these paths itself, so that they stand in the OpenAPI document."""
    PLAIN_PATHS.update(paths)
    PLAIN_SCHEMAS.update(schemas)
