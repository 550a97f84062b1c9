"""Requests made from the API's own description: whatever they ask, no answer is a fault of the server's."""

from typing import Any

import pytest
import schemathesis
from hypothesis import given
from hypothesis import strategies as st

from tests.gateway.conftest import Door
from tests.gateway.fuzz.conftest import FUZZING, WRONG
from tests.gateway.fuzz.openapi import openapi_document

pytestmark = pytest.mark.django_db
OPERATIONS = [found.ok() for found in schemathesis.openapi.from_dict(openapi_document()).get_all_operations()]


@pytest.mark.parametrize("operation", OPERATIONS, ids=lambda operation: operation.label)
@FUZZING
@given(data=st.data())
def test_no_request_of_the_api_is_answered_with_a_fault(fuzzed: Door, operation: Any, data: Any):
    case = data.draw(operation.as_strategy())
    answer = case.call(base_url=str(fuzzed.http.base_url), headers={"api-key": fuzzed.secret}, timeout=30)
    assert answer.status_code not in WRONG, answer.text
