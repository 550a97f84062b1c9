"""One client of the admin API over either transport: it takes and gives the API's JSON form."""

import re
from typing import Any, Protocol

import grpc
import httpx
from google.protobuf.json_format import MessageToDict, ParseDict
from google.rpc import code_pb2

from cloudconsole.api.methods import METHODS, VARIABLE, Method
from tests.api.grpc_client import GrpcClient

Json = dict[str, Any]
_BY_SHORT_NAME = {method.short_name: method for method in METHODS.values()}


class Refused(Exception):
    """The name of a gRPC status code, and the sentence that came with it."""

    def __init__(self, code: str, sentence: str) -> None:
        super().__init__(f"{code}: {sentence}")
        self.code = code
        self.sentence = sentence


class Door(Protocol):
    def call(self, short_name: str, request: Json) -> Json:
        """Call ``ClusterService.GetCluster`` with a request in camelCase. Raises Refused."""


class RestDoor:
    def __init__(self, base_url: str, secret: str) -> None:
        headers = {"Authorization": f"apikey {secret}"}
        self._client = httpx.Client(base_url=base_url, headers=headers, timeout=60)

    def call(self, short_name: str, request: Json) -> Json:
        method = _BY_SHORT_NAME[short_name]
        path = VARIABLE.sub(lambda match: str(_value(request, match[1])), method.path)
        query = None if method.has_body else _query(method, request)
        answer = self._client.request(method.verb, path, params=query, json=request if method.has_body else None)
        if answer.status_code != 200:
            status = answer.json()
            raise Refused(code_pb2.Code.Name(status["code"]), status["message"])
        return answer.json()


class GrpcDoor:
    def __init__(self, client: GrpcClient) -> None:
        self._client = client

    def call(self, short_name: str, request: Json) -> Json:
        method = _BY_SHORT_NAME[short_name]
        service, _, name = method.name.rpartition(".")
        message = ParseDict(request, method.request())
        try:
            data, _ = self._client.bytes(f"/{service}/{name}", message.SerializeToString())
        except grpc.RpcError as error:
            raise Refused(error.code().name, error.details()) from None
        return MessageToDict(method.response.FromString(data), always_print_fields_with_no_presence=True)


def _value(request: Json, path: str) -> Any:
    value: Any = request
    for name in path.split("."):
        value = value[_camel(name)]
    return value


def _query(method: Method, request: Json) -> Json:
    in_path = {_camel(name) for name in method.variables}
    return {name: value for name, value in request.items() if name not in in_path}


def _camel(name: str) -> str:
    return re.sub(r"_([a-z])", lambda match: match[1].upper(), name)
