"""Requests that name an idempotency key: once is all they happen."""

from datetime import timedelta
from functools import partial

import pytest
from django.utils import timezone

from cloudconsole.accounts.models import Account
from cloudconsole.api.idempotency import LIFETIME, answered_once, forget_old_answers
from cloudconsole.api.models import IdempotentAnswer
from cloudconsole.errors import Code, ServiceError
from tests.together import at_once

pytestmark = pytest.mark.django_db


class Counter:
    def __init__(self) -> None:
        self.calls = 0

    def __call__(self) -> bytes:
        self.calls += 1
        return f"answer {self.calls} with a secret".encode()


def ask(account, answer, *, key="once", method="Create", request=b"body"):
    return answered_once(account=account, key=key, method=method, request=request, answer=answer)


def test_the_same_request_is_answered_alike_and_done_once(account):
    work = Counter()
    assert ask(account, work) == ask(account, work) == b"answer 1 with a secret"
    assert work.calls == 1


@pytest.mark.parametrize("other", [{"request": b"another body"}, {"method": "Delete"}])
def test_the_same_key_for_another_request_is_refused(account, other):
    ask(account, Counter())
    with pytest.raises(ServiceError) as refused:
        ask(account, Counter(), **other)
    assert refused.value.code == Code.ALREADY_EXISTS


def test_keys_of_different_accounts_have_nothing_to_do_with_each_other(account):
    work = Counter()
    ask(account, work)
    assert ask(Account.objects.create(name="Another one"), work) == b"answer 2 with a secret"


def test_what_failed_is_not_kept(account):
    def fail():
        raise ServiceError(Code.FAILED_PRECONDITION, "not now")

    with pytest.raises(ServiceError, match="not now"):
        ask(account, fail)
    assert ask(account, Counter()) == b"answer 1 with a secret"


def test_neither_key_nor_answer_is_readable_in_the_database(account):
    ask(account, Counter())
    row = IdempotentAnswer.objects.get()
    assert b"secret" not in bytes(row.sealed_answer)
    assert "once" not in row.key_hash


def test_after_a_day_a_key_is_free_again(account):
    work = Counter()
    ask(account, work)
    IdempotentAnswer.objects.update(created_at=timezone.now() - LIFETIME - timedelta(seconds=1))
    assert ask(account, work, request=b"another body") == b"answer 2 with a secret"
    assert forget_old_answers() == 0
    IdempotentAnswer.objects.update(created_at=timezone.now() - LIFETIME - timedelta(seconds=1))
    assert forget_old_answers() == 1


@pytest.mark.django_db(transaction=True)
def test_two_at_once_do_it_once(account):
    work = Counter()
    assert (at_once(*[partial(ask, account, work)] * 4), work.calls) == ([b"answer 1 with a secret"] * 4, 1)
