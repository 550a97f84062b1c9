"""The Try it page: what it asks, and how alike vectors are."""

from collections.abc import Callable

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client

from clusters.models import Cluster
from inference.catalogue import CATALOGUE
from inference.queries import OfferedModel
from inference.trying import Tried, TriedInput, resemblances
from tests.console.html import Element, parse

MINILM = "sentence-transformers/all-minilm-l6-v2"
VISION, WORDS = "qdrant/clip-vit-b-32-vision", "qdrant/clip-vit-b-32-text"


@pytest.fixture
def cluster(make_cluster: Callable[..., Cluster]) -> Cluster:
    return make_cluster(inference=True)


def try_it(console: Client, cluster: Cluster, **form: object) -> tuple[int, Element]:
    answer = console.post(f"/clusters/{cluster.pk}/inference/try", {"kind": "update"} | form)
    return answer.status_code, parse(answer)


@pytest.mark.parametrize(
    ("form", "sentence"),
    [
        ({"texts": "one"}, "This field is required."),
        ({"models": [MINILM]}, "Write at least one text, or choose no model for texts."),
        ({"models": [VISION], "texts": "one"}, "Choose at least one image, or no model for images."),
        ({"models": [MINILM], "texts": "\n".join("abcdefghi")}, "These are 9 texts. Leave 8 of them."),
        ({"models": ["openai/*"], "texts": "one"}, "Select a valid choice."),
    ],
)
def test_what_cannot_be_tried_is_said_and_kept(
    form: dict[str, object], sentence: str, console: Client, cluster: Cluster
) -> None:
    status, page = try_it(console, cluster, **form)
    assert status == 422
    assert sentence in page.text
    assert page.one("textarea").text == " ".join(str(form.get("texts", "")).split())


def test_a_gateway_that_does_not_answer_is_said(console: Client, cluster: Cluster, settings: object) -> None:
    settings.GATEWAY_URL = "http://127.0.0.1:1"
    image = SimpleUploadedFile("red.png", b"not an image")
    status, page = try_it(console, cluster, texts="one", models=[MINILM, VISION], images=[image])
    assert status == 200
    assert [found.attributes["data-tried"] for found in page.all("section") if "data-tried" in found.attributes] == [
        MINILM,
        VISION,
    ]
    assert page.text.count("The gateway does not answer") == 2


def test_who_may_only_look_sees_why(readers_console: Client, cluster: Cluster) -> None:
    page = parse(readers_console.get(f"/clusters/{cluster.pk}/inference/try"))
    assert page.one(id="try-refusal").text
    assert readers_console.post(f"/clusters/{cluster.pk}/inference/try", {}).status_code == 403


def tried(name: str, *vectors: object) -> Tried:
    spec = CATALOGUE[name]
    inputs = tuple(TriedInput(f"{name} {number}", 1, None, vector) for number, vector in enumerate(vectors))
    return Tried(OfferedModel(spec.id, spec, 0), 1.0, inputs)


@pytest.mark.parametrize(
    ("kept", "pieces"),
    [
        (None, []),
        ((0, 8), [(True, "the kept"), (False, " and the rest")]),
        ((13, 21), [(False, "the kept and "), (True, "the rest")]),
        ((0, 0), [(False, "the kept and the rest")]),
    ],
)
def test_a_cut_text_falls_into_what_the_model_saw_and_what_not(
    kept: tuple[int, int] | None, pieces: list[tuple[bool, str]]
) -> None:
    assert TriedInput("the kept and the rest", 4, kept, [1.0]).cut == pieces


def test_dense_vectors_are_compared_by_their_angle() -> None:
    [table] = resemblances([tried(MINILM, [3.0, 0.0], [0.0, 0.5], [-1.0, 0.0], [0.0, 0.0])])
    assert [[round(cell, 6) for cell in cells] for _, cells in table.rows] == [
        [1, 0, -1, 0],
        [0, 1, 0, 0],
        [-1, 0, 1, 0],
        [0, 0, 0, 0],
    ]


def test_sparse_vectors_are_compared_by_what_both_have() -> None:
    one, other = {"indices": [1, 7], "values": [1.0, 1.0]}, {"indices": [7], "values": [2.0]}
    [table] = resemblances([tried("qdrant/bm25", one, other, {"indices": [], "values": []})])
    assert table.rows[0][1] == [pytest.approx(1), pytest.approx(0.5**0.5), 0]


def test_many_vectors_are_compared_by_their_best_matches() -> None:
    model = "answerdotai/answerai-colbert-small-v1"
    [table] = resemblances([tried(model, [[1.0, 0.0], [0.0, 1.0]], [[1.0, 0.0]])])
    assert table.rows[0][1] == [1, 0.5]
    assert table.rows[1][1] == [1, 1]


def test_texts_are_compared_with_the_images_whose_space_they_share() -> None:
    [table] = resemblances([tried(WORDS, [1.0, 0.0]), tried(VISION, [0.0, 1.0])])
    assert table.title == "CLIP ViT-B/32 text and CLIP ViT-B/32 vision"
    assert table.labels == [f"{WORDS} 0", f"{VISION} 0"]


def test_one_input_is_compared_with_nothing() -> None:
    assert resemblances([tried(MINILM, [1.0])]) == []
