"""The client's suite once more over gRPC, but for what expects REST's errors and REST's way to print numbers."""

import pytest

from tests.clusters.node import test_client_contract, test_client_queries

pytestmark = pytest.mark.django_db
PREFER_GRPC = True


class TestPoints(test_client_contract.TestPoints):
    test_a_vector_comes_back_as_the_same_32_bit_floats = None  # type: ignore[assignment]
    test_scrolling_by_a_field_needs_its_index = None  # type: ignore[assignment]


class TestQueries(test_client_queries.TestQueries):
    pass
