"""The client's suite once more over gRPC, but for what expects REST's errors and REST's way to print numbers."""

import pytest

from tests.clusters.node import test_client_contract as suite
from tests.clusters.node.test_client_contract import hybrid, square

__all__ = ["hybrid", "square"]
pytestmark = pytest.mark.django_db
PREFER_GRPC = True


class TestPoints(suite.TestPoints):
    test_a_vector_comes_back_as_the_same_32_bit_floats = None  # type: ignore[assignment]
    test_scrolling_by_a_field_needs_its_index = None  # type: ignore[assignment]


class TestQueries(suite.TestQueries):
    pass
