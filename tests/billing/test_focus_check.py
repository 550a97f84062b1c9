"""The FOCUS checker finds every mistake of a corpus of wrong files, each made from a right one."""

from collections.abc import Callable
from decimal import Decimal
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from billing import focus_columns
from billing.focus_check import check_focus
from tests.billing.charges import focus_file, rows_of, write_rows
from tests.billing.focus_mistakes import MISTAKES, Mistake


@pytest.mark.parametrize("mistake", MISTAKES, ids=str)
def test_a_wrong_value_is_told_with_row_column_and_reason(tmp_path: Path, mistake: Mistake):
    path = focus_file(tmp_path / "f", "focus-csv")
    rows = rows_of(path)
    for column, wrong in ({mistake.column: mistake.wrong} | (mistake.also or {})).items():
        position = rows[0].index(column)
        assert rows[2][position] != wrong
        rows[2][position] = wrong
    problems = list(check_focus(write_rows(path, rows)))
    column = mistake.told_of or mistake.column
    assert [p for p in problems if (p.row, p.column) == (2, column) and mistake.reason in p.reason], problems
    assert all(problem.row in (2, 3) for problem in problems)


def without_a_column(rows):
    return [row[1:] for row in rows]


def with_a_column_of_others(rows):
    return [[*row, "AvailabilityZone" if n == 0 else "a"] for n, row in enumerate(rows)]


def with_columns_swapped(rows):
    return [[row[1], row[0], *row[2:]] for row in rows]


def with_a_column_twice(rows):
    return [[*row, row[0]] for row in rows]


def with_a_short_row(rows):
    return [*rows[:2], rows[2][:-1], *rows[3:]]


def with_a_row_twice(rows):
    return [*rows, rows[1]]


def with_a_name_in_small_letters(rows):
    return [[rows[0][0].lower(), *rows[0][1:]], *rows[1:]]


def with_nothing(rows):
    return []


@pytest.mark.parametrize(
    ("spoil", "problem"),
    [
        (without_a_column, "column BilledCost: the column is missing"),
        (with_a_column_of_others, "column AvailabilityZone: this is no column of ours in FOCUS 1.2"),
        (with_columns_swapped, "column BillingAccountId: the column stands where BilledCost is due"),
        (with_a_column_twice, "column BilledCost: the column is there twice"),
        (with_a_short_row, "row 2: there are 43 fields and not 44"),
        (with_a_row_twice, "row 4, column ChargePeriodStart: a row before is the same charge"),
        (with_a_name_in_small_letters, "column BilledCost: the column is missing"),
        (with_nothing, "column BilledCost: the column is missing"),
    ],
)
def test_a_wrong_form_of_csv_is_told(tmp_path: Path, spoil: Callable, problem: str):
    path = focus_file(tmp_path / "f", "focus-csv")
    told = [str(one) for one in check_focus(write_rows(path, spoil(rows_of(path))))]
    assert [one for one in told if one.startswith(problem)], told


@pytest.mark.parametrize(
    ("spoil", "problem"),
    [
        (lambda data: b"\xef\xbb\xbf" + data, "column BilledCost: the column is missing"),
        (lambda data: data.replace(b"Acme", b"Acm\xe9"), "file: this is no CSV in UTF-8"),
        (lambda data: data.replace(b"Acme", b'"Ac"me', 1), "file: this is no CSV in UTF-8"),
        (lambda data: data.replace(b",", b";"), "column BilledCost: the column is missing"),
    ],
    ids=["with a byte order mark", "in Latin-1", "with a quote that ends early", "with semicolons"],
)
def test_bytes_that_are_no_csv_are_told(tmp_path: Path, spoil: Callable[[bytes], bytes], problem: str):
    path = focus_file(tmp_path / "f", "focus-csv")
    path.write_bytes(spoil(path.read_bytes()))
    assert [one for one in map(str, check_focus(path)) if one.startswith(problem)]


def retyped(column: str, type: pa.DataType) -> Callable[[pa.Table], pa.Table]:
    def spoil(table: pa.Table) -> pa.Table:
        return table.set_column(table.schema.get_field_index(column), column, table[column].cast(type, safe=False))

    return spoil


def revalued(column: str, value: object) -> Callable[[pa.Table], pa.Table]:
    def spoil(table: pa.Table) -> pa.Table:
        values = table[column].to_pylist()
        values[1] = value
        return table.set_column(
            table.schema.get_field_index(column), column, pa.array(values, table.schema.field(column).type)
        )

    return spoil


@pytest.mark.parametrize(
    ("spoil", "problem"),
    [
        (retyped("BilledCost", pa.float64()), "column BilledCost: the type is double and not decimal128(38, 15)"),
        (retyped("ListCost", pa.decimal128(38, 12)), "column ListCost: the type is decimal128(38, 12) and not"),
        (retyped("ConsumedQuantity", pa.int64()), "column ConsumedQuantity: the type is int64"),
        (retyped("ChargePeriodStart", pa.timestamp("us")), "column ChargePeriodStart: the type is timestamp[us] and"),
        (retyped("ChargePeriodEnd", pa.string()), "column ChargePeriodEnd: the type is string"),
        (retyped("x_EventCount", pa.string()), "column x_EventCount: the type is string and not int64"),
        (lambda table: table.drop_columns(["Tags"]), "column Tags: the column is missing"),
        (lambda table: table.select(table.column_names[::-1]), "column x_Model: the column stands where BilledCost is"),
        (revalued("ListCost", Decimal(1)), "row 2, column ListCost: 1.000000000000000 is not ListUnitPrice x"),
        (revalued("BilledCost", None), "row 2, column BilledCost: there is nothing (null)"),
        (revalued("ResourceName", ""), "row 2, column ResourceName: '' stands for nothing"),
        (revalued("Tags", "{"), "row 2, column Tags: '{' is no JSON"),
        (revalued("x_Kind", "update"), "row 2, column ChargePeriodStart: a row before is the same charge"),
    ],
)
def test_a_wrong_parquet_file_is_told(tmp_path: Path, spoil: Callable[[pa.Table], pa.Table], problem: str):
    path = focus_file(tmp_path / "f", "focus-parquet")
    pq.write_table(spoil(pq.read_table(path)), path, store_schema=False)
    told = [str(one) for one in check_focus(path)]
    assert [one for one in told if one.startswith(problem)], told


def test_a_parquet_file_that_was_cut_off_is_told(tmp_path: Path):
    path = focus_file(tmp_path / "f", "focus-parquet")
    path.write_bytes(path.read_bytes()[:-20])
    (problem,) = check_focus(path)
    assert str(problem).startswith("file: this is no Parquet file that can be read")


def test_a_correction_may_be_negative(tmp_path: Path):
    path = focus_file(tmp_path / "f", "focus-csv")
    rows = rows_of(path)
    for column in ("BilledCost", "ContractedCost", "EffectiveCost", "ListCost"):
        rows[2][rows[0].index(column)] = "-0.025925907000000"
    rows[2][rows[0].index("ChargeClass")] = "Correction"
    assert list(check_focus(write_rows(path, rows))) == []


def test_the_corpus_is_large():
    assert len(MISTAKES) >= 40
    assert {mistake.column for mistake in MISTAKES} == set(focus_columns.COLUMNS)
