"""The one place that turns exceptions into the API's errors: a google.rpc.Status, and its HTTP form."""

import logging
from typing import Any

from django.core.exceptions import SuspiciousOperation
from django.db import InterfaceError, OperationalError
from google.protobuf.any_pb2 import Any as AnyMessage
from google.rpc import code_pb2, status_pb2
from rest_framework.exceptions import APIException
from rest_framework.response import Response

from cloudconsole.api.gen.buf.validate.violations_pb2 import Violations
from cloudconsole.api.transcoding import UnreadableRequest, to_json
from cloudconsole.api.validation import InvalidRequest
from cloudconsole.errors import ServiceError

logger = logging.getLogger(__name__)

# gRPC status code -> HTTP status, as grpc-gateway has it.
HTTP_STATUS = {
    "OK": 200,
    "CANCELLED": 499,
    "UNKNOWN": 500,
    "INVALID_ARGUMENT": 400,
    "DEADLINE_EXCEEDED": 504,
    "NOT_FOUND": 404,
    "ALREADY_EXISTS": 409,
    "PERMISSION_DENIED": 403,
    "RESOURCE_EXHAUSTED": 429,
    "FAILED_PRECONDITION": 400,
    "ABORTED": 409,
    "OUT_OF_RANGE": 400,
    "UNIMPLEMENTED": 501,
    "INTERNAL": 500,
    "UNAVAILABLE": 503,
    "DATA_LOSS": 500,
    "UNAUTHENTICATED": 401,
}


class RpcError(Exception):
    """An error of the transport itself: ``code`` is the name of a gRPC status code."""

    def __init__(self, code: str, sentence: str) -> None:
        super().__init__(sentence)
        self.code = code


def not_implemented(name: str) -> RpcError:
    """The answer to a method of the cloud's that this one does not have."""
    return RpcError("UNIMPLEMENTED", f"{name} is not implemented by this cloud.")


def status_of(error: Exception, trace_id: str) -> status_pb2.Status:
    """The status that a client gets for an exception. What nobody expected is logged and told without its internals."""
    match error:
        case ServiceError():
            return _status(error.code, error.sentence)
        case RpcError():
            return _status(error.code, str(error))
        case UnreadableRequest():
            return _status("INVALID_ARGUMENT", str(error))
        case APIException():  # the console's protection against forged requests
            return _status("PERMISSION_DENIED", str(error.detail))
        case SuspiciousOperation():  # Django's limits on bodies and parameters
            return _status("INVALID_ARGUMENT", "The request is too large.")
        case InvalidRequest():
            detail = AnyMessage()
            detail.Pack(Violations(violations=error.violations))
            return _status("INVALID_ARGUMENT", str(error), detail)
        case OperationalError() | InterfaceError():
            logger.error("the database failed a call with trace id %s", trace_id, exc_info=error)
            return _status("UNAVAILABLE", "The database cannot be reached. Try again in a moment.")
        case _:
            logger.error("unexpected error in a call with trace id %s", trace_id, exc_info=error)
            return _status("INTERNAL", f"Something went wrong on our side. The log has it under trace id {trace_id}.")


def _status(code: str, sentence: str, *details: AnyMessage) -> status_pb2.Status:
    return status_pb2.Status(code=code_pb2.Code.Value(code), message=sentence, details=details)


def exception_handler(error: Exception, context: dict[str, Any]) -> Response:
    """REST framework's hook: the status as JSON."""
    status = status_of(error, context["view"].trace_id)
    name = code_pb2.Code.Name(status.code)
    # grpc-gateway sends the message as the challenge.
    headers = {"WWW-Authenticate": status.message} if name == "UNAUTHENTICATED" else None
    return Response(to_json(status), status=HTTP_STATUS[name], headers=headers)
