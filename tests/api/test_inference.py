"""Models and token counts through the admin API."""

from datetime import UTC, datetime, timedelta
from uuid import uuid4

import pytest
from django.utils import timezone
from google.protobuf.json_format import ParseDict

from billing.models import UsageEvent
from cloudconsole.api.gen.qdrant.cloud.booking.v1.booking_pb2 import ListInferenceModelsResponse
from cloudconsole.api.gen.qdrant.cloud.monitoring.v1.monitoring_pb2 import GetClusterInferenceMetricsResponse
from cloudconsole.api.validation import violations
from inference.catalogue import CATALOGUE
from inference.models import InferenceModel, ModelPrice

pytestmark = pytest.mark.django_db
MODELS = "/booking/v1/accounts/{account}/inference-models"
US = {"cloudProviderId": "aws", "cloudProviderRegionId": "us-east-1"}
MINILM = CATALOGUE["sentence-transformers/all-minilm-l6-v2"]
MXBAI = CATALOGUE["mixedbread-ai/mxbai-embed-large-v1"]


def test_every_model_of_the_catalogue_is_listed_with_its_facts(api):
    items = api.get(MODELS, **US).json()["items"]
    assert [item["name"] for item in items] == list(CATALOGUE)
    minilm = items[0]
    assert minilm == {
        "id": str(MINILM.id),
        "name": "sentence-transformers/all-minilm-l6-v2",
        "title": MINILM.title,
        "description": MINILM.description,
        "vectorType": "VECTOR_TYPE_DENSE",
        "modality": "MODEL_MODALITY_TEXT",
        "vendor": MINILM.vendor,
        "unitIntPrice": 0,
        "isExternal": False,
        "dimensionality": 384,
        "maxTokensPerRequest": 256,
    }


def test_the_list_obeys_the_rules_of_its_message(api):
    answer = ParseDict(api.get(MODELS, **US).json(), ListInferenceModelsResponse())
    assert violations(answer) == []


def test_external_models_have_a_page_and_no_dimensions(api):
    external = [item for item in api.get(MODELS, **US).json()["items"] if item["isExternal"]]
    assert {item["name"] for item in external} >= {"openai/*", "cohere/*"}
    for item in external:
        assert item["externalDocsUrl"].startswith("https://")
        assert not {"dimensionality", "maxTokensPerRequest"} & set(item)


def test_the_price_is_the_one_in_force(api):
    model = InferenceModel.objects.get(name=MXBAI.name)
    ModelPrice.objects.create(
        model=model, effective_from=timezone.now() - timedelta(hours=1), millicents_per_million=4321
    )
    ModelPrice.objects.create(
        model=model, effective_from=timezone.now() + timedelta(hours=1), millicents_per_million=9999
    )
    prices = {item["name"]: item["unitIntPrice"] for item in api.get(MODELS, **US).json()["items"]}
    assert prices[MXBAI.name] == 4321


@pytest.mark.parametrize("region", [{}, {"cloudProviderId": "aws"}, US | {"cloudProviderId": "hybrid"}])
def test_models_are_listed_for_a_region(api, region):
    assert api.get(MODELS, **region).status_code == 400


@pytest.fixture
def used(account, make_cluster):
    """A cluster and a function that puts tokens into the ledger."""
    cluster = make_cluster()

    def use(tokens, when, spec=MINILM, of=cluster):
        UsageEvent.objects.create(
            request_id=uuid4(),
            account=account,
            cluster=of,
            model_id=spec.id,
            api_key_id=uuid4(),
            kind="search",
            tokens=tokens,
            inputs=1,
            occurred_at=when,
        )

    return cluster, use


def metrics(api, cluster, **query):
    answer = api.get(f"/monitoring/v1/accounts/{{account}}/cluster/{cluster.pk}/metrics/inference", **query)
    assert answer.status_code == 200, answer.content
    assert violations(ParseDict(answer.json(), GetClusterInferenceMetricsResponse())) == []
    return {
        model["inferenceModelId"]: [(value["timestamp"], value["value"]) for value in model["values"]]
        for model in answer.json()["models"]
    }


NOVEMBER = {"since": "2026-11-01T00:00:00Z", "until": "2026-12-01T00:00:00Z"}


def test_tokens_are_counted_per_model_and_day(api, used, make_cluster):
    cluster, use = used
    use(5, datetime(2026, 11, 2, 0, 0, tzinfo=UTC))
    use(7, datetime(2026, 11, 2, 23, 59, tzinfo=UTC))
    use(11, datetime(2026, 11, 4, 12, 0, tzinfo=UTC))
    use(13, datetime(2026, 11, 4, 12, 0, tzinfo=UTC), MXBAI)
    use(17, datetime(2026, 10, 31, 23, 59, tzinfo=UTC))
    use(19, datetime(2026, 12, 1, tzinfo=UTC))
    use(23, datetime(2026, 11, 4, tzinfo=UTC), of=make_cluster("another"))
    assert metrics(api, cluster, **NOVEMBER) == {
        str(MINILM.id): [("2026-11-02T00:00:00Z", 12.0), ("2026-11-04T00:00:00Z", 11.0)],
        str(MXBAI.id): [("2026-11-04T00:00:00Z", 13.0)],
    }


def test_weeks_begin_on_monday_and_months_on_their_first(api, used):
    cluster, use = used
    for day in (1, 2, 8, 9):  # Sunday, Monday, Sunday, Monday
        use(day, datetime(2026, 11, day, 12, tzinfo=UTC))
    weeks = metrics(api, cluster, interval="INFERENCE_METRICS_INTERVAL_WEEK", **NOVEMBER)
    assert weeks == {
        str(MINILM.id): [
            ("2026-10-26T00:00:00Z", 1.0),
            ("2026-11-02T00:00:00Z", 10.0),
            ("2026-11-09T00:00:00Z", 9.0),
        ]
    }
    months = metrics(api, cluster, interval="INFERENCE_METRICS_INTERVAL_MONTH", **NOVEMBER)
    assert months == {str(MINILM.id): [("2026-11-01T00:00:00Z", 20.0)]}


def test_one_model_can_be_asked_for(api, used):
    cluster, use = used
    use(5, datetime(2026, 11, 2, tzinfo=UTC))
    use(7, datetime(2026, 11, 2, tzinfo=UTC), MXBAI)
    assert list(metrics(api, cluster, inferenceModelId=str(MXBAI.id), **NOVEMBER)) == [str(MXBAI.id)]
    assert metrics(api, cluster, inferenceModelId="no-such-model", **NOVEMBER) == {}


def test_the_window_is_the_last_seven_days_unless_told(api, used):
    cluster, use = used
    now = timezone.now()
    use(5, now - timedelta(days=6, hours=23))
    use(7, now - timedelta(days=7, hours=1))
    assert [value for _, value in metrics(api, cluster)[str(MINILM.id)]] == [5.0]
    until = (now - timedelta(days=1)).isoformat()
    assert sum(value for _, value in metrics(api, cluster, until=until)[str(MINILM.id)]) == 12.0


@pytest.mark.parametrize("until", ["0001-01-01T00:00:00Z", "9999-12-31T23:59:59Z"])
def test_the_ends_of_time_are_a_window_like_any_other(api, used, until):
    assert metrics(api, used[0], until=until) == {}


def test_a_window_that_ends_before_it_begins_is_refused(api, used):
    path = f"/monitoring/v1/accounts/{{account}}/cluster/{used[0].pk}/metrics/inference"
    answer = api.get(path, since=NOVEMBER["until"], until=NOVEMBER["since"])
    assert (answer.status_code, answer.json()["message"]) == (400, "until must lie after since")
