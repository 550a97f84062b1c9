"""Rows of CSV, JSON Lines and Parquet: all of them, from anywhere, and what cannot be one."""

from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from inference.imports import inspection
from inference.imports.inspection import inspect_file
from inference.imports.reading import Unreadable, format_of, read_rows
from tests.imports.files import WRITERS, csv_bytes, json_lines, kept

TEXTS = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), min_size=1)
ROWS = st.lists(st.fixed_dictionaries({"id": st.text("0123456789", min_size=1), "text": TEXTS}), min_size=1, max_size=9)


@pytest.mark.parametrize("format", WRITERS)
@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(rows=ROWS)
def test_every_row_is_read_and_from_the_end_of_any_row_the_rest(format: str, rows: list, tmp_path: Path) -> None:
    path = kept(tmp_path, WRITERS[format](rows))
    assert format_of(path) == format
    read = list(read_rows(path, format))
    assert [row.values for row in read] == rows
    for done in range(len(read)):
        assert list(read_rows(path, format, read[done].end)) == read[done + 1 :]


@pytest.mark.parametrize("delimiter", list(",;\t|"))
def test_the_header_tells_the_delimiter(delimiter: str, tmp_path: Path) -> None:
    path = kept(tmp_path, b"\xef\xbb\xbf" + csv_bytes([{"a": "1,2;3", "b": "x\ty|z\nw"}], delimiter))
    assert [row.values for row in read_rows(path, "csv")] == [{"a": "1,2;3", "b": "x\ty|z\nw"}]


def test_a_bad_line_costs_only_itself(tmp_path: Path) -> None:
    path = kept(tmp_path, b"a,b\n1,2\n3\n\n4,5,6\n\xff,8\n9,10\n")
    assert [(row.problem is None, row.values.get("a")) for row in read_rows(path, "csv")] == [
        (True, "1"),
        (False, "3"),
        (False, "4"),
        (True, "\udcff"),  # to be refused as no UTF-8 where a point is made of it
        (True, "9"),
    ]
    path = kept(tmp_path, b'{"a": 1}\n[2]\n{"a": \n\n{"a": NaN}\n{"a": 3}')
    assert [row.problem is None for row in read_rows(path, "jsonl")] == [True, False, False, False, True]


def test_a_quotation_mark_that_never_ends_does_not_swallow_memory(tmp_path: Path) -> None:
    path = kept(tmp_path, b'a,b\n1,"2\n' + (b"3," + b"4" * 96 + b"\n") * 80_000 + b"5,6\n")
    read = list(read_rows(path, "csv"))
    assert read[0].problem is not None
    assert "quotation mark" in read[0].problem
    assert read[-1].values == {"a": "5", "b": "6"}


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        (b"", "The file is empty."),
        (b" \n ", "The file is empty."),
        (b'[{"a": 1}]', "Write one object in each line"),
        (b"a\0b", "neither CSV in UTF-8"),
        (b"PAR1 and then nothing", "The Parquet file cannot be read"),
        (b"a,b\n", "The file has no rows."),
        (b"a,a\n1,2\n", "a name of its own"),
        (b"\xff,b\n1,2\n", "not in UTF-8"),
        (b"{\n{\n", "None of the file's rows can be read."),
        (",".join(map(str, range(300))).encode() + b"\n" + b"1," * 299 + b"1\n", "at most 200"),
    ],
)
def test_what_is_no_file_of_rows_is_said(content: bytes, sentence: str, tmp_path: Path) -> None:
    with pytest.raises(Unreadable, match=sentence):
        inspect_file(kept(tmp_path, content))


def test_a_look_through_tells_columns_rows_and_a_sample(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    rows = [{"text": f"row {number}", "number": number} for number in range(1_000)] + [{"text": "last", "more": True}]
    found = inspect_file(kept(tmp_path, json_lines(rows)))
    assert (found.format, found.rows, found.columns) == ("jsonl", 1_001, ["text", "number"])
    assert [row["number"] for row in found.preview] == [0, 1, 2, 3, 4]
    sampled = [row["number"] for row in found.sample if "number" in row]
    assert 300 < sum(sampled) / len(sampled) < 700
    assert len(found.sample) == inspection.SAMPLED
    assert found == inspect_file(tmp_path / "uploaded")
    monkeypatch.setattr(inspection, "MOST_ROWS", 1_000)
    with pytest.raises(Unreadable, match="more than 1,000 rows"):
        inspect_file(tmp_path / "uploaded")


def test_a_small_file_is_its_own_sample(tmp_path: Path) -> None:
    found = inspect_file(kept(tmp_path, b"text,odd\none,\xff\ntwo,b\n"))
    assert found.sample == found.preview == [{"text": "one", "odd": "?"}, {"text": "two", "odd": "b"}]
