"""Roles, permissions, and what somebody may do in an account."""

import pytest

from cloudconsole.accounts.models import Account, Membership, User
from cloudconsole.accounts.permissions import (
    CATEGORIES,
    PERMISSIONS,
    Role,
    permission_refusal,
    permissions_of_management_keys,
    permissions_of_role,
)
from cloudconsole.accounts.queries import effective_permissions
from cloudconsole.accounts.services import create_management_key


def test_the_owner_may_do_everything():
    assert permissions_of_role("owner") == PERMISSIONS == set(CATEGORIES)


def test_an_admin_may_do_everything_but_change_the_account():
    assert PERMISSIONS - permissions_of_role("admin") == {"write:account", "delete:account"}


def test_base_is_ones_own_profile_only():
    assert permissions_of_role("base") == {"read:profile"}


def test_there_are_no_other_roles():
    with pytest.raises(ValueError):
        permissions_of_role("member")


def test_a_key_has_all_permissions_but_a_persons_own():
    assert PERMISSIONS - permissions_of_management_keys() == {"read:profile"}


def test_a_refusal_names_what_is_missing():
    assert permission_refusal(["read:clusters"], {"read:clusters", "write:clusters"}) is None
    assert permission_refusal([], set()) is None
    sentence = permission_refusal(["write:clusters", "read:clusters", "read:backups"], {"read:clusters"})
    assert sentence == (
        "This needs the permissions read:backups and write:clusters. "
        "Ask the owner of the account for a role that has them."
    )


@pytest.mark.parametrize("role", Role)
def test_a_members_permissions_are_those_of_the_role(role: Role, account: Account):
    user = User.objects.create_user(email="one@acme.example", password="correct horse battery")
    membership = Membership.objects.create(account=account, user=user, role=role)
    assert effective_permissions(caller=user, account=account) == permissions_of_role(role)
    assert effective_permissions(caller=membership, account=account) == permissions_of_role(role)


def test_in_an_account_of_others_nobody_may_do_anything(account: Account, user: User):
    others = Account.objects.create(name="Others")
    key, _ = create_management_key(account=account)
    for caller in (user, user.memberships.get(), key):
        assert effective_permissions(caller=caller, account=account)
        assert effective_permissions(caller=caller, account=others) == frozenset()
