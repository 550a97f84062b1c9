"""The export's files: how they are written, and how the command puts them in place."""

import asyncio
import csv
import hashlib
import io
import json
import tracemalloc
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from asgiref.sync import sync_to_async
from django.core.management import CommandError, call_command
from django.db import connection

from billing import focus_columns, parquet
from billing.exports import EXPORT_FORMATS, stream_export, stream_export_async
from billing.lines import LINES_AT_A_TIME
from billing.partitions import make_partitions
from billing.report_line import COLUMNS
from billing.rules import Month
from cloudconsole.errors import Code, ServiceError
from tests.billing.usage import NOON, Customer, store

NOVEMBER = Month.of(NOON)
formats = pytest.mark.parametrize("format", EXPORT_FORMATS)


def exported(customer: Customer, format: str) -> bytes:
    return b"".join(stream_export(account=customer.account, month=NOVEMBER, format=format))


def record_hours(customer: Customer, hours: int) -> None:
    """One event in each of that many hours of the month, straight into the table."""
    event = customer.event()
    make_partitions([NOVEMBER])
    with connection.cursor() as cursor:
        cursor.execute(
            """INSERT INTO billing_usageevent (id, account_id, cluster_id, model_id, api_key_id, kind, tokens, inputs,
                occurred_at)
            SELECT overlay(overlay(gen_random_uuid()::text PLACING substr(billing_first_id(hour)::text, 1, 13)
                    FROM 1 FOR 13) PLACING '7' FROM 15 FOR 1)::uuid,
                %s, %s, %s, gen_random_uuid(), 'update', n, 1, hour
            FROM (SELECT n, %s + n %% 720 * interval '1 hour' AS hour FROM generate_series(0, %s - 1) AS n) AS hours""",
            [event.account_id, event.cluster_id, event.model_id, NOVEMBER.start, hours],
        )


def test_the_csv_is_rfc_4180_in_utf_8_with_a_header(customer: Customer):
    customer.account.name = 'Bücher, "Best" \r\nof'
    customer.account.save()
    customer.set_price(customer.models[0], 2_100, NOVEMBER.start)
    event = customer.event(tokens=1_234_567, inputs=3, kind="search")
    store(event)
    cluster, model = customer.clusters[0], customer.models[0]
    header = (
        "billing_month,invoice,correction,hour_start,account_id,account_name,cluster_id,cluster_name,labels,provider,"
        "region,region_name,kind,sku,model_id,model,package_id,package,api_key_id,api_key_name,tokens,inputs,hours,"
        "events,pricing_unit,unit_price_millicents,price_id,price_effective_from,allowance,discount_percentage,"
        "list_cost_millicents,contracted_cost_millicents,cost_millicents,cost_usd,why\r\n"
    )
    line = (
        f'2026-11,,false,2026-11-15T12:00:00Z,{customer.account.pk},"Bücher, ""Best"" \r\nof",{cluster.pk},one,[],aws,'
        f"us-east-1,US East (N. Virginia),search,inference/{model.name},{model.pk},{model.name},,,{event.api_key_id},"
        f"reader,1234567,3,0,1,1000000 Tokens,2100,{model.prices.get().pk},2026-11-01T00:00:00Z,false,0.00,"
        "2592.5907000000,2592.5907000000,2592.5907000000,0.025925907000000,"
        "1234567 tokens at 2100 millicents per 1000000 tokens (price since 2026-11-01 00:00 UTC)\r\n"
    )
    assert exported(customer, "csv").decode() == header + line


def test_json_lines_keep_decimals_exact_as_strings(customer: Customer):
    customer.account.name = "Bücher\n"
    customer.account.save()
    customer.set_price(customer.models[0], 2_100, NOVEMBER.start)
    store(customer.event(tokens=1_234_567, inputs=3))
    text = exported(customer, "jsonl").decode()
    assert text.count("\n") == 1
    assert text.endswith("}\n")
    line = json.loads(text)
    assert tuple(line) == COLUMNS
    assert line["account_name"] == "Bücher\n"
    assert (line["tokens"], line["inputs"], line["events"]) == (1_234_567, 3, 1)
    assert (line["cost_millicents"], line["cost_usd"]) == ("2592.5907000000", "0.025925907000000")


def test_parquet_has_types_exact_decimals_and_row_groups(customer: Customer, monkeypatch):
    monkeypatch.setattr(parquet, "ROW_GROUP_LINES", LINES_AT_A_TIME)
    customer.set_price(customer.models[0], 2_100, NOVEMBER.start)
    store(customer.event(tokens=1_234_567, inputs=3, occurred_at=NOVEMBER.start))
    record_hours(customer, 2 * LINES_AT_A_TIME)
    file = pq.ParquetFile(io.BytesIO(exported(customer, "parquet")))
    assert file.num_row_groups == 3
    types = {field.name: str(field.type) for field in file.schema_arrow}
    assert types | {"tokens": "int64", "hour_start": "timestamp[us, tz=UTC]", "cost_usd": "decimal128(38, 15)"} == types
    (line,) = (line for line in file.read().to_pylist() if line["inputs"] == 3)
    assert (line["tokens"], line["cost_usd"]) == (1_234_567, Decimal("0.025925907"))
    assert line["price_effective_from"] == NOVEMBER.start


@pytest.mark.parametrize("name", ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1", "\n=1"])
def test_a_name_is_never_a_formula_in_a_spreadsheet(customer: Customer, name: str):
    for thing in (customer.account, customer.clusters[0], customer.keys[customer.clusters[0].pk][0]):
        thing.name = name
        thing.save()
    store(customer.event())
    (line,) = csv.DictReader(io.StringIO(exported(customer, "csv").decode(), newline=""))
    assert {line["account_name"], line["cluster_name"], line["api_key_name"]} == {f"'{name}"}
    assert json.loads(exported(customer, "jsonl"))["account_name"] == name


def test_a_month_without_usage_is_a_file_without_lines(customer: Customer):
    assert exported(customer, "csv").decode() == ",".join(COLUMNS) + "\r\n"
    assert exported(customer, "jsonl") == b""
    assert exported(customer, "focus-csv").decode() == ",".join(focus_columns.COLUMNS) + "\r\n"
    for format, columns in (("parquet", COLUMNS), ("focus-parquet", tuple(focus_columns.COLUMNS))):
        table = pq.read_table(io.BytesIO(exported(customer, format)))
        assert (table.num_rows, tuple(table.column_names)) == (0, columns)


def test_an_unknown_format_is_refused_before_the_first_byte(customer: Customer):
    with pytest.raises(ServiceError) as refusal:
        stream_export(account=customer.account, month=NOVEMBER, format="xlsx")
    assert refusal.value.code == Code.INVALID_ARGUMENT
    sentence = "There is no export format xlsx. Use one of: csv, jsonl, parquet, focus-csv, focus-parquet."
    assert refusal.value.sentence == sentence


@pytest.mark.django_db(transaction=True)
@formats
def test_memory_does_not_grow_with_the_month(customer: Customer, format: str, monkeypatch):
    monkeypatch.setattr(parquet, "ROW_GROUP_LINES", LINES_AT_A_TIME)

    def peaks_and_size() -> tuple[int, int, int]:
        """Of Python, of Arrow (which has its own), and how much was exported."""
        size = peak_of_arrow = 0
        tracemalloc.start()
        for piece in stream_export(account=customer.account, month=NOVEMBER, format=format):
            size += len(piece)
            peak_of_arrow = max(peak_of_arrow, pa.total_allocated_bytes())
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        return peak, peak_of_arrow, size

    record_hours(customer, 3 * LINES_AT_A_TIME)
    peak, peak_of_arrow, size = peaks_and_size()
    record_hours(customer, 9 * LINES_AT_A_TIME)
    peak_of_more, peak_of_arrow_of_more, size_of_more = peaks_and_size()
    assert size_of_more > 3 * size
    assert peak_of_more < 1.5 * peak  # when garbage is collected makes a fifth of it either way
    assert peak_of_arrow_of_more < 1.2 * peak_of_arrow + 100_000


@pytest.mark.django_db(transaction=True)
@formats
def test_under_asgi_the_same_bytes_come_in_pieces(customer: Customer, format: str, monkeypatch):
    monkeypatch.setattr(parquet, "ROW_GROUP_LINES", LINES_AT_A_TIME)
    record_hours(customer, 3_000)

    async def pieces():
        stream = stream_export_async(account=customer.account, month=NOVEMBER, format=format)
        try:
            return [piece async for piece in stream]
        finally:
            await sync_to_async(lambda: connection.close())()  # of the thread that it ran in

    received = asyncio.run(pieces())
    assert len(received) > 3
    assert b"".join(received) == exported(customer, format)


class TestTheCommand:
    def run(self, customer: Customer, /, **changes: object) -> str:
        options = {"account": str(customer.account.pk), "month": "2026-11", "format": "csv"}
        stdout = io.StringIO()
        arguments = [f"--{name}={value}" for name, value in (options | changes).items() if value]
        call_command("export_billing", *arguments, stdout=stdout)
        return stdout.getvalue()

    @formats
    def test_it_writes_the_export_and_prints_its_sha_256(self, customer: Customer, tmp_path: Path, format: str):
        store(customer.event(), customer.event(cluster=1))
        output = tmp_path / "november"
        said = self.run(customer, output=output, format=format)
        assert output.read_bytes() == exported(customer, format)
        assert said == f"{hashlib.sha256(output.read_bytes()).hexdigest()}  {output}\n"
        assert list(tmp_path.iterdir()) == [output]

    def test_it_takes_months_and_parts_of_the_usage(self, customer: Customer, tmp_path: Path):
        one, two = customer.clusters
        two.labels = [{"key": "team", "value": "search"}, {"key": "env", "value": "prod"}]
        two.save()
        store(
            customer.event(1, occurred_at=datetime(2026, 10, 31, 23, 59, 59, tzinfo=UTC)),
            customer.event(2, model=1),
            customer.event(4, cluster=1),
            customer.event(8, cluster=1, key=1),
            customer.event(16, occurred_at=datetime(2026, 12, 1, tzinfo=UTC)),
        )

        def tokens(**changes: object) -> int:
            self.run(customer, output=tmp_path / "part.csv", **changes)
            return sum(int(line["tokens"]) for line in csv.DictReader((tmp_path / "part.csv").open(newline="")))

        assert tokens() == 14
        assert tokens(month=None, **{"from": "2026-10", "to": "2026-11"}) == 15
        assert tokens(month=None, **{"from": "2026-12"}) == 16
        assert (tokens(cluster=one.pk), tokens(cluster=two.pk)) == (2, 12)
        assert tokens(model=customer.models[1].name) == 2
        assert tokens(**{"api-key": customer.keys[two.pk][1].pk}) == 8
        assert (tokens(label="env=prod"), tokens(label="env=search")) == (12, 0)
        assert tokens(label="env=prod", **{"api-key": customer.keys[two.pk][0].pk}) == 4

    def test_it_leaves_an_older_file_alone_when_it_fails(self, customer: Customer, tmp_path: Path, monkeypatch):
        output = tmp_path / "november.csv"
        output.write_text("older")

        def breaks(**_):
            yield b"half of it"
            raise RuntimeError("the database went away")

        monkeypatch.setattr("billing.management.commands.export_billing.stream_export", breaks)
        with pytest.raises(RuntimeError):
            self.run(customer, output=output)
        assert output.read_text() == "older"
        assert list(tmp_path.iterdir()) == [output]

    @pytest.mark.parametrize(
        ("changes", "sentence"),
        [
            ({"account": "00000000-0000-0000-0000-000000000000"}, "There is no account 00000000"),
            ({"month": "November"}, "A month is written as YYYY-MM"),
            ({"format": "xlsx"}, "invalid choice: 'xlsx'"),
            ({"model": "nobody/model"}, "There is no model nobody/model"),
            ({"label": "team"}, "A label is written as key=value"),
            ({"to": "2026-12"}, "--to goes with --from"),
            ({"month": None, "from": "2026-11", "to": "2026-10"}, "The months from 2026-11 to 2026-10 are none"),
            ({"month": None}, "one of the arguments --month --from is required"),
            ({"output": "/nowhere/at/all.csv"}, "Cannot write /nowhere/at/all.csv: No such file"),
        ],
    )
    def test_it_says_what_is_wrong(self, customer: Customer, tmp_path: Path, changes, sentence):
        with pytest.raises(CommandError, match=sentence):
            self.run(customer, **{"output": tmp_path / "x.csv"} | changes)
