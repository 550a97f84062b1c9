"""The ledger by month: ids carry the time, a duplicate of any age is one row, old months can be moved out."""

import asyncio
import io
from datetime import UTC, datetime, timedelta
from pathlib import Path
from uuid import uuid4

import pytest
from django.core.management import CommandError, call_command
from django.db import IntegrityError, connection, transaction
from hypothesis import given
from hypothesis import strategies as st

from billing.event_ids import carries_time, compute_event_id, correction_id, first_id, new_event_id
from billing.ledger import LedgerUnavailable
from billing.models import UsageEvent, UsageRollup
from billing.partitions import make_partitions, make_partitions_ahead
from billing.queries import daily_tokens
from billing.rollups import rebuild_rollups, update_rollups
from billing.rules import Month
from billing.statements import close_month
from tests.billing.usage import Customer, open_ledger, record_all, store

LONG_AGO = datetime(2025, 3, 15, 12, 30, 0, 123_456, tzinfo=UTC)
moments = st.datetimes(datetime(2000, 1, 1), datetime(2200, 1, 1), timezones=st.just(UTC))


class TestIds:
    @given(moments)
    def test_an_event_id_carries_its_time_and_stays_within_it(self, moment):
        id = new_event_id(moment)
        assert carries_time(id, moment)
        assert first_id(moment) < id < first_id(moment + timedelta(milliseconds=1))
        assert id.variant == uuid4().variant
        assert not carries_time(uuid4(), moment)

    @given(moments)
    def test_a_correction_stays_with_its_original(self, moment):
        original = new_event_id(moment)
        correction = correction_id(original)
        assert correction.version == 8
        assert first_id(moment) < correction < first_id(moment + timedelta(milliseconds=1))
        assert correction_id(correction) == original

    def test_an_hour_of_a_cluster_has_one_id(self):
        cluster = uuid4()
        ids = {compute_event_id(cluster, LONG_AGO, kind) for kind in ("compute", "disk", "compute")}
        assert len(ids) == 2
        assert compute_event_id(cluster, LONG_AGO + timedelta(hours=1), "disk") not in ids

    @given(st.lists(moments, min_size=1, max_size=30))
    @pytest.mark.django_db
    def test_the_database_computes_the_same(self, moments):
        with connection.cursor() as cursor:
            cursor.execute("SELECT billing_first_id(moment) FROM unnest(%s::timestamptz[]) AS moment", [moments])
            assert [id for (id,) in cursor] == [first_id(moment) for moment in moments]


@pytest.mark.django_db(transaction=True)
class TestForEver:
    @pytest.mark.parametrize("age", [timedelta(), timedelta(days=31), timedelta(days=400), timedelta(days=-40)])
    def test_a_duplicate_of_any_age_is_one_row(self, customer: Customer, age: timedelta):
        event = customer.event(5, occurred_at=datetime.now(UTC) - age)
        asyncio.run(record_all([event]))
        asyncio.run(record_all([event, event]))  # by another writer, which knows nothing of the first
        asyncio.run(record_all([], [event]))
        asyncio.run(record_all([event], [event]))
        assert sorted(UsageEvent.objects.values_list("tokens", flat=True)) == [-5, 5]

    def test_the_id_alone_is_the_primary_key_of_the_whole_ledger(self, customer: Customer):
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_get_constraintdef(oid) FROM pg_constraint WHERE conname LIKE '%unique_for_ever'")
            assert cursor.fetchone() == ("PRIMARY KEY (id)",)

    def test_no_other_row_can_stand_for_a_correction(self, customer: Customer):
        event = customer.event(5)
        store(event)
        make_partitions([Month.of(LONG_AGO)])
        facts = {"account_id": event.account_id, "cluster_id": event.cluster_id, "model_id": event.model_id}
        wrong = {
            "another id": {"id": new_event_id(event.occurred_at), "corrects_id": event.id},
            "no version 7": {"id": uuid4()},
            "another month": {"id": new_event_id(LONG_AGO)},
        }
        for what, ids in wrong.items():
            row = UsageEvent(**facts, **ids, tokens=-5, kind="update", occurred_at=event.occurred_at)
            with pytest.raises(IntegrityError), transaction.atomic():
                UsageEvent.objects.bulk_create([row])
            assert UsageEvent.objects.count() == 1, what

    def test_partitions_are_made_ahead(self):
        assert make_partitions_ahead(Month(2031, 11)) == [
            Month(2031, 11), Month(2031, 12), Month(2032, 1), Month(2032, 2)
        ]  # fmt: skip
        assert make_partitions_ahead(Month(2031, 12)) == [Month(2032, 3)]

    def test_a_month_is_read_from_its_partition_only(self, customer: Customer):
        make_partitions([Month(2025, 3), Month(2025, 4)])
        with connection.cursor() as cursor:
            where = [customer.account.pk, first_id(Month(2025, 3).start), first_id(Month(2025, 3).end)]
            cursor.execute(
                "EXPLAIN SELECT * FROM billing_usageevent WHERE account_id = %s AND id >= %s AND id < %s", where
            )
            plan = " ".join(line for (line,) in cursor)
        assert " on billing_usageevent_2025_03" in plan
        assert "2025_04" not in plan


@pytest.mark.django_db(transaction=True)
class TestArchive:
    def archive(self, month: str, output: Path) -> str:
        stdout = io.StringIO()
        call_command("archive_usage", f"--month={month}", f"--output={output}", stdout=stdout)
        return stdout.getvalue()

    @pytest.fixture(autouse=True)
    def bring_the_month_back(self, customer: Customer):
        yield
        with connection.cursor() as cursor:
            cursor.execute("TRUNCATE billing_archivedmonth")

    def test_a_closed_month_becomes_a_file_and_refuses_events(self, customer: Customer, tmp_path: Path):
        old = [customer.event(tokens, occurred_at=LONG_AGO) for tokens in (5, 7)]
        new = customer.event(11, occurred_at=LONG_AGO + timedelta(days=31))
        asyncio.run(record_all([*old, new]))
        close_month(account=customer.account, month=Month(2025, 3))
        assert "(2 events of 2025-03)" in self.archive("2025-03", tmp_path / "march.csv")

        lines = (tmp_path / "march.csv").read_text().splitlines()
        assert [line.split(",")[0] for line in lines] == ["id", *sorted(str(event.id) for event in old)]
        assert UsageEvent.objects.get().tokens == 11
        asyncio.run(self.others_go_on(customer, old[0]))

        update_rollups()
        rebuild_rollups()
        assert sum(UsageRollup.objects.values_list("tokens", flat=True)) == 5 + 7 + 11 + 13
        by_day = daily_tokens(cluster=customer.clusters[0], since=Month(2025, 3).start, until=Month(2025, 4).start)
        assert list(by_day.values()) == [{LONG_AGO.date(): 12}]

    async def others_go_on(self, customer: Customer, duplicate) -> None:
        async with open_ledger() as ledger:
            results = await asyncio.gather(
                ledger.record([duplicate]), ledger.record([customer.event(13)]), return_exceptions=True
            )
        assert isinstance(results[0], LedgerUnavailable)
        assert results[1] is None

    def test_a_month_with_anything_left_to_bill_stays(self, customer: Customer, tmp_path: Path):
        with pytest.raises(CommandError, match="There is no usage of 2024-02"):  # partitions outlive tests
            self.archive("2024-02", tmp_path / "x")
        store(customer.event(5, occurred_at=LONG_AGO))
        update_rollups()
        with pytest.raises(CommandError, match="has not closed 2025-03 yet"):
            self.archive("2025-03", tmp_path / "x")
        close_month(account=customer.account, month=Month(2025, 3))
        store(customer.event(7, occurred_at=LONG_AGO))
        with pytest.raises(CommandError, match="not billed yet"):
            self.archive("2025-03", tmp_path / "x")
        assert UsageEvent.objects.count() == 2
