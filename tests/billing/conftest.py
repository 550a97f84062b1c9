from collections.abc import Callable

import pytest

from clusters.models import Cluster
from tests.billing.usage import Customer


@pytest.fixture
def customer(transactional_db: None, make_cluster: Callable[..., Cluster]) -> Customer:
    """Committed rows: the ledger writes through a connection of its own."""
    return Customer(make_cluster)
