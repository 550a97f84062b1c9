"""Keys and tokens of a cluster behind the gateway, and requests that bring them."""

from typing import Any

import httpx
import jwt

from cloudconsole.accounts.services import Actor
from clusters.database_keys import create_database_api_key, signing_secret
from clusters.rules.access import Access
from tests.gateway.conftest import Door, committing

ACTOR = Actor("user", "1", "alice@example.com")


def key_for(door: Door, name: str, access: Access) -> str:
    made = []
    committing(
        lambda: made.append(
            create_database_api_key(cluster=door.cluster, name=name, access=access, requested_by=ACTOR)[1]
        )
    )
    return made[0]


def token(door: Door, secret: str | None = None, headers: dict[str, Any] | None = None, **claims: Any) -> str:
    """A token that its holder signed."""
    headers = {"kid": str(door.cluster.pk)} if headers is None else headers
    return jwt.encode(claims, secret or signing_secret(door.cluster.pk), "HS256", headers)


def ask(door: Door, secret: str, method: str, path: str, **options: Any) -> httpx.Response:
    return door.http.request(method, path, headers={"api-key": secret}, **options)
