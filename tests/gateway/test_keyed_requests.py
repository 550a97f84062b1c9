"""Requests of the console's own that come with an Idempotency-Key: billed once, however often they are sent."""

from collections.abc import Callable
from uuid import uuid4

import pytest
from uuid_utils.compat import uuid7

from clusters.data_plane import IDEMPOTENCY_KEY, console_token
from tests.gateway.conftest import Door, document

pytestmark = pytest.mark.django_db


@pytest.fixture
def send_keyed(new_us: Door) -> Callable[..., int]:
    """Sends one point under a key, of the console's unless told otherwise; the tokens billed for it."""
    collection = new_us.collection("keyed")

    def send(key: object, text: str = "soup", secret: str | None = None) -> int:
        before = sum(new_us.billed().values())
        answer = new_us.http.put(
            f"/collections/{collection}/points",
            json={"points": [{"id": 1, "vector": document(text)}]},
            headers={"api-key": secret or console_token(new_us.cluster), IDEMPOTENCY_KEY: str(key)},
        )
        assert answer.status_code in (200, 400), answer.text
        return sum(new_us.billed().values()) - before if answer.status_code == 200 else -1

    return send


def test_one_key_bills_one_request_once_for_the_console_and_nobody_else(
    new_us: Door, send_keyed: Callable[..., int]
) -> None:
    key = uuid7()
    assert [send_keyed(key), send_keyed(key), send_keyed(key)] == [3, 0, 0]
    assert send_keyed(uuid7()) == 3
    assert send_keyed(key, "tomato soup") > 3  # the same key for something else
    assert [send_keyed(key, secret=new_us.secret), send_keyed(key, secret=new_us.secret)] == [3, 3]


TOO_OLD, IN_THE_FUTURE = (f"{milliseconds:012x}70008" + "0" * 15 for milliseconds in (0, 2**48 - 1))


@pytest.mark.parametrize("key", ["no key", uuid4(), TOO_OLD, IN_THE_FUTURE])
def test_what_is_no_key_of_these_days_is_refused(key: object, send_keyed: Callable[..., int]) -> None:
    assert send_keyed(key) == -1
