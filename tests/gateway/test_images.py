"""Images in place of vectors, through the gateway to a node and into the ledger."""

import pytest

from tests.gateway.conftest import Door, sentence
from tests.inference.pictures import NOT_PICTURES, picture, text

pytestmark = pytest.mark.django_db

VISION = "qdrant/clip-vit-b-32-vision"
COLOURS = {1: "red", 2: "lime", 3: "blue"}


def image(data: str) -> dict[str, str]:
    return {"image": data, "model": VISION}


@pytest.fixture
def pictures(new_us: Door) -> str:
    return new_us.collection("pictures", vectors={"size": 512, "distance": "Cosine"})


def test_images_are_stored_found_and_billed_by_their_patches(new_us: Door, pictures: str) -> None:
    before = new_us.billed().get(VISION, 0)
    points = [
        {"id": number, "vector": image(text(picture(colour=colour))), "payload": {"colour": colour}}
        for number, colour in COLOURS.items()
    ]
    answer = new_us.upsert(pictures, *points)
    assert answer.status_code == 200, answer.text
    assert answer.json()["usage"]["inference"]["models"][VISION]["tokens"] == 150
    # The same colour in another format and size is the nearest one.
    wanted = f"data:image/jpeg;base64,{text(picture('JPEG', size=(300, 200), colour='lime'))}"
    found = new_us.query(pictures, image(wanted), limit=1).json()["result"]["points"]
    assert [point["payload"]["colour"] for point in found] == ["lime"]
    assert new_us.billed()[VISION] - before == 200


@pytest.mark.parametrize(
    ("bad", "said"),
    [
        ("https://169.254.169.254/latest/meta-data/", "Input 1: The image's address is not allowed."),
        ("http://127.0.0.1:6333/collections", "Input 1: The image's address is not allowed."),
        (text(NOT_PICTURES["svg"]), "Input 1: The image is damaged or not a JPEG, PNG, WebP, GIF or BMP file."),
        ("not base64", "Input 1: The image is neither an address nor valid base64."),
        (7, "Input 1 must be a text, got int."),
    ],
)
def test_a_bad_image_stores_and_costs_nothing(new_us: Door, pictures: str, bad: str, said: str) -> None:
    before = new_us.billed()
    good = image(text(picture(colour="red")))
    answer = new_us.upsert(pictures, {"id": 1, "vector": good}, {"id": 2, "vector": image(bad)})
    assert answer.status_code == 400
    assert sentence(answer) == f"Bad request: Inference request validation failed: {said}"
    assert new_us.count(pictures) == 0
    assert new_us.billed() == before
