"""The model catalogue: what is in it, how names are matched, and how mistakes are reported."""

from pathlib import Path

import pytest

from inference.catalogue import CATALOGUE, CATALOGUE_FILE, CatalogueError, load_catalogue, resolve

IDS = {
    "sentence-transformers/all-minilm-l6-v2": "2d333711-e022-5e57-90f9-5d0012a4942b",
    "intfloat/multilingual-e5-small": "6478dd09-8772-5081-9be9-84ae4690a6c4",
    "mixedbread-ai/mxbai-embed-large-v1": "c68b09a1-0234-5961-b999-3f2b4e017d16",
    "qdrant/bm25": "d690c818-16c4-57e9-946b-74b71ed674bd",
    "prithivida/splade_pp_en_v1": "6ee790e7-ccb4-5773-a7b4-91663f3f5cab",
    "answerdotai/answerai-colbert-small-v1": "76318d3a-b0f8-5c73-bb70-2de2157a2cd5",
    "qdrant/clip-vit-b-32-text": "b61dba25-ac82-5aa0-9794-ba158edc644e",
    "qdrant/clip-vit-b-32-vision": "d9015017-c652-5d73-acb9-9ad7dbec692a",
    "openai/*": "a982aef1-076e-5bab-9005-264fab0c22c4",
    "cohere/*": "c744b990-1d2d-5a93-8eb4-aa0e1d37a304",
    "jinaai/*": "201552c4-be10-5aab-8c74-aaa68d91c578",
    "openrouter/*": "802b0c50-763e-55c3-be94-11a2d0b94d43",
}


def test_a_model_keeps_its_id_for_ever() -> None:
    assert {name: str(spec.id) for name, spec in CATALOGUE.items()} == IDS


@pytest.mark.parametrize(
    ("asked", "found"),
    [
        ("sentence-transformers/all-MiniLM-L6-v2", "sentence-transformers/all-minilm-l6-v2"),
        ("Qdrant/BM25", "qdrant/bm25"),
        ("bm25", "qdrant/bm25"),
        ("OpenAI/text-embedding-3-small", "openai/*"),
        ("openrouter/some/thing", "openrouter/*"),
        ("openai/", None),
        ("openai", None),
        ("nobody/nothing", None),
        ("", None),
    ],
)
def test_names_are_matched_without_regard_to_case(asked: str, found: str | None) -> None:
    spec = resolve(asked)
    assert (spec.name if spec else None) == found


MISTAKES = [
    ('vector_type = "sparse"', 'vector_type = "spares"', "qdrant/bm25", "vector_type"),
    ("price_millicents_per_million = 3000", "price_millicents_per_million = 0.03", "mxbai", "price_millicents"),
    ("price_millicents_per_million = 3000", "price_millicents_per_million = -1", "mxbai", "price_millicents"),
    ("price_millicents_per_million = 3000", "price_millicents_per_million = true", "mxbai", "price_millicents"),
    ('title = "BM25"', "", "qdrant/bm25", "title"),
    ('title = "BM25"', 'title = ""', "qdrant/bm25", "title"),
    ('title = "BM25"', 'title = "BM25"\ntitel = "BM25"', "qdrant/bm25", "titel"),
    ('id = "d690c818-16c4-57e9-946b-74b71ed674bd"', 'id = "bm25"', "qdrant/bm25", "id"),
    ("d690c818-16c4-57e9-946b-74b71ed674bd", "2d333711-e022-5e57-90f9-5d0012a4942b", "qdrant/bm25", "id"),
    ('aliases = ["bm25"]', 'aliases = ["BM25"]', "qdrant/bm25", "aliases"),
    ('name = "qdrant/bm25"', 'name = "Qdrant/bm25"', "Qdrant/bm25", "name"),
    ("dimensions = 96", "", "colbert", "dimensions"),
    ("context_window = 77", "", "clip-vit-b-32-text", "context_window"),
    ("tokens_per_image = 50", "", "clip-vit-b-32-vision", "tokens_per_image"),
    ('family = "bm25"', 'family = "bm26"', "qdrant/bm25", "family"),
    ('pooling = "mean"', 'pooling = "max"', "multilingual-e5", "pooling"),
    ('model_file = "vespa_colbert.onnx"', "", "colbert", "model_file"),
    ("size = 83_506_384", "size = 0", "all-minilm", "size"),
    ('sha256 = "b9a0018d', 'sha256 = "B9A0018D', "all-minilm", "sha256"),
    ('external_docs_url = "https://jina.ai/embeddings/"', "", "jinaai", "external_docs_url"),
    ('key_name = "cohere-api-key"', "", "cohere", "key_name"),
]


@pytest.mark.parametrize(("right", "wrong", "entry", "field"), MISTAKES)
def test_a_mistake_is_reported_with_its_entry_and_field(
    tmp_path: Path, right: str, wrong: str, entry: str, field: str
) -> None:
    text = CATALOGUE_FILE.read_text(encoding="utf-8")
    assert right in text
    changed = tmp_path / "catalogue.toml"
    changed.write_text(text.replace(right, wrong, 1), encoding="utf-8")
    with pytest.raises(CatalogueError) as refused:
        load_catalogue(changed)
    where, _, what = str(refused.value).partition("field ")
    assert entry in where
    assert what.startswith(f"'{field}")


def test_a_broken_file_is_reported_as_one(tmp_path: Path) -> None:
    broken = tmp_path / "catalogue.toml"
    broken.write_text("[[models]\n", encoding="utf-8")
    with pytest.raises(CatalogueError, match=r"catalogue\.toml"):
        load_catalogue(broken)
