"""The gRPC API of a node: its methods by path."""

import logging
import time
from collections.abc import Awaitable, Callable
from typing import Any

import grpc
from google.protobuf.message import DecodeError

from clusters.grpc_server import Context, UnaryServer
from clusters.message_link import LinkAnswer
from clusters.node.errors import EngineFailure, FormatError, NodeError, NotSupported
from clusters.node.grpc.methods import METHODS, Method
from clusters.node.grpc.requests import request_json
from clusters.node.grpc.unsupported import UNSUPPORTED_METHODS
from clusters.node.node import Call, Node
from clusters.node.operations import OPERATIONS, Operation
from clusters.node.rest import LARGEST_BODY
from clusters.qdrant_messages import message_classes, q

log = logging.getLogger(__name__)

Behaviour = Callable[[bytes], Awaitable[bytes]]

HEALTH = "/grpc.health.v1.Health/Check"
SERVING, NOT_SERVING = b"\x08\x01", b"\x08\x02"  # grpc.health.v1.HealthCheckResponse
_STATUS = {
    400: grpc.StatusCode.INVALID_ARGUMENT,
    404: grpc.StatusCode.NOT_FOUND,
    409: grpc.StatusCode.ALREADY_EXISTS,
    422: grpc.StatusCode.INVALID_ARGUMENT,
    501: grpc.StatusCode.UNIMPLEMENTED,
}


class GrpcApi:
    """Answers a node's requests on ``server``."""

    def __init__(self, node: Node, version: str) -> None:
        self._node = node
        self.server = UnaryServer(self._serve, LARGEST_BODY)
        hello = q.HealthCheckReply(title="qdrant - vector search engine", version=version).SerializeToString()
        self._behaviours: dict[str, Behaviour] = {
            "/qdrant.Qdrant/HealthCheck": _answering(lambda: hello),
            HEALTH: _answering(lambda: SERVING if node.is_ready else NOT_SERVING),
        }
        for path, method in METHODS.items():
            self._behaviours[path] = self._behaviour(method, *message_classes(path))

    async def _serve(self, details: Any, message: bytes, context: Context) -> bytes:
        try:
            return await self._answer(details.method, message)
        except Exception as error:
            status, sentence = _refusal(error)
            await context.abort(status, sentence)
            raise AssertionError("abort does not return") from None

    async def answer(self, path: str, message: bytes) -> LinkAnswer:
        """The answer to a request that came over the link."""
        try:
            return LinkAnswer(grpc.StatusCode.OK.value[0], "", await self._answer(path, message))
        except Exception as error:
            status, sentence = _refusal(error)
            return LinkAnswer(status.value[0], sentence, b"")

    async def _answer(self, path: str, message: bytes) -> bytes:
        behave = self._behaviours.get(path)
        if behave is None:
            sentence = UNSUPPORTED_METHODS.get(path)
            raise NotSupported(f"Not supported: {sentence}" if sentence else f"there is no method {path}")
        return await behave(message)

    def _behaviour(self, method: Method, request_class: Any, reply_class: Any) -> Behaviour:
        operation = OPERATIONS[method.operation]
        timed = "time" in reply_class.DESCRIPTOR.fields_by_name

        async def behave(message: bytes) -> bytes:
            started = time.perf_counter()
            fields = method.reply(await self._operate(method, operation, _parsed(request_class, message), message))
            if timed:
                fields["time"] = time.perf_counter() - started
            reply: bytes = reply_class(**fields).SerializeToString()
            return reply

        return behave

    async def _operate(self, method: Method, operation: Operation, request: Any, message: bytes) -> Any:
        parameters = {name: getattr(request, name) for name in method.parameters}
        collection = getattr(request, "collection_name", None)
        wait = getattr(request, "wait", False)
        body = method.quickly(request) if method.quickly else None
        if body is not None:
            call = Call(operation, collection, parameters, body, message, wait, form="message")
        else:
            raw = request_json(method.body, request) if operation.request else b""
            call = Call(operation, collection, parameters, operation.parse(raw), raw, wait)
        return await self._node.execute(call)


def _parsed(request_class: Any, message: bytes) -> Any:
    try:
        return request_class.FromString(message)
    except DecodeError:
        raise FormatError("the message is not of the method's type, or nested too deeply", "message") from None


def _answering(answer: Callable[[], bytes]) -> Behaviour:
    async def behave(_message: bytes) -> bytes:
        return answer()

    return behave


def _refusal(error: Exception) -> tuple[Any, str]:
    """The status and the sentence of what went wrong."""
    if not isinstance(error, NodeError):
        log.error("request failed", exc_info=error)
        error = EngineFailure(type(error).__name__)
    return _STATUS.get(error.status, grpc.StatusCode.INTERNAL), error.sentence
