"""REST: one view for every RPC, built from what the protos declare."""

import uuid
from collections.abc import Mapping
from typing import Any, NoReturn, cast

from django.http import HttpRequest
from rest_framework.renderers import BaseRenderer, JSONRenderer
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from cloudconsole.api import dispatch
from cloudconsole.api.callers import Identity
from cloudconsole.api.errors import RpcError, not_implemented
from cloudconsole.api.methods import Method
from cloudconsole.api.transcoding import read_request, to_json


class ApiView(APIView):
    """Answers JSON whatever the client accepts, with a trace id in every answer."""

    trace_id: str

    def setup(self, request: HttpRequest, *args: Any, **kwargs: Any) -> None:
        super().setup(request, *args, **kwargs)
        self.trace_id = uuid.uuid4().hex

    def perform_content_negotiation(self, request: Request, force: bool = False) -> tuple[BaseRenderer, str]:
        return JSONRenderer(), JSONRenderer.media_type

    @property
    def default_response_headers(self) -> dict[str, str]:
        return {}  # REST framework would list every verb as allowed

    def http_method_not_allowed(self, request: HttpRequest, *args: Any, **kwargs: Any) -> NoReturn:
        raise RpcError("UNIMPLEMENTED", "Method Not Allowed")

    def finalize_response(self, request: Request, response: Any, *args: Any, **kwargs: Any) -> Any:
        response = super().finalize_response(request, response, *args, **kwargs)
        response["qc-trace-id"] = self.trace_id
        return response


class RpcView(ApiView):
    """The RPCs of one path: one per HTTP verb, with the field paths that the URL's groups stand for, in order."""

    methods: Mapping[str, tuple[Method, tuple[str, ...]]] = {}
    unserved: Mapping[str, str] = {}  # verbs of methods that no proto of ours declares

    def serve(self, request: Request, *values: str) -> Response:
        verb = request.method or ""
        if name := self.unserved.get(verb):
            raise not_implemented(name)
        if verb not in self.methods:
            return self.http_method_not_allowed(request)
        method, field_paths = self.methods[verb]
        message = read_request(
            method,
            variables=dict(zip(field_paths, values, strict=True)),
            query=request.query_params.lists(),
            body=request.body,
        )
        identity = cast(Identity | None, request.user)
        return Response(to_json(dispatch.call(method, message, identity, request.headers.get("Idempotency-Key"))))

    get = post = put = patch = delete = head = trace = serve
    options = serve  # type: ignore[assignment]  # REST framework would describe the view


class UnknownRouteView(ApiView):
    """Every other address below /api."""

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> NoReturn:
        raise RpcError("NOT_FOUND", "Not Found")
