"""What people change about themselves."""

from django.db import transaction

from cloudconsole.accounts.models import Account, User
from cloudconsole.accounts.services import Actor, record_audit_event


@transaction.atomic
def change_password(*, user: User, password: str) -> None:
    """Give the user another password. The audit log of each of their accounts says so, and nothing of the password."""
    user.set_password(password)
    user.save(update_fields=["password"])
    # In one order for everybody: each event locks its account's chain until the end.
    for account in Account.objects.filter(members=user).order_by("pk"):
        record_audit_event(
            account=account,
            actor=Actor.of_user(user),
            action="update",
            resource_type="password",
            resource_id=str(user.pk),
        )
