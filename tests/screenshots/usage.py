"""A month of usage in the demo account, so that pages have something to show: ``python -m tests.screenshots.usage``."""

import random
from datetime import timedelta
from uuid import uuid4

import django

django.setup()

from django.utils import timezone  # noqa: E402

from billing.models import UsageEvent  # noqa: E402
from billing.rollups import update_rollups  # noqa: E402
from clusters.models import Cluster  # noqa: E402
from inference.catalogue import CATALOGUE  # noqa: E402

DAYS, TIMES_A_DAY = 30, 4
USED = {
    "sentence-transformers/all-minilm-l6-v2": 900_000,
    "mixedbread-ai/mxbai-embed-large-v1": 400_000,
    "qdrant/bm25": 1_500_000,
    "qdrant/clip-vit-b-32-text": 60_000,
}


def main() -> None:
    chance = random.Random(7)
    now = timezone.now()
    for name in ("new-us", "legacy-us"):
        cluster = Cluster.objects.get(name=name)
        key = cluster.api_keys.get()
        for hours in range(1, DAYS * 24, 24 // TIMES_A_DAY):
            moment = now - timedelta(hours=hours)
            weekend = 0.3 if moment.weekday() > 4 else 1.0
            for model, tokens in USED.items():
                UsageEvent.objects.create(
                    request_id=uuid4(),
                    account_id=cluster.account_id,
                    cluster=cluster,
                    model_id=CATALOGUE[model].id,
                    api_key=key,
                    kind=UsageEvent.Kind.UPDATE,
                    tokens=int(tokens * weekend * chance.uniform(0.3, 1.0)),
                    inputs=chance.randint(500, 9000),
                    occurred_at=moment,
                )
    update_rollups()


if __name__ == "__main__":
    main()
