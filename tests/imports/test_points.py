"""What a row becomes, and why not."""

from typing import Any
from uuid import UUID

import orjson
import pytest

from inference.catalogue import CATALOGUE
from inference.imports.models import Import
from inference.imports.points import LARGEST_ID, Bad, NumberedRow, encode_point
from inference.imports.reading import Row

MINILM = CATALOGUE["sentence-transformers/all-minilm-l6-v2"]
VISION = CATALOGUE["qdrant/clip-vit-b-32-vision"]


def point(values: dict[str, Any], spec: Any = MINILM, number: int = 1, **choices: Any) -> dict[str, Any]:
    wanted = Import(**{"id": UUID(int=1), "column": "text", "payload_columns": ["text", "tag"]} | choices)
    return orjson.loads(encode_point(wanted, spec, NumberedRow(number, Row(0, values))))


def test_a_row_is_a_point_with_a_text_in_place_of_its_vector() -> None:
    made = point({"text": "soup", "tag": ["a", {"b": None}], "other": 1})
    assert made["vector"] == {"text": "soup", "model": MINILM.name}
    assert made["payload"] == {"text": "soup", "tag": ["a", {"b": None}]}


def test_a_name_of_a_vector_and_an_image() -> None:
    assert point({"text": "https://example.com/a.png"}, VISION, vector="look")["vector"] == {
        "look": {"image": "https://example.com/a.png", "model": VISION.name}
    }


def test_made_ids_differ_by_row_and_by_import_and_never_change() -> None:
    rows = [point({"text": "a"}, number=number)["id"] for number in (1, 2, 1)]
    assert rows[0] == rows[2] != rows[1]
    assert point({"text": "a"}, id=UUID(int=2))["id"] != rows[0]


@pytest.mark.parametrize(
    ("value", "identifier"),
    [
        (7, 7),
        ("7", 7),
        (" 7 ", 7),
        (LARGEST_ID, LARGEST_ID),
        ("9F0A4F5E6A535C0B8F536D2F1F6F2C11", "9f0a4f5e-6a53-5c0b-8f53-6d2f1f6f2c11"),
    ],
)
def test_ids_of_the_file(value: Any, identifier: Any) -> None:
    assert point({"text": "a", "id": value}, id_column="id")["id"] == identifier


@pytest.mark.parametrize("value", [None, "", "x7", -1, LARGEST_ID + 1, 1.5, True, "٧", [1]])
def test_what_cannot_be_an_id(value: Any) -> None:
    with pytest.raises(Bad, match="Column id holds"):
        point({"text": "a", "id": value}, id_column="id")


@pytest.mark.parametrize(
    ("values", "sentence"),
    [
        ({}, "Column text is empty"),
        ({"text": " \n"}, "Column text is empty"),
        ({"text": 7}, "Column text holds int"),
        ({"text": "a\udcff"}, "cannot be written as JSON in UTF-8"),
        ({"text": "a", "tag": b"bytes"}, "cannot be written as JSON"),
        ({"text": "a" * 9_000_000}, "a point has at most"),
    ],
)
def test_what_cannot_be_a_point(values: dict[str, Any], sentence: str) -> None:
    with pytest.raises(Bad, match=sentence):
        point(values)
