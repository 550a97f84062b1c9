"""One call of one RPC, whatever transport it came by: account scope, permission, merge, validation, servicer."""

from uuid import UUID

from django.db import transaction
from google.protobuf.message import Message

from cloudconsole.accounts.permissions import permission_refusal
from cloudconsole.api.callers import Caller
from cloudconsole.api.errors import RpcError
from cloudconsole.api.masks import merge_masked
from cloudconsole.api.methods import Method
from cloudconsole.api.registry import IMPLEMENTATIONS
from cloudconsole.api.validation import check, message_violations, uuid_violations, value_at, violations
from cloudconsole.errors import Code, ServiceError


def call(method: Method, request: Message, caller: Caller) -> Message:
    """Serve a request, which may be changed on the way.

    Raises ServiceError, InvalidRequest, and RpcError UNIMPLEMENTED for methods that are declared but not served.
    """
    _check_scope(method, request, caller)
    _check_permission(method, caller)
    implementation = IMPLEMENTATIONS.get(method.name)
    if implementation is None:
        raise RpcError("UNIMPLEMENTED", f"{method.short_name} is not implemented by this cloud.")
    if implementation.current is None:
        check(violations(request))
        return implementation.serve(request, caller)
    check(message_violations(request))
    # `current` locks what it reads, so that two partial updates at once do not undo each other.
    with transaction.atomic():
        merge_masked(request, method.access.masked_resource, implementation.current(request, caller))
        check(violations(request))
        return implementation.serve(request, caller)


def _check_scope(method: Method, request: Message, caller: Caller) -> None:
    check(uuid_violations(request, method.access.account))
    account_id = value_at(request, method.access.account)
    if UUID(account_id) != caller.account.pk:
        # The same for accounts that exist and accounts that do not.
        raise ServiceError(Code.NOT_FOUND, f"There is no account {account_id}.")


def _check_permission(method: Method, caller: Caller) -> None:
    if method.access.user_only and not caller.is_user:
        raise ServiceError(
            Code.PERMISSION_DENIED, f"{method.short_name} is for signed-in people only. Do it in the console."
        )
    if refusal := permission_refusal(method.access.permissions, caller.permissions):
        raise ServiceError(Code.PERMISSION_DENIED, refusal)
