"""Deliveries: every month that is over, once, whole, with a manifest, to a folder and to an S3-compatible server."""

import hashlib
import io
import json
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import boto3
import pytest
from django.core.management import CommandError, call_command
from moto.server import ThreadedMotoServer

from billing.exports import stream_export
from billing.models import BillingProgress, UsageRollup
from billing.reports import deliveries, destinations
from billing.reports.deliveries import create_delivery, deliver_finished_months, run_delivery
from billing.reports.models import DeliveredMonth, Delivery
from billing.rules import Month
from cloudconsole.accounts.models import AuditEvent
from cloudconsole.jobs import Job
from tests.billing.usage import NOON, Customer, store

pytestmark = pytest.mark.django_db
NOVEMBER = Month.of(NOON)
DECEMBER = datetime(2026, 12, 3, tzinfo=UTC)


@pytest.fixture(autouse=True)
def december(monkeypatch):
    monkeypatch.setattr(deliveries.timezone, "now", lambda: DECEMBER)


@pytest.fixture(scope="module")
def s3() -> Iterator[str]:
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0)
    server.start()
    yield "http://{}:{}".format(*server.get_host_and_port())
    server.stop()


@pytest.fixture
def bucket(s3: str, monkeypatch):
    for name, value in {"ACCESS_KEY_ID": "test", "SECRET_ACCESS_KEY": "test", "DEFAULT_REGION": "us-east-1"}.items():
        monkeypatch.setenv(f"AWS_{name}", value)
    bucket = boto3.session.Session().resource("s3", endpoint_url=s3).Bucket("reports")
    bucket.create()
    yield bucket
    bucket.objects.delete()
    bucket.delete()


def deliver_to(customer: Customer, url: str, endpoint_url: str = "", formats=("csv", "focus-parquet")) -> Delivery:
    return create_delivery(
        account=customer.account, url=url, endpoint_url=endpoint_url, formats=formats, first_month=NOVEMBER
    )


def run_due() -> list[DeliveredMonth]:
    deliver_finished_months()
    for row in DeliveredMonth.objects.all():
        run_delivery(row.pk)
    return list(DeliveredMonth.objects.order_by("month"))


def check(manifest: dict, content: dict[str, bytes], customer: Customer) -> None:
    """The manifest names every file beside it with its size and digest, and the files are the exports."""
    assert (manifest["account_id"], manifest["month"]) == (str(customer.account.pk), "2026-11")
    assert [file["format"] for file in manifest["files"]] == ["csv", "focus-parquet"]
    assert set(content) == {file["name"] for file in manifest["files"]} | {"manifest.json"}
    for file in manifest["files"]:
        data = content[file["name"]]
        assert (file["bytes"], file["sha256"]) == (len(data), hashlib.sha256(data).hexdigest())
        exported = stream_export(account=customer.account, month=NOVEMBER, format=file["format"])
        assert data == b"".join(exported)


def test_a_month_goes_to_a_folder(customer: Customer, tmp_path: Path):
    store(customer.event(1_000))
    deliver_to(customer, tmp_path.as_uri())
    [row] = run_due()
    assert (row.state, row.month.isoformat()) == (Job.State.SUCCEEDED, "2026-11-01")
    folder = tmp_path / str(customer.account.pk) / "2026-11"
    content = {file.name: file.read_bytes() for file in folder.iterdir()}
    manifest = json.loads(content["manifest.json"])
    check(manifest, content, customer)
    assert row.manifest == manifest


def test_a_month_goes_to_an_s3_compatible_server(customer: Customer, s3: str, bucket):
    store(customer.event(1_000))
    deliver_to(customer, "s3://reports/finops", s3)
    [row] = run_due()
    assert row.state == Job.State.SUCCEEDED, row.error
    prefix = f"finops/{customer.account.pk}/2026-11/"
    content = {one.key.removeprefix(prefix): one.get()["Body"].read() for one in bucket.objects.all()}
    check(json.loads(content["manifest.json"]), content, customer)


def test_again_changes_nothing(customer: Customer, s3: str, bucket):
    store(customer.event(1_000))
    deliver_to(customer, "s3://reports", s3)
    run_due()
    tags = {one.key: one.e_tag for one in bucket.objects.all()}
    deliver_finished_months()
    assert DeliveredMonth.objects.get().state == Job.State.SUCCEEDED
    deliveries.deliver_again(delivered=DeliveredMonth.objects.get())
    [row] = run_due()
    assert (row.state, row.attempts) == (Job.State.SUCCEEDED, 1)
    assert {one.key: one.e_tag for one in bucket.objects.all()} == tags


def test_the_month_that_runs_is_not_delivered_and_missed_ones_are(customer: Customer, tmp_path: Path, monkeypatch):
    deliver_to(customer, tmp_path.as_uri())
    monkeypatch.setattr(deliveries.timezone, "now", lambda: datetime(2027, 2, 1, 3, tzinfo=UTC))
    assert [f"{row.month:%Y-%m} {row.state}" for row in run_due()] == [
        "2026-11 succeeded",
        "2026-12 succeeded",
        "2027-01 succeeded",
    ]


def test_a_month_with_usage_is_delivered_once_it_is_closed(customer: Customer, tmp_path: Path):
    UsageRollup.objects.create(
        account=customer.account,
        cluster=customer.clusters[0],
        model=customer.models[0],
        hour_start=NOON,
        kind="update",
        tokens=1,
        inputs=1,
        hours=0,
        events=1,
    )
    deliver_to(customer, tmp_path.as_uri())
    assert run_due() == []
    BillingProgress.objects.create(account=customer.account, closed_through=NOVEMBER.first_day)
    [row] = run_due()
    assert row.state == Job.State.SUCCEEDED


def test_a_server_that_is_away_is_asked_again_later(customer: Customer, s3: str, bucket):
    deliver_to(customer, "s3://reports", "http://127.0.0.1:1")
    [row] = run_due()
    assert (row.state, row.attempts) == (Job.State.PENDING, 1)
    assert "127.0.0.1:1" in row.error
    Delivery.objects.update(endpoint_url=s3)
    DeliveredMonth.objects.update(due_at=NOON)
    [row] = run_due()
    assert (row.state, row.attempts, row.error) == (Job.State.SUCCEEDED, 2, "")


def test_a_bucket_that_is_not_there_is_told_and_not_asked_again(customer: Customer, s3: str, bucket):
    deliver_to(customer, "s3://nowhere", s3)
    [row] = run_due()
    assert (row.state, row.attempts) == (Job.State.FAILED, 1)
    assert "NoSuchBucket" in row.error


def test_a_folder_that_is_not_mounted_is_tried_again(customer: Customer, tmp_path: Path):
    deliver_to(customer, (tmp_path / "mount").as_uri())
    [row] = run_due()
    assert (row.state, row.error) == (Job.State.PENDING, f"NotThere: There is no folder {tmp_path / 'mount'}.")
    (tmp_path / "mount").mkdir()
    DeliveredMonth.objects.update(due_at=NOON)
    assert run_due()[0].state == Job.State.SUCCEEDED


def test_without_all_files_there_is_no_manifest(customer: Customer, tmp_path: Path, monkeypatch):
    deliver_to(customer, tmp_path.as_uri())
    put = destinations._Folder.put

    def fail(self, name: str, file: Path) -> None:
        if "focus" in name:
            raise OSError("disk full")
        put(self, name, file)

    monkeypatch.setattr(destinations._Folder, "put", fail)
    run_due()
    names = [path.name for path in tmp_path.rglob("*") if path.is_file()]
    assert names == ["inference-usage-2026-11.csv"]


def run(*arguments: str) -> str:
    out = io.StringIO()
    call_command("deliveries", *arguments, stdout=out)
    return out.getvalue().strip()


def test_the_operator_manages_them(customer: Customer, tmp_path: Path):
    wish = ["add", f"--account={customer.account.pk}", f"--to={tmp_path.as_uri()}", "--format=csv", "--from=2026-11"]
    id = run(*wish)
    with pytest.raises(CommandError, match="already"):
        run(*wish)
    run_due()
    assert run("list").splitlines() == [
        f"{id}  Acme to {tmp_path.as_uri()} (csv)",
        "  2026-11 succeeded after 1 attempts",
    ]
    run("again", id, "--month=2026-11")
    assert DeliveredMonth.objects.get().state == Job.State.PENDING
    with pytest.raises(CommandError, match="not to be delivered there yet"):
        run("again", id, "--month=2026-12")
    run("remove", id)
    assert not Delivery.objects.exists()
    audited = AuditEvent.objects.filter(account=customer.account).order_by("created_at")
    assert list(audited.values_list("action", flat=True)) == ["create", "delete"]


@pytest.mark.parametrize("url", ["/tmp", "file://host/x", "file:x", "s3://", "https://x/y", "s3://b/p?x=1", ""])
def test_places_that_are_none_are_refused(url: str, customer: Customer):
    with pytest.raises(CommandError, match="neither file:///folder nor s3://bucket/prefix"):
        run("add", f"--account={customer.account.pk}", f"--to={url}", "--format=csv")
