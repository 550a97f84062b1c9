"""Exports as jobs: the file is what the stream would have been, whole or not there, and goes after its time."""

import csv
import hashlib
import os
from datetime import timedelta
from functools import partial
from pathlib import Path

import pytest
from django.utils import timezone

from billing.exports import EXPORT_FORMATS, stream_export
from billing.lines import Selection
from billing.reports import services
from billing.reports.models import Export
from billing.reports.services import MOST_UNFINISHED, remove_old_files, request_export, run_export
from billing.rules import Month
from cloudconsole.accounts.models import AuditEvent
from cloudconsole.accounts.services import Actor
from cloudconsole.errors import Code, ServiceError
from cloudconsole.jobs import Job
from tests.billing.test_exports import record_hours
from tests.billing.usage import NOON, Customer, store
from tests.together import at_once

pytestmark = pytest.mark.django_db
NOVEMBER = Month.of(NOON)
SOMEBODY = Actor("user", "1", "owner@acme.example")


@pytest.fixture(autouse=True)
def folder(settings, tmp_path: Path) -> Path:
    settings.BILLING_EXPORTS_DIR = tmp_path / "exports"
    return settings.BILLING_EXPORTS_DIR


def ask(customer: Customer, format: str = "csv", first: Month = NOVEMBER, last: Month = NOVEMBER, **filters) -> Export:
    return request_export(
        account=customer.account,
        first=first,
        last=last,
        format=format,
        selection=Selection(**filters),
        requested_by=SOMEBODY,
    )


def made(export: Export) -> Export:
    run_export(export.pk)
    return Export.objects.get(pk=export.pk)


@pytest.mark.parametrize("format", EXPORT_FORMATS)
def test_the_file_is_what_the_stream_is_with_its_digest(format: str, customer: Customer, folder: Path):
    record_hours(customer, 1500)
    export = made(ask(customer, format))
    content = (folder / export.file_name).read_bytes()
    assert content == b"".join(stream_export(account=customer.account, month=NOVEMBER, format=format))
    assert (export.state, export.progress_percent, export.bytes) == (Job.State.SUCCEEDED, 100, len(content))
    assert export.sha256 == hashlib.sha256(content).hexdigest()
    assert made(ask(customer, format)).sha256 == export.sha256
    assert oct(folder.stat().st_mode & 0o777) == "0o700"


def test_filters_narrow_it_down(customer: Customer, folder: Path):
    one, two = customer.clusters
    two.labels = [{"key": "team", "value": "search"}]
    two.save()
    store(customer.event(1), customer.event(2, model=1), customer.event(4, key=1), customer.event(8, cluster=1))

    def tokens(**filters) -> int:
        with (folder / made(ask(customer, **filters)).file_name).open(newline="") as file:
            return sum(int(line["tokens"]) for line in csv.DictReader(file))

    assert tokens() == 15
    assert tokens(cluster_id=one.pk) == 7
    assert tokens(model=customer.models[1].name) == 2
    assert tokens(api_key_id=customer.keys[one.pk][1].pk) == 4
    assert tokens(label=("team", "search")) == 8
    assert tokens(first=NOVEMBER.previous, last=NOVEMBER.previous) == 0
    assert tokens(first=NOVEMBER.previous, last=NOVEMBER) == 15


def test_progress_is_told_and_no_half_file_is_seen(customer: Customer, folder: Path, monkeypatch):
    record_hours(customer, 2100)
    told, seen = [], []
    write = services.update_owned

    def listen(export: Export, **changes):
        told.append(changes["progress_percent"])
        seen.append([name for name in os.listdir(folder) if not name.startswith(".")])
        write(export, **changes)

    monkeypatch.setattr(services, "update_owned", listen)
    export = made(ask(customer))
    assert told == sorted(told)
    assert len(told) > 2
    assert all(0 < percent < 100 for percent in told[:-1])
    assert all(not names for names in seen[:-1])
    assert os.listdir(folder) == [export.file_name]


def test_a_worker_that_died_in_the_middle_is_followed_by_one_that_starts_anew(customer: Customer, folder: Path):
    record_hours(customer, 600)
    whole = made(ask(customer))
    export = ask(customer)
    folder.joinpath(f".{export.pk}-1.csv.half").write_bytes(b"half a line")  # what a killed worker leaves
    Export.objects.filter(pk=export.pk).update(
        state=Job.State.RUNNING,
        fencing_token=1,
        attempts=1,
        progress_percent=40,
        lease_expires_at=timezone.now() - timedelta(seconds=1),
    )
    again = made(export)
    assert (again.sha256, again.fencing_token) == (whole.sha256, 2)
    os.utime(folder / f".{export.pk}-1.csv.half", (0, 0))
    remove_old_files()
    assert sorted(os.listdir(folder)) == sorted([whole.file_name, again.file_name])


def test_a_worker_that_lost_its_lease_leaves_no_file(customer: Customer, folder: Path, monkeypatch):
    store(customer.event())
    export = ask(customer)
    stream = services.stream_export

    def slow(**about):
        yield from stream(**about)
        Export.objects.filter(pk=export.pk).update(fencing_token=7)  # somebody took it over

    monkeypatch.setattr(services, "stream_export", slow)
    run_export(export.pk)
    assert os.listdir(folder) == []
    assert Export.objects.get().file_name == ""


def test_a_full_disk_is_tried_again(customer: Customer, monkeypatch, folder: Path):
    export = ask(customer)
    monkeypatch.setattr(os, "fsync", lambda descriptor: (_ for _ in ()).throw(OSError(28, "No space left on device")))
    assert made(export).state == Job.State.PENDING
    assert os.listdir(folder) == []
    monkeypatch.undo()
    services.settings.BILLING_EXPORTS_DIR = folder
    Export.objects.update(due_at=timezone.now())
    assert made(export).state == Job.State.SUCCEEDED


def test_files_go_after_their_time_and_the_row_says_so(customer: Customer, folder: Path, settings):
    old, new = made(ask(customer)), made(ask(customer, "jsonl"))
    Export.objects.filter(pk=old.pk).update(
        finished_at=timezone.now() - timedelta(days=settings.BILLING_EXPORT_DAYS, seconds=1)
    )
    remove_old_files()
    assert os.listdir(folder) == [new.file_name]
    old.refresh_from_db()
    assert (old.file_name, old.state) == ("", Job.State.SUCCEEDED)
    assert old.sha256  # to compare with, should somebody ask again


@pytest.mark.parametrize(
    ("wish", "field"),
    [
        ({"format": "xls"}, "format"),
        ({"first": NOVEMBER, "last": NOVEMBER.previous}, "to"),
        ({"first": Month(1999, 1), "last": Month(1999, 2)}, "from"),
        ({"first": NOVEMBER, "last": Month(2990, 1)}, "from"),
    ],
)
def test_what_cannot_be_exported_is_refused_at_once(wish: dict, field: str, customer: Customer):
    with pytest.raises(ServiceError) as refused:
        ask(customer, **wish)
    assert (refused.value.code, refused.value.field) == (Code.INVALID_ARGUMENT, field)
    assert not Export.objects.exists()


def test_an_account_has_so_many_in_the_making(customer: Customer, make_cluster):
    exports = [ask(customer) for _ in range(MOST_UNFINISHED)]
    with pytest.raises(ServiceError) as refused:
        ask(customer)
    assert refused.value.code == Code.RESOURCE_EXHAUSTED
    ask(Customer(make_cluster))  # somebody else's
    run_export(exports[0].pk)
    ask(customer)


def test_who_asked_is_in_the_audit_log(customer: Customer):
    export = ask(customer)
    event = AuditEvent.objects.get(resource_type="export")
    assert (event.resource_id, event.actor_name, event.after["months"]) == (str(export.pk), SOMEBODY.name, "2026-11")


@pytest.mark.django_db(transaction=True)
def test_two_workers_make_one_file(customer: Customer, folder: Path):
    record_hours(customer, 1000)
    export = ask(customer)
    at_once(*[partial(run_export, export.pk)] * 4)
    export.refresh_from_db()
    assert (export.attempts, os.listdir(folder)) == (1, [export.file_name])
