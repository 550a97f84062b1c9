"""The audit log: one chain per account, which only grows, and which shows whatever is done to it."""

import csv
import hashlib
import io
import json
from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime
from functools import partial
from uuid import uuid4

import pytest
from django.core.management import CommandError, call_command
from django.db import IntegrityError, connection, transaction

from cloudconsole.accounts.audit_chain import HASHED
from cloudconsole.accounts.audit_log import COLUMNS, AuditFilter, audit_events, export_audit_log
from cloudconsole.accounts.models import Account, AuditChain, AuditEvent
from cloudconsole.accounts.services import Actor, create_management_key, record_audit_event, rename_account
from cloudconsole.accounts.verification import verify_audit_log
from tests.together import at_once

ALICE = Actor("user", "00000000-0000-4000-8000-000000000001", "alice@acme.example")


def record(account: Account, number: int = 0, **fields: object) -> None:
    values = {"actor": ALICE, "action": "update", "resource_type": "cluster", "resource_id": f"cluster-{number}"}
    with transaction.atomic():
        record_audit_event(account=account, **(values | {"after": {"number": number}} | fields))


def verify() -> str:
    out = io.StringIO()
    call_command("verify_audit", stdout=out)
    return out.getvalue()


@pytest.fixture
def log(account: Account) -> list[AuditEvent]:
    for number in range(1, 6):
        record(account, number)
    return list(AuditEvent.objects.order_by("sequence"))


@pytest.fixture
def tamper() -> Iterator[Callable[..., None]]:
    """What somebody does who may do anything in the database."""

    def run(statement: str, *parameters: object) -> None:
        with connection.cursor() as cursor:
            cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
            cursor.execute("ALTER TABLE accounts_auditevent DISABLE TRIGGER USER")
            cursor.execute(statement, parameters)
            cursor.execute("ALTER TABLE accounts_auditevent ENABLE TRIGGER USER")

    return run


def test_events_of_an_account_count_up_and_point_back(log: list[AuditEvent], account: Account) -> None:
    assert [event.sequence for event in log] == [1, 2, 3, 4, 5]
    assert [event.previous_hash for event in log] == ["", *(event.hash for event in log[:-1])]
    chain = AuditChain.objects.get(account=account)
    assert (chain.length, chain.head) == (5, log[-1].hash)
    assert f"5 events, head {log[-1].hash}" in verify()


def test_accounts_have_chains_of_their_own(account: Account) -> None:
    other = Account.objects.create(name="Other")
    for number in range(3):
        record(account, number)
        record(other, number)
    assert [event.sequence for event in audit_events(other)] == [1, 2, 3]
    assert "Accounts checked: 2." in verify()


@pytest.mark.parametrize("change", ["UPDATE accounts_auditevent SET action = 'x'", "DELETE FROM accounts_auditevent"])
def test_the_database_refuses_to_change_it(change: str, log: list[AuditEvent]) -> None:
    with pytest.raises(IntegrityError, match="append-only"), transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(change)
    assert verify_audit_log(log[0].account).problems == []


EDITS = {
    "actor_name": "mallory@acme.example",
    "actor_id": "somebody else",
    "actor_type": "system",
    "action": "delete",
    "resource_type": "account",
    "resource_id": "other",
    "created_at": datetime(2020, 1, 1, tzinfo=UTC),
    "before": '{"number": 0}',
    "after": '{"number": 99}',
    "id": "00000000-0000-4000-8000-000000000009",
}


@pytest.mark.parametrize("column", EDITS)
@pytest.mark.parametrize("sequence", [1, 3, 5])
def test_an_edited_event_is_found(column: str, sequence: int, log: list, tamper: Callable[..., None]) -> None:
    tamper(f"UPDATE accounts_auditevent SET {column} = %s WHERE sequence = %s", EDITS[column], sequence)
    assert any(f"Event {sequence} (" in problem for problem in verify_audit_log(log[0].account).problems)
    with pytest.raises(CommandError, match="tampered"):
        verify()


def test_an_edit_with_a_new_hash_is_found_at_the_next_event(log: list, tamper: Callable[..., None]) -> None:
    event = log[2]
    event.actor_name = "mallory@acme.example"
    fields = {name: getattr(event, name) for name in HASHED} | {
        "account_id": str(event.account_id),
        "id": str(event.pk),
        "created_at": event.created_at.isoformat(timespec="microseconds"),
    }
    text = json.dumps(fields, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    forged = hashlib.sha256(text.encode()).hexdigest()
    tamper(
        "UPDATE accounts_auditevent SET actor_name = %s, hash = %s WHERE sequence = 3", "mallory@acme.example", forged
    )
    [problem] = verify_audit_log(log[0].account).problems
    assert problem.startswith("Event 4 does not follow the event before it")


@pytest.mark.parametrize("sequence", [1, 2, 3, 4, 5])
def test_a_removed_event_is_found(sequence: int, log: list, tamper: Callable[..., None]) -> None:
    tamper("DELETE FROM accounts_auditevent WHERE sequence = %s", sequence)
    assert verify_audit_log(log[0].account).problems


def test_a_removed_event_whose_gap_was_closed_is_found(log: list, tamper: Callable[..., None]) -> None:
    tamper("DELETE FROM accounts_auditevent WHERE sequence = 2")
    tamper("UPDATE accounts_auditevent SET sequence = sequence + 100 WHERE sequence > 2")
    tamper("UPDATE accounts_auditevent SET sequence = sequence - 101 WHERE sequence > 2")
    assert verify_audit_log(log[0].account).problems


def test_a_whole_log_that_is_gone_is_found(log: list, tamper: Callable[..., None]) -> None:
    tamper("DELETE FROM accounts_auditevent")
    assert verify_audit_log(log[0].account).problems == ["All of its 5 events are gone."]


def test_exchanged_events_are_found(log: list, tamper: Callable[..., None]) -> None:
    tamper("UPDATE accounts_auditevent SET sequence = 100 WHERE sequence = 2")
    tamper("UPDATE accounts_auditevent SET sequence = 2 WHERE sequence = 3")
    tamper("UPDATE accounts_auditevent SET sequence = 3 WHERE sequence = 100")
    assert len(verify_audit_log(log[0].account).problems) >= 2


def test_an_event_added_at_the_end_is_found(log: list, tamper: Callable[..., None]) -> None:
    tamper(
        "INSERT INTO accounts_auditevent SELECT %s, actor_type, actor_id, actor_name, action, resource_type, "
        "resource_id, before, after, created_at, account_id, 6, hash, hash FROM accounts_auditevent WHERE sequence = 5",
        uuid4(),
    )
    assert verify_audit_log(log[0].account).problems


def test_an_event_moved_to_another_account_is_found_in_both(log: list, tamper: Callable[..., None]) -> None:
    other = Account.objects.create(name="Other")
    tamper("UPDATE accounts_auditevent SET account_id = %s, sequence = 1 WHERE sequence = 5", other.pk)
    assert verify_audit_log(log[0].account).problems
    assert verify_audit_log(other).problems


@pytest.mark.parametrize(
    "after",
    [
        {"price": 0.1, "huge": 1e300, "tiny": 1e-300, "whole": 1.0, "large": 10**30},
        {"text": 'naïve ☃ \\ " \u2028', "nested": {"b": [1, None, True], "a": {}}},
        {"when": datetime(2026, 1, 2, 3, 4, 5, 6, tzinfo=UTC), "id": uuid4(), "2": 2, "10": 10},
    ],
)
def test_what_was_written_down_verifies_whatever_it_was(after: dict[str, object], account: Account) -> None:
    record(account, after=after, before=after)
    assert verify_audit_log(account).problems == []


def test_outside_a_transaction_nothing_is_recorded(transactional_db: None) -> None:
    account = Account.objects.create(name="Acme")
    with pytest.raises(transaction.TransactionManagementError):
        record_audit_event(account=account, actor=ALICE, action="x", resource_type="x", resource_id="x")


@pytest.mark.django_db(transaction=True)
def test_many_at_once_stand_in_one_line_and_verifying_meanwhile_finds_nothing() -> None:
    account = Account.objects.create(name="Acme")

    def append(worker: int) -> list[str]:
        for number in range(20):
            if worker == 0:  # under the account's lock
                rename_account(account=account, name=f"Acme {number}", requested_by=ALICE)
            elif worker % 2:
                record(account, number)
            else:  # a service that writes rows of the account, and rolls back now and then
                try:
                    with transaction.atomic():
                        create_management_key(account=account, requested_by=ALICE)
                        if number % 5 == 0:
                            raise InterruptedError
                except InterruptedError:
                    pass
        return []

    def keep_verifying() -> list[str]:
        return [problem for _ in range(15) for problem in verify_audit_log(account).problems]

    assert at_once(keep_verifying, *(partial(append, number) for number in range(5))) == [[]] * 6
    assert AuditChain.objects.get().length == AuditEvent.objects.count() == 20 + 2 * 20 + 2 * 16
    assert verify_audit_log(account).problems == []


def test_the_filter_finds_by_actor_action_resource_and_day(account: Account) -> None:
    record(account, 1)
    record(account, 2, actor=Actor("system", "system", "cloudconsole"), action="create")
    record(account, 3, resource_type="member")

    def found(**wanted: object) -> list[str]:
        return [event.resource_id for event in audit_events(account, AuditFilter(**wanted))]

    today = datetime.now(UTC).date()
    assert found() == ["cluster-1", "cluster-2", "cluster-3"]
    assert found(actor="ALICE") == ["cluster-1", "cluster-3"]
    assert found(action="create") == ["cluster-2"]
    assert found(resource_type="member", actor="alice") == ["cluster-3"]
    assert len(found(first_day=today, last_day=today)) == 3
    assert found(first_day=date(2020, 1, 1), last_day=date(2020, 1, 2)) == []


def test_an_export_holds_every_event_and_its_hashes_can_be_checked_by_anybody(log: list, account: Account) -> None:
    lines = [json.loads(line) for line in "".join(export_audit_log(account, AuditFilter(), "jsonl")).splitlines()]
    assert [line["sequence"] for line in lines] == [1, 2, 3, 4, 5]
    for line in lines:
        text = json.dumps({name: line[name] for name in HASHED}, sort_keys=True, separators=(",", ":"))
        assert hashlib.sha256(text.encode()).hexdigest() == line["hash"]


def test_a_table_of_it_is_read_back_and_runs_no_formula(account: Account) -> None:
    record(account, 1, actor=Actor("user", "1", "=HYPERLINK(1)"), after={"a": 1})
    out = io.StringIO()
    call_command("export_audit", "--account", str(account.pk), "--format", "csv", stdout=out)
    [line] = csv.DictReader(io.StringIO(out.getvalue()))
    assert tuple(line) == COLUMNS
    assert (line["actor_name"], line["before"], json.loads(line["after"])) == ("'=HYPERLINK(1)", "", {"a": 1})
