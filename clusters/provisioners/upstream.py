"""Where a cluster answers, and under which names it keeps its collections."""

from dataclasses import dataclass

from cloudconsole.qdrant_servers import QdrantServer


@dataclass(frozen=True)
class Upstream:
    """Either ``socket``, the path of an embedded node's unix socket, or a Qdrant ``server``.

    ``prefix`` stands before the name of each collection and alias of a cluster on a server that it shares.
    """

    socket: str = ""
    server: QdrantServer | None = None
    prefix: str = ""
