"""The node's end of the link that the gateway asks over: the methods of gRPC and the routes of REST."""

from pathlib import Path

import grpc

from clusters.link_listener import LinkListener
from clusters.message_link import Answer, LinkAnswer

_STOPPING = "Service unavailable: the node is stopping, repeat the request in a moment"


class LinkApi:
    """Answers on a unix socket between ``start`` and ``stop``, by a method's path or by "PUT /path?query"."""

    def __init__(self, answer_grpc: Answer, answer_rest: Answer) -> None:
        self._answer_grpc = answer_grpc
        self._answer_rest = answer_rest
        self._draining = False
        self._listener = LinkListener(self._answer)

    async def start(self, socket: Path) -> None:
        """Listen on the unix socket of this path."""
        await self._listener.start(socket)

    async def stop(self, seconds: float) -> None:
        """Answer UNAVAILABLE to new calls, give those in flight this long."""
        self._draining = True
        await self._listener.stop(seconds)

    async def _answer(self, line: str, message: bytes) -> LinkAnswer:
        of_rest = " " in line
        if self._draining and not of_rest:  # REST refuses for itself
            return LinkAnswer(grpc.StatusCode.UNAVAILABLE.value[0], _STOPPING, b"")
        return await (self._answer_rest if of_rest else self._answer_grpc)(line, message)
