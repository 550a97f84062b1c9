"""The address that clients of a cluster are told."""

import tomllib

from django.conf import settings

from clusters.catalogue import CATALOGUE_FILE
from clusters.models import Cluster


def endpoint_url(cluster: Cluster) -> str:
    """Scheme and host of the cluster's endpoint, without a port. Needs ``region`` loaded.

    On a cloud without a domain of its own every cluster has the same address, and its API key says which is meant.
    """
    host = settings.PUBLIC_HOST
    if settings.CLUSTER_DOMAIN != "localhost":
        host = f"{cluster.host}.{settings.CLUSTER_DOMAIN}"
    return f"{'https' if settings.TLS_CERT_FILE else 'http'}://{host}"


def endpoint_host_patterns() -> list[str]:
    """What covers the host names of all clusters in a certificate: ``*.<region>.<provider>.<domain>`` per region."""
    regions = tomllib.loads(CATALOGUE_FILE.read_text())["regions"]
    return [f"*.{code}.{provider}.{settings.CLUSTER_DOMAIN}" for provider, rows in regions.items() for code, *_ in rows]


def rest_url(cluster: Cluster) -> str:
    """The cluster's REST address with its port. Needs ``region`` loaded."""
    return f"{endpoint_url(cluster)}:{settings.GATEWAY_REST_PORT}"


def grpc_url(cluster: Cluster) -> str:
    """The cluster's gRPC address with its port. Needs ``region`` loaded."""
    return f"{endpoint_url(cluster)}:{settings.GATEWAY_GRPC_PORT}"
