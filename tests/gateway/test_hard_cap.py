"""A budget with a hard cap that is used up: inference is refused, vectors go on, and raising it helps at once."""

from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta

import grpc
import pytest
from qdrant_client import grpc as qdrant

from billing.budgets.models import Budget
from billing.budgets.services import BudgetWish, check_budgets_of, create_budget, delete_budget, update_budget
from cloudconsole.accounts.services import SYSTEM
from inference.catalogue import CATALOGUE
from inference.models import ModelPrice
from tests.gateway.conftest import MINILM, Door, committing, document, sentence
from tests.gateway.grpc_door import GrpcDoor, text
from tests.waiting import wait_until

pytestmark = pytest.mark.django_db


@pytest.fixture
def budget(new_us: Door) -> Iterator[Callable[[int], None]]:
    """Sets the cluster's budget to so many millicents, with a hard cap. A token costs a thousand."""
    price = ModelPrice(
        model_id=CATALOGUE[MINILM].id,
        effective_from=datetime.now(UTC) - timedelta(days=1),
        millicents_per_million=1_000_000_000,
    )
    committing(price.save)

    def put(amount: int) -> None:
        wish = BudgetWish(name="gateway", amount_millicents=amount, cluster_id=new_us.cluster.pk, hard_cap=True)
        account = new_us.cluster.account
        known = Budget.objects.filter(account=account).first()
        if known is None:
            create_budget(account=account, wish=wish, requested_by=SYSTEM)
        else:
            update_budget(budget=known, wish=wish, requested_by=SYSTEM)
        check_budgets_of(account=account, now=datetime.now(UTC))

    yield lambda amount: committing(lambda: put(amount))
    committing(lambda: [delete_budget(budget=one, requested_by=SYSTEM) for one in Budget.objects.all()])
    committing(price.delete)


def test_it_stops_inference_only_and_until_it_is_raised(
    new_us: Door, remote: GrpcDoor, budget: Callable[[int], None]
) -> None:
    name = new_us.collection("capped")
    budget(10**9)
    assert new_us.upsert(name, {"id": 1, "vector": document("Cookies need flour.")}).status_code == 200
    budget(1)  # what was used is far more
    refused = wait_until(
        lambda: (answer := new_us.query(name, document("What goes into cookies?"))).is_error and answer,
        seconds=10,
        what="the gateway refuses",
    )
    assert refused.status_code == 402
    assert sentence(refused).startswith("Payment required: the budget gateway is used up for")
    assert "Requests with plain vectors go on." in sentence(refused)
    assert new_us.upsert(name, {"id": 2, "vector": document("more")}).status_code == 402
    query = qdrant.Query(nearest=qdrant.VectorInput(document=text("x")))
    with pytest.raises(grpc.RpcError) as error:
        remote.call(qdrant.QueryPoints(collection_name=name, query=query), "Query")
    assert error.value.code() is grpc.StatusCode.FAILED_PRECONDITION
    assert "is used up" in error.value.details()
    vector = [1.0] * 384
    assert new_us.upsert(name, {"id": 3, "vector": vector}).status_code == 200
    assert new_us.query(name, vector).status_code == 200
    assert new_us.count(name) == 2
    budget(10**9)
    wait_until(
        lambda: new_us.query(name, document("What goes into cookies?")).is_success,
        seconds=10,
        what="the gateway serves again",
    )
