"""AccountService: accounts and their members."""

from typing import Any
from uuid import UUID

from google.protobuf import json_format

from cloudconsole.accounts.api.iam import user_message
from cloudconsole.accounts.models import Account, Membership
from cloudconsole.accounts.permissions import Role
from cloudconsole.accounts.queries import member_of, members_of, owner_of
from cloudconsole.accounts.services import lock_account, update_account
from cloudconsole.api.callers import Caller, Identity
from cloudconsole.api.gen.qdrant.cloud.account.v1 import account_pb2
from cloudconsole.api.registry import serves
from cloudconsole.errors import Code, ServiceError

_SERVICE = "qdrant.cloud.account.v1.AccountService"


@serves(f"{_SERVICE}.ListAccounts")
def list_accounts(request: account_pb2.ListAccountsRequest, identity: Identity) -> account_pb2.ListAccountsResponse:
    return account_pb2.ListAccountsResponse(items=[_account(account) for account in identity.accounts()])


@serves(f"{_SERVICE}.GetAccount")
def get_account(request: account_pb2.GetAccountRequest, caller: Caller) -> account_pb2.GetAccountResponse:
    return account_pb2.GetAccountResponse(account=_account(caller.account))


def _locked_account(request: account_pb2.UpdateAccountRequest, caller: Caller) -> account_pb2.Account:
    return _account(lock_account(caller.account))


@serves(f"{_SERVICE}.UpdateAccount", current=_locked_account)
def change_account(request: account_pb2.UpdateAccountRequest, caller: Caller) -> account_pb2.UpdateAccountResponse:
    wanted = request.account
    if wanted.settings.mfa_required:
        raise ServiceError(Code.FAILED_PRECONDITION, "This cloud has no second factor, so none can be required.")
    changes: dict[str, Any] = {"name": wanted.name}
    changes["company"] = json_format.MessageToDict(wanted.company) if wanted.HasField("company") else None
    changed = update_account(account=caller.account, changes=changes, requested_by=caller.actor)
    return account_pb2.UpdateAccountResponse(account=_account(changed))


@serves(f"{_SERVICE}.ListAccountMembers")
def list_account_members(
    request: account_pb2.ListAccountMembersRequest, caller: Caller
) -> account_pb2.ListAccountMembersResponse:
    members = [_member(membership) for membership in members_of(caller.account)]
    return account_pb2.ListAccountMembersResponse(items=members)


@serves(f"{_SERVICE}.GetAccountMember")
def get_account_member(
    request: account_pb2.GetAccountMemberRequest, caller: Caller
) -> account_pb2.GetAccountMemberResponse:
    member = member_of(caller.account, UUID(request.user_id))
    return account_pb2.GetAccountMemberResponse(account_member=_member(member))


def _account(account: Account) -> account_pb2.Account:
    owner = owner_of(account)
    company = json_format.ParseDict(account.company, account_pb2.Company()) if account.company else None
    return account_pb2.Account(
        id=str(account.pk),
        created_at=account.created_at,
        last_modified_at=account.modified_at,
        name=account.name,
        external_owner_id=str(owner.pk) if owner else "",
        owner_email=owner.email if owner else "",
        company=company,
        settings=account_pb2.AccountSettings(mfa_required=False),
    )


def _member(membership: Membership) -> account_pb2.AccountMember:
    user = user_message(membership.user, membership.account_id)
    return account_pb2.AccountMember(account_member=user, is_owner=membership.role == Role.OWNER)
