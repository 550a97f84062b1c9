"""The agent's HTTP API: JSON over a unix socket."""

import dataclasses
import uuid
from typing import Any

from pydantic import BaseModel, Field, ValidationError
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from clusters.agent.nodes import GenerationConflict, Nodes
from clusters.agent.usage import UsageReader
from clusters.agent.wanted import Configuration
from clusters.provisioners.owner import Owner


class _ConfigurationBody(BaseModel):
    version: str = Field(pattern=r"^v?\d+\.\d+\.\d+$")
    inference_enabled: bool


class _OwnerBody(BaseModel):
    generation: int = Field(ge=0)
    token: int = Field(0, ge=0)

    @property
    def owner(self) -> Owner:
        return Owner(self.generation, self.token)


class _StartBody(_OwnerBody):
    configuration: _ConfigurationBody


class _StopBody(_OwnerBody):
    including_own: bool = False


def create_api(nodes: Nodes, usage: UsageReader) -> Starlette:
    """The ASGI application over the machine's nodes and what they use."""

    async def start(request: Request) -> Response:
        body = await _body(request, _StartBody)
        configuration = Configuration(**body.configuration.model_dump())
        return JSONResponse(await nodes.start(_cluster_id(request), body.owner, configuration))

    async def stop(request: Request) -> Response:
        body = await _body(request, _StopBody)
        cluster_id = _cluster_id(request)
        status = await nodes.stop(cluster_id, body.owner, body.including_own)
        return JSONResponse(status or _unknown_but_stopped(cluster_id))

    async def status(request: Request) -> Response:
        found = nodes.status(_cluster_id(request))
        if found is None:
            raise HTTPException(404, f"there is no node of cluster {_cluster_id(request)}")
        return JSONResponse(found)

    async def list_nodes(request: Request) -> Response:
        return JSONResponse({"nodes": nodes.statuses()})

    async def lines(request: Request) -> Response:
        return JSONResponse({"lines": nodes.lines(_cluster_id(request))})

    async def all_usage(_request: Request) -> Response:
        return JSONResponse({"nodes": [dataclasses.asdict(one) for one in usage.latest.values()]})

    async def delete(request: Request) -> Response:
        body = await _body(request, _OwnerBody)
        await nodes.delete(_cluster_id(request), body.owner)
        return JSONResponse({})

    return Starlette(
        routes=[
            Route("/nodes", list_nodes, methods=["GET"]),
            Route("/nodes/{cluster_id}", start, methods=["PUT"]),
            Route("/nodes/{cluster_id}", status, methods=["GET"]),
            Route("/nodes/{cluster_id}/lines", lines, methods=["GET"]),
            Route("/usage", all_usage, methods=["GET"]),
            Route("/nodes/{cluster_id}/stop", stop, methods=["POST"]),
            Route("/nodes/{cluster_id}/delete", delete, methods=["POST"]),
        ],
        exception_handlers={HTTPException: _refuse, GenerationConflict: _conflict},
    )


def _unknown_but_stopped(cluster_id: str) -> dict[str, Any]:
    return {
        "cluster_id": cluster_id,
        "generation": 0,
        "state": "stopped",
        "ready": False,
        "pid": None,
        "started_at": None,
        "restarts": 0,
        "socket": None,
        "memory_bytes": None,
    }


def _cluster_id(request: Request) -> str:
    try:
        return str(uuid.UUID(request.path_params["cluster_id"]))
    except ValueError:
        raise HTTPException(400, "a cluster id is a UUID") from None


async def _body(request: Request, model: type[BaseModel]) -> Any:
    try:
        return model.model_validate_json(await request.body())
    except ValidationError as error:
        problem = error.errors(include_url=False)[0]
        field = ".".join(str(part) for part in problem["loc"])
        raise HTTPException(400, f"{field}: {problem['msg']}" if field else problem["msg"]) from None


async def _refuse(_request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    return JSONResponse({"error": error.detail}, error.status_code)


async def _conflict(_request: Request, error: Exception) -> Response:
    return JSONResponse({"error": str(error)}, 409)
