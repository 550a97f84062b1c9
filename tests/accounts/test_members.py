"""Members and management keys: what changes, what is refused, what is written down."""

from functools import partial

import pytest

from cloudconsole.accounts.members import add_member, change_role, remove_member
from cloudconsole.accounts.models import Account, AuditEvent, ManagementKey, Membership, User
from cloudconsole.accounts.permissions import Role
from cloudconsole.accounts.services import (
    Actor,
    create_account,
    create_management_key,
    rename_account,
    revoke_management_key,
)
from cloudconsole.api.callers import identity_with_key
from cloudconsole.errors import Code, ServiceError
from tests.together import at_once

ASKING = Actor("user", "1", "owner@acme.example")


@pytest.fixture
def colleague(db: None) -> User:
    return User.objects.create_user(email="colleague@acme.example", password="correct horse battery")


def roles(account: Account) -> dict[str, str]:
    return dict(account.memberships.values_list("user__email", "role"))


def test_a_user_is_added_by_email_in_any_case_and_it_is_written_down(
    account: Account, user: User, colleague: User
) -> None:
    add_member(account=account, email=" Colleague@Acme.example ", role=Role.ADMIN, requested_by=ASKING)
    assert roles(account) == {"owner@acme.example": "owner", "colleague@acme.example": "admin"}
    event = AuditEvent.objects.get()
    assert (event.actor_name, event.action, event.resource_type) == ("owner@acme.example", "create", "member")
    assert (event.before, event.after) == (None, {"email": "colleague@acme.example", "role": "admin"})


@pytest.mark.parametrize(
    ("email", "role", "code"),
    [
        ("nobody@acme.example", Role.BASE, Code.NOT_FOUND),
        ("owner@acme.example", Role.BASE, Code.ALREADY_EXISTS),
        ("colleague@acme.example", Role.OWNER, Code.FAILED_PRECONDITION),
    ],
)
def test_who_cannot_be_added(email: str, role: Role, code: Code, account: Account, user: User, colleague: User) -> None:
    with pytest.raises(ServiceError) as refused:
        add_member(account=account, email=email, role=role, requested_by=ASKING)
    assert refused.value.code == code
    assert roles(account) == {"owner@acme.example": "owner"}
    assert not AuditEvent.objects.exists()


def test_the_role_of_owner_moves(account: Account, user: User, colleague: User) -> None:
    add_member(account=account, email=colleague.email, role=Role.BASE, requested_by=ASKING)
    change_role(account=account, user_id=colleague.pk, role=Role.OWNER, requested_by=ASKING)
    assert roles(account) == {"owner@acme.example": "admin", "colleague@acme.example": "owner"}
    changes = AuditEvent.objects.order_by("sequence").values_list("before__role", "after__role")
    assert list(changes) == [(None, "base"), ("owner", "admin"), ("base", "owner")]


def test_an_account_keeps_its_owner(account: Account, user: User) -> None:
    for attempt in (
        lambda: change_role(account=account, user_id=user.pk, role=Role.ADMIN, requested_by=ASKING),
        lambda: remove_member(account=account, user_id=user.pk, requested_by=ASKING),
    ):
        with pytest.raises(ServiceError, match="always has an owner"):
            attempt()
    assert roles(account) == {"owner@acme.example": "owner"}


def test_a_removed_member_is_out_and_another_accounts_is_not_found(
    account: Account, user: User, colleague: User
) -> None:
    add_member(account=account, email=colleague.email, role=Role.ADMIN, requested_by=ASKING)
    others = create_account(name="Others", owner_email="they@others.example", owner_password="correct horse battery")
    with pytest.raises(ServiceError) as refused:
        remove_member(account=others, user_id=colleague.pk, requested_by=ASKING)
    assert refused.value.code == Code.NOT_FOUND
    remove_member(account=account, user_id=colleague.pk, requested_by=ASKING)
    assert roles(account) == {"owner@acme.example": "owner"}


@pytest.mark.django_db(transaction=True)
def test_however_many_take_the_ownership_at_once_there_is_one_owner() -> None:
    account = create_account(name="Acme", owner_email="owner@acme.example", owner_password="correct horse battery")
    users = [User.objects.create_user(email=f"{n}@acme.example", password="x") for n in range(4)]
    for one in users:
        Membership.objects.create(account=account, user=one, role=Role.ADMIN)

    def take(user: User) -> None:
        change_role(account=account, user_id=user.pk, role=Role.OWNER, requested_by=Actor.of_user(user))

    at_once(*(partial(take, user) for user in users))
    assert sorted(roles(account).values()) == ["admin"] * 4 + ["owner"]


def test_a_key_opens_the_account_until_it_is_revoked(account: Account) -> None:
    key, secret = create_management_key(account=account, requested_by=ASKING)
    assert identity_with_key(f"apikey {secret}").accounts() == [account]
    with pytest.raises(ServiceError, match="no management key"):
        revoke_management_key(account=Account.objects.create(name="Other"), key_id=key.pk, requested_by=ASKING)
    revoke_management_key(account=account, key_id=key.pk, requested_by=ASKING)
    with pytest.raises(ServiceError, match="not valid"):
        identity_with_key(f"apikey {secret}")
    with pytest.raises(ServiceError, match="no management key"):
        revoke_management_key(account=account, key_id=key.pk, requested_by=ASKING)
    assert not ManagementKey.objects.exists()
    events = AuditEvent.objects.order_by("sequence").values_list("action", "before", "after")
    assert list(events) == [("create", None, {"prefix": key.prefix}), ("delete", {"prefix": key.prefix}, None)]
    assert secret not in str(list(AuditEvent.objects.values()))


@pytest.mark.parametrize("name", ["abc", "x" * 257, "two\nlines", " spaces ", ""])
def test_a_name_the_cloud_refuses_is_refused(name: str, account: Account) -> None:
    with pytest.raises(ServiceError, match="4 to 256"):
        rename_account(account=account, name=name, requested_by=ASKING)


def test_renaming_is_written_down_once(account: Account) -> None:
    for _ in range(2):
        rename_account(account=account, name="Acme & Söhne", requested_by=ASKING)
    event = AuditEvent.objects.get()
    assert (event.before, event.after) == ({"name": "Acme"}, {"name": "Acme & Söhne"})
    assert Account.objects.get(pk=account.pk).name == "Acme & Söhne"
