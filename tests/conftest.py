"""The real parts that tests run on: PostgreSQL and Redis once per session, a whole running cloud on request."""

import shutil
import signal
import subprocess
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager

import pytest
from django.conf import settings
from django.contrib.contenttypes.management import create_contenttypes
from django.db.models.signals import post_migrate

from cloudconsole.accounts.models import Account, Membership, PaymentMethod, User
from cloudconsole.lifeline import die_with_parent
from cloudconsole.supervisor.folders import prepare_folders
from cloudconsole.supervisor.postgres import EmbeddedPostgres
from cloudconsole.supervisor.redis_server import EmbeddedRedis
from clusters.catalogue import DEFAULT_VERSION
from clusters.models import Cluster, Package, Region
from clusters.rules.lifecycle import Phase
from tests.running_cloud import RunningCloud, start_cloud
from tests.waiting import wait_until

PASSWORD = "correct horse battery"


@contextmanager
def _running(server: EmbeddedPostgres | EmbeddedRedis, user: str | None = None) -> Iterator[None]:
    server.prepare()
    process = subprocess.Popen(server.command(), user=user, cwd="/", preexec_fn=die_with_parent)
    try:
        wait_until(server.ready, seconds=30, what=f"{type(server).__name__} answers")
        yield
    finally:
        process.send_signal(signal.SIGINT)  # at which PostgreSQL ends sessions, as the supervisor has it
        process.wait(timeout=30)


@pytest.fixture(scope="session")
def embedded_servers() -> Iterator[None]:
    """PostgreSQL and Redis of this test run, on sockets in a folder of its own."""
    paths = settings.PATHS
    prepare_folders(paths)
    with ExitStack() as stack:
        if settings.EMBEDDED_POSTGRES:
            postgres = EmbeddedPostgres(paths)
            stack.enter_context(_running(postgres, postgres.user))
        if settings.EMBEDDED_REDIS:
            stack.enter_context(_running(EmbeddedRedis(settings.REDIS_SOCKET)))
        yield
    for folder in {paths.postgres.parent, paths.run, paths.data}:
        shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(scope="session")
def django_db_setup(embedded_servers: None, django_db_setup: None) -> None:
    """pytest-django makes its database once the server is there."""
    # After each test on real transactions all tables are emptied and filled again, half the time with these, which
    # nothing here uses.
    post_migrate.disconnect(dispatch_uid="django.contrib.auth.management.create_permissions")
    post_migrate.disconnect(create_contenttypes)


@pytest.fixture(scope="session")
def cloud(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningCloud]:
    """A whole running cloud with the demo seed, started the way a user starts it."""
    with start_cloud(tmp_path_factory.mktemp("cloud")) as running:
        yield running


@pytest.fixture
def account(db: None) -> Account:
    return Account.objects.create(name="Acme")


@pytest.fixture
def payment_method(account: Account) -> PaymentMethod:
    return PaymentMethod.objects.create(account=account, name="Simulated card", is_default=True)


@pytest.fixture
def user(account: Account) -> User:
    owner = User.objects.create_user(email="owner@acme.example", password=PASSWORD)
    Membership.objects.create(account=account, user=owner, role=Membership.Role.OWNER)
    return owner


@pytest.fixture
def make_cluster(account: Account) -> Callable[..., Cluster]:
    """Cluster rows as they stand after their creation, without any process behind them."""

    def make(
        name: str = "new-us",
        *,
        provider: str = "aws",
        region: str = "us-east-1",
        paid: bool = True,
        healthy: bool = True,
        inference: bool = False,
        **fields: object,
    ) -> Cluster:
        settled = {"serving": True, "observed_generation": 1} if healthy else {}
        values = {
            "account": account,
            "name": name,
            "region": Region.objects.get(provider_id=provider, code=region),
            "package": Package.objects.filter(type="paid" if paid else "free").order_by("price_per_hour").first(),
            "version": DEFAULT_VERSION,
            "phase": Phase.HEALTHY if healthy else Phase.CREATING,
            "inference_enabled": inference,
            "applied_configuration": {"version": DEFAULT_VERSION, "inference_enabled": inference} if healthy else {},
        }
        return Cluster.objects.create(**(values | settled | fields))

    return make
