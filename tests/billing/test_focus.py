"""FOCUS as we write it, and the command that checks it."""

import csv
import io
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from pathlib import Path
from uuid import UUID

import pyarrow as pa
import pyarrow.parquet as pq
from django.core.management import CommandError, call_command

from billing.focus import focus_charge
from billing.focus_check import check_focus
from billing.focus_columns import COLUMNS, FOCUS_VERSION, MANDATORY
from billing.report_line import minus
from tests.billing.charges import HOUR, KEY, LINE, LINES, SUMS, both, focus_file, rows_of, write_rows
from tests.billing.focus_mistakes import NULL

COSTS = ("list_cost_millicents", "contracted_cost_millicents", "cost_millicents")
NODE_HOURS = replace(
    LINE,
    **dict.fromkeys(("model_id", "model", "api_key_id", "api_key_name")),
    **dict.fromkeys(
        ("list_cost_millicents", "contracted_cost_millicents", "cost_millicents"), Decimal("5200.0000000000")
    ),
    cost_usd=Decimal("0.052000000000000"),
    kind="compute",
    sku="cluster/mx1",
    package_id=UUID(int=7),
    package="mx1",
    tokens=0,
    hours=2,
    pricing_unit="Hours",
    unit_price_millicents=2600,
    price_id=UUID(int=7),
)


class TestWhatWeWrite:
    def test_it_has_the_21_mandatory_columns_and_ours_last(self):
        assert (
            *("BilledCost", "BillingAccountId", "BillingAccountName", "BillingCurrency", "BillingPeriodEnd"),
            *("BillingPeriodStart", "ChargeCategory", "ChargeClass", "ChargeDescription", "ChargePeriodEnd"),
            *("ChargePeriodStart", "ContractedCost", "EffectiveCost", "InvoiceIssuerName", "ListCost"),
            *("PricingQuantity", "PricingUnit", "ProviderName", "PublisherName", "ServiceCategory", "ServiceName"),
        ) == MANDATORY
        assert list(COLUMNS) == sorted(COLUMNS)  # capitals sort before x_
        assert FOCUS_VERSION == "1.2"

    def test_a_charge_of_csv_is_written_out(self, tmp_path: Path):
        text = focus_file(tmp_path / "f", "focus-csv", [LINE]).read_bytes().decode()
        (row,) = csv.DictReader(io.StringIO(text, newline=""))
        account, cluster = str(UUID(int=1)), str(UUID(int=2))
        assert row == {
            "BilledCost": "0.025925907000000",
            "BillingAccountId": account,
            "BillingAccountName": "Acme",
            "BillingCurrency": "USD",
            "BillingPeriodEnd": "2026-12-01T00:00:00Z",
            "BillingPeriodStart": "2026-11-01T00:00:00Z",
            "ChargeCategory": "Usage",
            "ChargeClass": "",
            "ChargeDescription": "inference/maker/model, update: 1234567 tokens at 2100 millicents per 1000000 tokens",
            "ChargeFrequency": "Usage-Based",
            "ChargePeriodEnd": "2026-11-15T13:00:00Z",
            "ChargePeriodStart": "2026-11-15T12:00:00Z",
            "ConsumedQuantity": "1234567.0",
            "ConsumedUnit": "Tokens",
            "ContractedCost": "0.025925907000000",
            "ContractedUnitPrice": "0.021000000",
            "EffectiveCost": "0.025925907000000",
            "InvoiceId": "",
            "InvoiceIssuerName": "cloudconsole",
            "ListCost": "0.025925907000000",
            "ListUnitPrice": "0.021000000",
            "PricingQuantity": "1.234567",
            "PricingUnit": "1000000 Tokens",
            "ProviderName": "cloudconsole",
            "PublisherName": "cloudconsole",
            "RegionId": "us-east-1",
            "RegionName": "US East (N. Virginia)",
            "ResourceId": cluster,
            "ResourceName": "one",
            "ResourceType": "Cluster",
            "ServiceCategory": "AI and Machine Learning",
            "ServiceName": "Cloud Inference",
            "ServiceSubcategory": "Natural Language Processing",
            "SkuId": "inference/maker/model",
            "SkuMeter": "Input Tokens",
            "SkuPriceId": str(UUID(int=6)),
            "SubAccountId": account,
            "SubAccountName": "Acme",
            "Tags": '{"env":"prod","team":"search"}',
            "x_ApiKeyId": str(KEY),
            "x_EventCount": "2",
            "x_FreeAllowance": "No",
            "x_Kind": "update",
            "x_Model": "maker/model",
        }

    def test_parquet_has_the_same_charges_with_types(self, tmp_path: Path):
        table = pq.read_table(focus_file(tmp_path / "f", "focus-parquet"))
        assert table.schema.field("BilledCost").type == pa.decimal128(38, 15)
        assert table.schema.field("ChargePeriodStart").type == pa.timestamp("us", tz="UTC")
        assert [list(row.values()) for row in table.to_pylist()] == [focus_charge(line) for line in LINES]

    @both
    def test_it_is_without_a_problem(self, tmp_path: Path, format: str):
        unpriced = {"price_id": None, "price_effective_from": None, "unit_price_millicents": 0}
        nothing = dict.fromkeys(COSTS, Decimal("0.0000000000")) | {"cost_usd": Decimal("0.000000000000000")}
        billed_nothing = nothing | {"list_cost_millicents": LINE.list_cost_millicents}
        half = {name: getattr(LINE, name) / 2 for name in (*COSTS[1:], "cost_usd")}
        nowhere = {"provider": "", "region": "", "region_name": "", "labels": None}
        lines = [
            *LINES,
            replace(LINE, sku="inference/free/model", model="free/model", **unpriced, **nothing),
            replace(LINE, allowance=True, events=0, **billed_nothing),
            replace(LINE, hour_start=HOUR - timedelta(hours=2), discount_percentage=Decimal("50.00"), **half),
            replace(
                LINE,
                hour_start=HOUR - timedelta(hours=3),
                **half | {"contracted_cost_millicents": LINE.cost_millicents},
            ),
            NODE_HOURS,
            replace(NODE_HOURS, kind="disk", sku="disk/mx1", pricing_unit="GiB-Hours", price_id=UUID(int=8)),
            replace(minus(LINE), correction=True, hour_start=HOUR - timedelta(days=40)),
            replace(LINE, cluster_id=UUID(int=9), cluster_name=str(UUID(int=9)), **nowhere),
            replace(LINE, cluster_id=UUID(int=10), cluster_name='=N/A, "x"\r\ny', labels=[]),
            replace(LINE, cluster_id=UUID(int=11), tokens=0, **nothing),
        ]
        assert list(check_focus(focus_file(tmp_path / "f", format, lines))) == []

    def test_of_labels_with_the_same_key_the_last_one_counts(self):
        line = replace(LINE, labels=[{"key": "a", "value": "1"}, {"key": "a", "value": "2"}])
        assert focus_charge(line)[list(COLUMNS).index("Tags")] == '{"a":"2"}'


@both
def test_sums_are_compared_with_what_is_expected(tmp_path: Path, format: str):
    path = focus_file(tmp_path / "f", format)
    assert list(check_focus(path, SUMS)) == []
    (problem,) = check_focus(path, SUMS | {"BilledCost": Decimal("0.07")})
    assert str(problem) == "column BilledCost: the sum is 0.077777721000000 and not 0.07"


class TestTheCommand:
    def run(self, *arguments: object) -> str:
        stdout = io.StringIO()
        try:
            call_command("check_focus", *map(str, arguments), stdout=stdout)
        except CommandError as error:
            return f"{stdout.getvalue()}{error}"
        return stdout.getvalue()

    def test_a_right_file_is_said_to_be_right(self, tmp_path: Path):
        path = focus_file(tmp_path / "right.csv", "focus-csv")
        assert self.run(path, "--expect=BilledCost=0.077777721") == f"{path} is FOCUS 1.2 without a problem.\n"

    def test_it_tells_every_problem(self, tmp_path: Path):
        path = focus_file(tmp_path / "wrong.csv", "focus-csv")
        rows = rows_of(path)
        rows[1][rows[0].index("ProviderName")] = rows[3][rows[0].index("ServiceName")] = ""
        said = self.run(write_rows(path, rows), "--expect=x_EventCount=7")
        assert said.splitlines() == [
            f"row 1, column ProviderName: {NULL}",
            f"row 3, column ServiceName: {NULL}",
            "column x_EventCount: the sum is 6 and not 7",
            f"{path} is not FOCUS 1.2 as we write it. Problems: 3.",
        ]

    def test_it_says_what_it_cannot_do(self, tmp_path: Path):
        assert self.run(tmp_path / "nothing.csv").endswith("nothing.csv: No such file or directory.")
        assert "Write COLUMN=SUM with one of the columns BilledCost" in self.run("x", "--expect=Cost=1")
        assert "much is no number" in self.run("x", "--expect=BilledCost=much")
