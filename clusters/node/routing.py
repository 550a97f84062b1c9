"""Paths to operations of a node's REST API."""

from dataclasses import dataclass

from clusters.node.errors import NotFound, NotSupported
from clusters.node.operations import OPERATIONS, Operation
from clusters.node.unsupported import UNSUPPORTED
from clusters.routes import Routes


@dataclass(frozen=True)
class Match:
    """An operation and what the path says: its collection, and its other parameters."""

    operation: Operation
    collection: str | None
    parameters: dict[str, str]


class Router:
    """The routes of a node's REST API."""

    def __init__(self) -> None:
        self._routes: Routes[Operation | str] = Routes()
        for operation in OPERATIONS.values():
            self._routes.add(operation.method, operation.path, operation)
        for method, path, sentence in UNSUPPORTED:
            self._routes.add(method, path, sentence)

    def match(self, method: str, raw_path: bytes) -> Match:
        """The operation for a request line; raises NotFound, or NotSupported for one that nodes do not have."""
        found = self._routes.find(method, b"/" + raw_path.strip(b"/"))
        if found is None:
            raise NotFound(f"there is no {method} {raw_path.decode('ascii', 'replace')}")
        target, values = found
        if isinstance(target, str):
            raise NotSupported(f"Not supported: {target}")
        return Match(target, values.pop("collection_name", None), values)
