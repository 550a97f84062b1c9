"""The suites of a single node, through the gateway, for a cluster that shares a server: nothing is different."""

import pytest

from tests.clusters.node.test_aliases import *  # noqa: F403
from tests.clusters.node.test_client_contract import *  # noqa: F403
from tests.clusters.node.test_client_queries import *  # noqa: F403

pytestmark = pytest.mark.django_db
