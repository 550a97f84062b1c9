"""``verify_billing`` finds every difference between the ledger and what is kept of it: hourly sums and files."""

import asyncio
from datetime import timedelta
from pathlib import Path

import pytest

from billing.event_ids import new_event_id
from billing.kept_check import check_files, check_rollups
from billing.models import UsageRollup
from billing.reports.models import Export
from billing.reports.services import request_export, run_export
from billing.rollups import rebuild_rollups, update_rollups
from billing.rules import Month
from cloudconsole.accounts.services import SYSTEM
from tests.billing.test_verification import run
from tests.billing.usage import NOON, Customer, record_all

pytestmark = pytest.mark.django_db(transaction=True)
NOVEMBER = Month.of(NOON)


@pytest.fixture(autouse=True)
def folder(settings, tmp_path: Path) -> Path:
    settings.BILLING_EXPORTS_DIR = tmp_path / "exports"
    return settings.BILLING_EXPORTS_DIR


@pytest.fixture
def used(customer: Customer) -> Customer:
    customer.set_price(customer.models[0], 2_100, NOVEMBER.start)
    mistake = customer.event(77)
    asyncio.run(record_all([customer.event(1_000), customer.event(1, cluster=1, kind="search"), mistake], [mistake]))
    update_rollups()
    return customer


def rollups(customer: Customer) -> list[str]:
    return list(check_rollups(customer.account, NOVEMBER))


@pytest.mark.parametrize("amount", ["tokens", "inputs", "hours", "events"])
def test_an_hourly_sum_that_is_wrong_by_one_is_found(amount: str, used: Customer):
    assert rollups(used) == []
    one = UsageRollup.objects.get(cluster=used.clusters[1])
    UsageRollup.objects.filter(pk=one.pk).update(**{amount: getattr(one, amount) + 1})
    due = getattr(one, amount)
    [difference] = rollups(used)
    assert difference.endswith(f"search: {amount}: the ledger says {due}, here it is {due + 1}")
    assert "rollups: 2026-11-15T12Z" in run()
    assert "error: Bills differ" in run()
    rebuild_rollups()
    assert rollups(used) == []
    assert "Every bill is what the ledger says" in run()


def test_hourly_sums_that_are_missing_or_too_many_are_found(used: Customer):
    one = UsageRollup.objects.get(cluster=used.clusters[1])
    UsageRollup.objects.filter(pk=one.pk).delete()
    assert any("the ledger says 1, here it is 0" in difference for difference in rollups(used))
    one.pk = None
    one.save(force_insert=True)
    assert rollups(used) == []
    one.pk, one.hour_start = None, one.hour_start + timedelta(hours=1)
    one.save(force_insert=True)
    assert any("the ledger says 0, here it is 1" in difference for difference in rollups(used))


def test_what_the_hourly_sums_do_not_hold_yet_is_no_difference(used: Customer):
    asyncio.run(record_all([used.event(5, id=new_event_id(NOON))]))
    assert rollups(used) == []
    assert "Every bill is what the ledger says" in run()


def test_a_file_that_was_changed_or_lost_is_found(used: Customer, folder: Path):
    export = request_export(account=used.account, first=NOVEMBER, last=NOVEMBER, format="csv", requested_by=SYSTEM)
    run_export(export.pk)
    assert list(check_files(used.account, NOVEMBER)) == []
    asyncio.run(record_all([used.event(5)]))  # the month goes on
    assert list(check_files(used.account, NOVEMBER)) == []
    path = folder / Export.objects.get().file_name
    path.write_bytes(path.read_bytes().replace(b",1000,", b",1001,"))
    [difference] = check_files(used.account, NOVEMBER)
    assert "its file has the SHA-256" in difference
    path.unlink()
    [difference] = check_files(used.account, NOVEMBER)
    assert "is gone" in difference
    assert "files: export" in run()
