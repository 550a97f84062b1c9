"""The demo seed: one account with a payment method and four clusters. Repeating it changes nothing.

Ids and dates are the same everywhere; secrets are made per installation and kept in a file that only its owner
can read, because the console keeps hashes only.
"""

import json
import os
import secrets
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import UUID, uuid5

from django.conf import settings
from django.db import transaction

from cloudconsole.accounts.models import Account, ManagementKey, Membership, PaymentMethod, User
from cloudconsole.accounts.services import SYSTEM, create_management_key
from cloudconsole.secrets_at_rest import hash_secret, new_secret
from clusters.database_keys import create_database_api_key
from clusters.models import Cluster, DatabaseApiKey, Package, Region
from clusters.services import ClusterSpecification, create_cluster

NAMESPACE = UUID("5c1d3a44-8e0b-4d6c-9a57-0c10dc0501e0")
EMAIL = "demo@cloudconsole.example"
KEY_NAME = "demo"


@dataclass(frozen=True)
class DemoCluster:
    name: str
    provider: str
    region: str
    package: str
    created_at: datetime


CLUSTERS = (
    DemoCluster("new-us", "aws", "us-east-1", "mx2", datetime(2026, 1, 15, 9, 30, tzinfo=UTC)),
    DemoCluster("legacy-us", "gcp", "us-east4", "mx2", datetime(2025, 6, 15, 12, 0, tzinfo=UTC)),
    DemoCluster("paid-eu", "aws", "eu-central-1", "mx1", datetime(2026, 2, 3, 8, 0, tzinfo=UTC)),
    DemoCluster("free-us", "aws", "us-east-1", "free2", datetime(2026, 3, 20, 16, 45, tzinfo=UTC)),
)


def demo_id(kind: str, name: str) -> UUID:
    """The id of a demo object, the same on every machine."""
    return uuid5(NAMESPACE, f"{kind}/{name}")


def read_demo_secrets() -> dict[str, Any] | None:
    """The demo secrets of this data folder, or None when it has no demo."""
    try:
        return json.loads(settings.PATHS.demo_secrets.read_text())
    except FileNotFoundError:
        return None


@transaction.atomic
def seed_demo() -> None:
    """Make the demo account, its login, keys and clusters, as far as they are missing."""
    demo = read_demo_secrets() or _new_secrets(settings.PATHS.demo_secrets)
    account, _ = Account.objects.get_or_create(id=demo_id("account", "demo"), defaults={"name": "Demo"})
    _seed_login(account, demo)
    if not ManagementKey.objects.filter(secret_hash=hash_secret(demo["management_key"])).exists():
        create_management_key(account=account, secret=demo["management_key"])
    for cluster in CLUSTERS:
        _seed_cluster(account, cluster, demo["api_keys"][cluster.name])


def _new_secrets(path: Path) -> dict[str, Any]:
    demo = {
        "email": EMAIL,
        "password": secrets.token_urlsafe(12),
        "management_key": new_secret("ccm"),
        "api_keys": {cluster.name: new_secret("ccd") for cluster in CLUSTERS},
    }
    draft = path.with_suffix(".new")
    draft.unlink(missing_ok=True)
    draft.touch(mode=0o600)
    draft.write_text(json.dumps(demo, indent=2))
    os.replace(draft, path)
    return demo


def _seed_login(account: Account, demo: dict[str, Any]) -> None:
    user = User.objects.filter(email=demo["email"]).first()
    if user is None:
        user = User.objects.create_user(email=demo["email"], password=demo["password"])
    elif not user.check_password(demo["password"]):
        user.set_password(demo["password"])
        user.save()
    Membership.objects.get_or_create(account=account, user=user, defaults={"role": Membership.Role.OWNER})
    PaymentMethod.objects.get_or_create(
        id=demo_id("payment-method", "demo"),
        defaults={"account": account, "name": "Simulated card", "is_default": True},
    )


def _seed_cluster(account: Account, wanted: DemoCluster, secret: str) -> None:
    cluster = Cluster.objects.filter(pk=demo_id("cluster", wanted.name)).first()
    if cluster is None:
        cluster = create_cluster(
            account=account,
            specification=ClusterSpecification(
                name=wanted.name,
                region=Region.objects.get(provider_id=wanted.provider, code=wanted.region),
                package=Package.objects.get(name=wanted.package),
            ),
            requested_by=SYSTEM,
            created_at=wanted.created_at,
            cluster_id=demo_id("cluster", wanted.name),
        )
    if not DatabaseApiKey.objects.filter(secret_hash=hash_secret(secret)).exists():
        DatabaseApiKey.objects.filter(cluster=cluster, name=KEY_NAME).delete()  # of a lost secrets file
        create_database_api_key(cluster=cluster, name=KEY_NAME, requested_by=SYSTEM, secret=secret)
