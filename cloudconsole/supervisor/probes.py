"""Asking each process whether it does its work: the supervisor and ``manage.py status`` use the same questions."""

import asyncio
import ssl
from typing import Any

import aiohttp
from django.conf import settings

from cloudconsole.supervisor.postgres import EmbeddedPostgres
from cloudconsole.supervisor.redis_server import EmbeddedRedis
from cloudconsole.supervisor.running import running_processes

TIMEOUT = aiohttp.ClientTimeout(total=2)


async def console_ready() -> bool:
    return await get_json(f"http://{settings.BIND}:{running_processes().console_port}/healthz") is not None


async def gateway_ready() -> bool:
    scheme = "https" if settings.TLS_CERT_FILE else "http"
    return await get_json(f"{scheme}://{settings.BIND}:{running_processes().rest_port}/readyz") is not None


async def admin_api_ready() -> bool:
    """Whether it shakes hands; the certificate is for the names that clients use, not for this address."""
    trusting = ssl.create_default_context()
    trusting.check_hostname, trusting.verify_mode = False, ssl.CERT_NONE
    trusting.set_alpn_protocols(["h2"])
    try:
        async with asyncio.timeout(TIMEOUT.total):
            _, writer = await asyncio.open_connection(
                settings.BIND, running_processes().api_grpc_port, ssl=trusting, server_hostname=""
            )
    except (OSError, TimeoutError):  # ssl.SSLError is an OSError
        return False
    writer.close()
    return True


async def node_agent_ready() -> bool:
    return await get_json("http://agent/nodes", socket=str(settings.PATHS.run / "agent.sock")) is not None


async def inference_worker_ready() -> bool:
    return weights_settled(await inference_models())


def weights_settled(models: list[dict[str, Any]] | None) -> bool:
    """Whether the worker answers and fetches no weights any more; what it could not have, it says itself."""
    return models is not None and all(model["state"] != "downloading" for model in models)


async def inference_models() -> list[dict[str, Any]] | None:
    """The worker's models with the state of their weights; None when the worker does not answer."""
    address = settings.INFERENCE_LISTEN
    if address.startswith("/"):
        answer = await get_json("http://inference/models", socket=address)
    else:
        answer = await get_json(f"http://{address}/models")
    return answer["models"] if isinstance(answer, dict) else None


async def get_json(url: str, socket: str | None = None) -> Any:
    """The answer to a GET, parsed if it is JSON, else as text; None unless it is 200."""
    # The certificate is for the names that clients use, and this asks our own process by its address.
    connector = aiohttp.UnixConnector(socket) if socket else aiohttp.TCPConnector(ssl=False)
    try:
        async with (
            aiohttp.ClientSession(connector=connector, timeout=TIMEOUT) as session,
            session.get(url) as answer,
        ):
            if answer.status != 200:
                return None
            return await answer.json() if answer.content_type == "application/json" else await answer.text()
    except (aiohttp.ClientError, TimeoutError, OSError):
        return None


async def postgres_ready(server: EmbeddedPostgres) -> bool:
    return await asyncio.to_thread(server.ready)


async def redis_ready(server: EmbeddedRedis) -> bool:
    return await asyncio.to_thread(server.ready)


async def always_ready() -> bool:
    return True
