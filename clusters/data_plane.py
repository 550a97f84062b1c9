"""The data plane of a cluster as this cloud's own processes use it: through the gateway, like everybody else.

So what the console does with a cluster is allowed, limited, counted and billed in the one place that does it.
"""

import ssl
import time
from datetime import UTC, datetime, timedelta
from uuid import UUID

import httpx
import jwt
from django.conf import settings

from clusters.database_keys import ALGORITHM, signing_secret
from clusters.models import Cluster

TOKEN_SECONDS = 900
# The request header that makes a request of the console's billed once however often it is sent: a UUIDv7
IDEMPOTENCY_KEY = "Idempotency-Key"
CONSOLE_SUBJECT = "console"
CONSOLE_KEY_ID = UUID("9f0a4f5e-6a53-5c0b-8f53-6d2f1f6f2c11")  # whose usage this is in every bill


def console_token(cluster: Cluster) -> str:
    """A key for everything in the cluster that nobody is shown; it ends after 15 minutes."""
    claims = {"sub": CONSOLE_SUBJECT, "access": "m", "exp": int(time.time()) + TOKEN_SECONDS}
    return jwt.encode(claims, signing_secret(cluster.pk), ALGORITHM, headers={"kid": str(cluster.pk)})


def moment_of(idempotency_key: UUID) -> datetime:
    """When the key (a UUIDv7) was made, to the millisecond. Raises OverflowError for one that no clock made."""
    return datetime(1970, 1, 1, tzinfo=UTC) + timedelta(milliseconds=idempotency_key.int >> 80)


def open_data_plane(cluster: Cluster, *, timeout_seconds: float) -> httpx.Client:
    """A client of the cluster's REST API. Clusters without granular keys refuse it with 401."""
    return httpx.Client(
        base_url=settings.GATEWAY_URL,
        headers={"api-key": console_token(cluster)},
        timeout=timeout_seconds,
        verify=_trusted(),
    )


def _trusted() -> ssl.SSLContext:
    trusted = ssl.create_default_context()
    local_authority = settings.TLS_DIR / "ca.crt"
    if local_authority.exists():
        trusted.load_verify_locations(local_authority)
    return trusted
