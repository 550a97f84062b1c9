"""The Python example of the feature's documentation, unchanged but for URL, key, collection and model."""

import subprocess
import sys
import textwrap

import pytest
from qdrant_client import QdrantClient
from qdrant_client.models import Distance, Document, PointsList, PointStruct, VectorParams
from tokenizers import Tokenizer

from cloudconsole.paths import resolve_paths
from tests.scenarios.real_sentences import real_sentences

MODEL = "sentence-transformers/all-minilm-l6-v2"
RECIPE = "Recipe for baking chocolate chip cookies requires flour, sugar, eggs, and chocolate chips."
QUESTION = "What ingredients are needed for baking chocolate chip cookies?"
EXAMPLE = """
from qdrant_client import QdrantClient
from qdrant_client.http.models import PointStruct, Document

client = QdrantClient(
    url="{url}",
    api_key="{key}",
    cloud_inference=True,
)

points = [
    PointStruct(
        id=1,
        payload={{"topic": "cooking", "type": "dessert"}},
        vector=Document(
            text="Recipe for baking chocolate chip cookies requires flour, sugar, eggs, and chocolate chips.",
            model="{model}"
        )
    )
]

client.upsert(collection_name="{collection}", points=points)

points = client.query_points(collection_name="{collection}", query=Document(
    text="Recipe for baking chocolate chip cookies requires flour",
    model="{model}"
))

print(points)
"""


@pytest.fixture(scope="module")
def new_us(cloud):
    return cloud.cluster("new-us")


@pytest.fixture(scope="module")
def client(new_us):
    with pytest.warns(UserWarning, match="insecure"):
        client = QdrantClient(url=new_us["rest"], api_key=new_us["api_key"], cloud_inference=True, timeout=120)
    yield client
    client.close()


@pytest.fixture
def collection(client, request):
    name = request.node.name
    client.create_collection(name, vectors_config=VectorParams(size=384, distance=Distance.COSINE))
    yield name
    client.delete_collection(name)


@pytest.fixture(scope="module")
def tokenizer():
    """The model's own tokenizer, cut at its context window as its model card says."""
    tokenizer = Tokenizer.from_file(str(resolve_paths().models / MODEL / "tokenizer.json"))
    tokenizer.enable_truncation(256)
    tokenizer.no_padding()
    return tokenizer


def test_the_example_runs_as_it_is_printed(new_us, collection):
    script = EXAMPLE.format(url=new_us["rest"], key=new_us["api_key"], collection=collection, model=MODEL)
    run = subprocess.run([sys.executable, "-c", textwrap.dedent(script)], capture_output=True, text=True, timeout=60)
    assert run.returncode == 0, run.stderr
    assert "'topic': 'cooking', 'type': 'dessert'" in run.stdout


def test_the_recipe_ranks_first_among_a_thousand_other_sentences(client, collection, tokenizer):
    sentences = [*real_sentences(1000), RECIPE]
    billed = counted = 0
    for first in range(0, len(sentences), 100):
        batch = sentences[first : first + 100]
        answer = client.http.points_api.upsert_points(
            collection_name=collection,
            wait=True,
            point_insert_operations=PointsList(
                points=[
                    PointStruct(id=first + i, vector=Document(text=text, model=MODEL), payload={"text": text})
                    for i, text in enumerate(batch)
                ]
            ),
        )
        billed += answer.usage.inference.models[MODEL].tokens
        counted += sum(len(encoding.ids) for encoding in tokenizer.encode_batch(batch))
    assert billed == counted
    hits = client.query_points(collection, query=Document(text=QUESTION, model=MODEL), limit=3).points
    assert hits[0].payload["text"] == RECIPE
    assert hits[0].score > hits[1].score + 0.2
