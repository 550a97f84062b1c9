"""What runs and how to reach it: the answer of ``manage.py status`` and of the supervisor's last line."""

import asyncio
from typing import Any, TypedDict

from django.conf import settings
from django.db import DatabaseError

from cloudconsole.supervisor import probes
from cloudconsole.supervisor.demo import demo_id, read_demo_secrets
from cloudconsole.supervisor.running import running_processes
from clusters.endpoints import endpoint_url
from clusters.models import Cluster
from clusters.queries import present_clusters
from clusters.rules.lifecycle import Phase


class CloudStatus(TypedDict):
    """The document that ``manage.py status --json`` prints."""

    ready: bool
    components: dict[str, bool]
    urls: dict[str, str]
    account_id: str | None
    demo: dict[str, str] | None
    clusters: list[dict[str, Any]]
    models: list[dict[str, Any]]


def read_status() -> CloudStatus:
    """Ask every process and the database. Never raises: what does not answer is not ready."""
    components, models = asyncio.run(_ask_processes())
    clusters: list[Cluster] = []
    try:
        clusters = list(present_clusters().select_related("region", "package").order_by("created_at", "id"))
        components["database"] = True
    except DatabaseError:
        components["database"] = False
    demo = read_demo_secrets()
    keys = demo["api_keys"] if demo else {}
    return {
        "ready": all(components.values()) and all(cluster.phase != Phase.CREATING for cluster in clusters),
        "components": components,
        "urls": urls(),
        "account_id": str(demo_id("account", "demo")) if demo else None,
        "demo": {name: demo[name] for name in ("email", "password", "management_key")} if demo else None,
        "clusters": [_describe(cluster, keys) for cluster in clusters],
        "models": models,
    }


async def _ask_processes() -> tuple[dict[str, bool], list[dict[str, Any]]]:
    console, admin_api, gateway, node_agent, models = await asyncio.gather(
        probes.console_ready(),
        probes.admin_api_ready(),
        probes.gateway_ready(),
        probes.node_agent_ready(),
        probes.inference_models(),
    )
    return {
        "console": console,
        "admin_api": admin_api,
        "gateway": gateway,
        "node_agent": node_agent,
        "inference": probes.weights_settled(models),
    }, models or []


def urls() -> dict[str, str]:
    """Addresses that a person on this machine uses."""
    host, running = settings.PUBLIC_HOST, running_processes()
    return {
        "console": f"http://{host}:{running.console_port}",
        "api": f"http://{host}:{running.console_port}/api",
        "api_grpc": f"{host}:{running.api_grpc_port}",
        "rest": f"{'https' if settings.TLS_CERT_FILE else 'http'}://{host}:{running.rest_port}",
        "grpc": f"{host}:{running.grpc_port}",
    }


def _describe(cluster: Cluster, keys: dict[str, str]) -> dict[str, Any]:
    is_demo = cluster.pk == demo_id("cluster", cluster.name)
    return {
        "id": str(cluster.pk),
        "name": cluster.name,
        "region": f"{cluster.region.provider_id}/{cluster.region.code}",
        "package": cluster.package.name,
        "phase": cluster.phase,
        "inference": {"enabled": cluster.inference_enabled, "applied": cluster.inference_applied},
        "rest": f"{endpoint_url(cluster)}:{running_processes().rest_port}",
        "grpc": f"{endpoint_url(cluster)}:{running_processes().grpc_port}",
        "api_key": keys.get(cluster.name) if is_demo else None,
    }
