"""Who looks at the console, and what it shows."""

from collections.abc import Callable
from datetime import UTC, datetime
from uuid import UUID, uuid4

import pytest
from django.test import Client
from django.utils import timezone

from billing.models import UsageEvent
from cloudconsole.accounts import permissions
from cloudconsole.accounts.models import Account, Membership, User
from cloudconsole.accounts.permissions import Role
from clusters.models import Cluster, Operation
from clusters.rules.lifecycle import OperationKind
from inference.catalogue import CATALOGUE


@pytest.fixture
def console(client: Client, user: User) -> Client:
    """A browser of the account's owner."""
    client.force_login(user)
    return client


def console_of(account: Account, role: Role) -> Client:
    """A browser of a member with this role."""
    member = User.objects.create_user(email=f"{role}@acme.example", password="correct horse battery")
    Membership.objects.create(account=account, user=member, role=role)
    browser = Client()
    browser.force_login(member)
    return browser


@pytest.fixture
def base_console(account: Account) -> Client:
    """A browser of somebody who has nothing but the Base role."""
    return console_of(account, Role.BASE)


@pytest.fixture
def readers_console(account: Account, monkeypatch: pytest.MonkeyPatch) -> Client:
    """A browser of somebody whose role may look at everything and change nothing."""
    reads = frozenset(permission for permission in permissions.PERMISSIONS if permission.startswith("read:"))
    monkeypatch.setitem(permissions._ROLES, Role.BASE, reads)
    return console_of(account, Role.BASE)


@pytest.fixture
def foreign_cluster(make_cluster: Callable[..., Cluster]) -> Cluster:
    """A cluster of an account the user does not belong to."""
    return make_cluster("foreign", account=Account.objects.create(name="Somebody else"))


def record_usage(
    cluster: Cluster, model: str, tokens: int, occurred_at: datetime | None = None, *, key: UUID | None = None
) -> None:
    """Usage as the gateway records it."""
    UsageEvent.objects.create(
        request_id=uuid4(),
        account=cluster.account,
        cluster=cluster,
        model_id=CATALOGUE[model].id,
        api_key_id=key or uuid4(),
        kind=UsageEvent.Kind.UPDATE,
        tokens=tokens,
        inputs=1,
        occurred_at=occurred_at or timezone.now(),
    )


def make_operation(cluster: Cluster, state: str, *, steps_done: int = 0, **fields: object) -> Operation:
    """A restart that switches inference on, as it stands in ``state``."""
    begun = datetime(2026, 11, 22, 13, 0, tzinfo=UTC)
    times = [f"2026-11-22T13:00:0{number + 1}+00:00" for number in range(steps_done)]
    values = {
        "generation": cluster.generation,
        "summary": "Switch inference on",
        "requested_by": "owner@acme.example",
        "started_at": begun,
        "finished_at": None if state in ("pending", "running") else begun,
    }
    return Operation.objects.create(
        cluster=cluster,
        kind=OperationKind.RESTART,
        state=state,
        configuration=cluster.wanted_configuration,
        steps_done=steps_done,
        step_times=times,
        **(values | fields),
    )
