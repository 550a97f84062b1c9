"""The admin API as gRPC with TLS: every declared method, one thin layer over the dispatch that REST uses, too."""

import uuid
from concurrent.futures import ThreadPoolExecutor
from typing import Any, NoReturn

import grpc
from django.db import close_old_connections
from google.protobuf.message import DecodeError
from google.rpc import code_pb2, status_pb2
from grpc_reflection.v1alpha import reflection
from prometheus_client import Counter, Histogram

from cloudconsole.api import dispatch
from cloudconsole.api.callers import identity_with_key
from cloudconsole.api.errors import RpcError, not_implemented, status_of
from cloudconsole.api.methods import METHODS, Method
from cloudconsole.body_limit import MAX_BODY_BYTES
from cloudconsole.served_certificate import ServedCertificate
from cloudconsole.tls import CertificateFiles

THREADS = 8
TRACE_ID = "qc-trace-id"
# Clients take 8 KiB of trailers; what says the same at length is left out beyond these.
_LONGEST_SENTENCE = 2_000
_LONGEST_DETAILS = 3_000
_CODES = {code.name: code for code in grpc.StatusCode}
_METHODS = {f"/{name.rpartition('.')[0]}/{name.rpartition('.')[2]}": method for name, method in METHODS.items()}
CALLS = Counter("cloudconsole_api_calls", "gRPC calls of the admin API answered", ["method", "code"])
SECONDS = Histogram("cloudconsole_api_seconds", "From call to answer", ["method"])
_SERVICES = sorted({name.rpartition(".")[0] for name in METHODS})


class GrpcApi:
    """Serves between ``start`` and ``stop``, each call in a thread of its own."""

    def __init__(self, certificate: CertificateFiles) -> None:
        self._credentials = ServedCertificate(certificate.certificate, certificate.key).grpc_credentials()
        self._server = grpc.server(
            ThreadPoolExecutor(THREADS, thread_name_prefix="grpc"),
            handlers=[_Handlers()],
            options=[
                ("grpc.max_receive_message_length", MAX_BODY_BYTES),
                ("grpc.max_send_message_length", -1),
                ("grpc.so_reuseport", 0),
            ],
        )
        reflection.enable_server_reflection((*_SERVICES, reflection.SERVICE_NAME), self._server)

    def start(self, address: str) -> int:
        """Listen on ``host:port``; returns the port."""
        port: int = self._server.add_secure_port(address, self._credentials)
        self._server.start()
        return port

    def wait(self) -> None:
        """Until ``stop`` is done."""
        self._server.wait_for_termination()

    def stop(self, seconds: float) -> None:
        """Take no new calls, and give those in flight this long."""
        self._server.stop(seconds)


class _Handlers(grpc.GenericRpcHandler):
    def service(self, handler_call_details: Any) -> Any:
        path: str = handler_call_details.method
        if path.startswith(f"/{reflection.SERVICE_NAME}/"):
            return None
        return grpc.unary_unary_rpc_method_handler(lambda data, context: _serve(path, data, context))


def _serve(path: str, data: bytes, context: grpc.ServicerContext) -> bytes:
    trace_id = uuid.uuid4().hex
    counted = path.strip("/") if path in _METHODS else "unknown"
    close_old_connections()
    try:
        with SECONDS.labels(counted).time():
            answer = _answer(path, data, dict(context.invocation_metadata()))
    except Exception as error:
        status = status_of(error, trace_id)
        CALLS.labels(counted, code_pb2.Code.Name(status.code)).inc()
        _refuse(context, status, trace_id)
    finally:
        close_old_connections()
    CALLS.labels(counted, "OK").inc()
    context.set_trailing_metadata(((TRACE_ID, trace_id),))
    return answer


def _answer(path: str, data: bytes, metadata: dict[str, str | bytes]) -> bytes:
    method = _METHODS.get(path)
    if method is None:
        raise not_implemented(path.removeprefix("/").rpartition(".")[2].replace("/", "."))
    authorization = metadata.get("authorization")
    identity = identity_with_key(str(authorization)) if authorization is not None else None
    key = metadata.get("idempotency-key")
    return dispatch.call(method, _read(method, data), identity, str(key) if key else None).SerializeToString()


def _read(method: Method, data: bytes) -> Any:
    try:
        return method.request.FromString(data)
    except DecodeError:
        name = method.request.DESCRIPTOR.full_name
        raise RpcError("INVALID_ARGUMENT", f"The message cannot be read as {name}.") from None


def _refuse(context: grpc.ServicerContext, status: status_pb2.Status, trace_id: str) -> NoReturn:
    trailers: list[tuple[str, str | bytes]] = [(TRACE_ID, trace_id)]
    sentence = status.message[:_LONGEST_SENTENCE]
    details = status.SerializeToString()
    if status.details and len(details) <= _LONGEST_DETAILS:
        trailers.append(("grpc-status-details-bin", details))
    context.set_trailing_metadata(tuple(trailers))
    context.abort(_CODES[code_pb2.Code.Name(status.code)], sentence)
    raise AssertionError("abort raises")
