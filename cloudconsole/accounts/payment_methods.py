"""How an account pays, all of it a simulation: verbs, keyword-only, one transaction each.

An account with payment methods has exactly one default.
"""

from collections.abc import Callable
from typing import Any
from uuid import UUID

from django.db import transaction
from django.utils import timezone

from cloudconsole.accounts.models import Account, PaymentMethod
from cloudconsole.accounts.queries import payment_method_of
from cloudconsole.accounts.services import Actor, lock_account, record_audit_event
from cloudconsole.errors import Code, ServiceError

NAME = "Simulated payment method"
# Other apps say here why an account must be able to pay; None where it need not.
REASONS_TO_PAY: list[Callable[[Account], str | None]] = []


@transaction.atomic
def add_payment_method(
    *, account: Account, details: dict[str, Any], is_default: bool, requested_by: Actor
) -> PaymentMethod:
    """A new payment method with what the client told about it; the first one is the default."""
    lock_account(account)
    method = PaymentMethod(account=account, name=NAME, details=details)
    method.is_default = is_default or not account.payment_methods.exists()
    if method.is_default:
        account.payment_methods.update(is_default=False)
    method.save(force_insert=True)
    _record(method, requested_by, "create", before=None, after=_facts(method))
    return method


@transaction.atomic
def change_payment_method(
    *, account: Account, method_id: UUID, details: dict[str, Any], is_default: bool, requested_by: Actor
) -> PaymentMethod:
    """Replace what is known of a payment method, and make it the default. Raises ServiceError: there is no such one,
    or the account would be left without a default."""
    lock_account(account)
    method = payment_method_of(account, method_id, locked=True)
    if method.is_default and not is_default:
        raise ServiceError(
            Code.FAILED_PRECONDITION, "An account has a default payment method. Make another one the default instead."
        )
    before = _facts(method)
    if before != {"details": details, "is_default": is_default}:
        if is_default:
            account.payment_methods.exclude(pk=method.pk).update(is_default=False)
        method.details, method.is_default, method.modified_at = details, is_default, timezone.now()
        method.save()
        _record(method, requested_by, "update", before=before, after=_facts(method))
    return method


@transaction.atomic
def remove_payment_method(*, account: Account, method_id: UUID, requested_by: Actor) -> None:
    """Forget a payment method; the oldest other one becomes the default.

    Raises ServiceError: there is no such one, or it is the last and something must be paid.
    """
    lock_account(account)
    method = payment_method_of(account, method_id, locked=True)
    others = account.payment_methods.exclude(pk=method.pk).order_by("created_at", "id")
    if not others.exists() and (reasons := [reason for ask in REASONS_TO_PAY if (reason := ask(account))]):
        raise ServiceError(
            Code.FAILED_PRECONDITION,
            f"This is the account's last payment method, and {' and '.join(reasons)}. Add another one first.",
        )
    _record(method, requested_by, "delete", before=_facts(method), after=None)
    method.delete()
    if method.is_default and (heir := others.first()):
        heir.is_default = True
        heir.save(update_fields=["is_default"])


def _facts(method: PaymentMethod) -> dict[str, Any]:
    return {"details": method.details, "is_default": method.is_default}


def _record(
    method: PaymentMethod, actor: Actor, action: str, *, before: dict[str, Any] | None, after: dict[str, Any] | None
) -> None:
    record_audit_event(
        account=method.account,
        actor=actor,
        action=action,
        resource_type="payment-method",
        resource_id=str(method.pk),
        before=before,
        after=after,
    )
