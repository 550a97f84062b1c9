"""Inference through the gateway, with a real node and real weights."""

import pytest
from qdrant_client import QdrantClient, models

from tests.gateway.conftest import MINILM, Door, document

COOKIES = "Recipe for baking chocolate chip cookies requires flour, sugar, eggs, and chocolate chips."


def test_the_python_example_works(new_us: Door, gateway_url: str):
    collection = new_us.collection("example")
    client = QdrantClient(url=gateway_url, api_key=new_us.secret, cloud_inference=True)
    point = models.PointStruct(id=1, payload={"topic": "cooking"}, vector=models.Document(text=COOKIES, model=MINILM))
    other = models.PointStruct(id=2, vector=models.Document(text="The train leaves at noon.", model=MINILM))
    client.upsert(collection_name=collection, points=[point, other])
    question = models.Document(text="What ingredients are needed for baking cookies?", model=MINILM)
    best = client.query_points(collection_name=collection, query=question).points[0]
    assert (best.id, best.payload) == (1, {"topic": "cooking"})
