from collections.abc import Callable

import pytest

from clusters.models import Cluster
from tests.billing.usage import Customer


@pytest.fixture
def customer(db: None, make_cluster: Callable[..., Cluster]) -> Customer:
    """Tests that open a ledger are marked ``transaction=True``: it has a connection of its own, and sees no other."""
    return Customer(make_cluster)
