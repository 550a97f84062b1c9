"""One call of one RPC, whatever transport it came by: account scope, permission, merge, validation, servicer."""

from uuid import UUID

from django.db import transaction
from google.protobuf.message import Message

from cloudconsole.accounts.permissions import permission_refusal
from cloudconsole.api.callers import Caller, Identity, caller_in, unauthenticated
from cloudconsole.api.errors import not_implemented
from cloudconsole.api.idempotency import answered_once
from cloudconsole.api.masks import merge_masked
from cloudconsole.api.methods import Method
from cloudconsole.api.registry import IMPLEMENTATIONS, Servicer
from cloudconsole.api.validation import check, message_violations, uuid_violations, value_at, violations
from cloudconsole.errors import Code, ServiceError


def call(method: Method, request: Message, identity: Identity | None, idempotency_key: str | None = None) -> Message:
    """Serve a request, which may be changed on the way. ``identity`` is None for callers that did not sign in.

    A method that creates something answers a repeated request with the same ``idempotency_key`` as it did the first.
    Raises ServiceError, InvalidRequest, and RpcError UNIMPLEMENTED for methods that are declared but not served.
    """
    caller = _admit(method, request, identity)
    implementation = IMPLEMENTATIONS.get(method.name)
    if implementation is None:
        raise not_implemented(method.short_name)
    if implementation.current is None:
        check(violations(request))
        if method.access.creates and idempotency_key and isinstance(caller, Caller):
            return _serve_once(method, request, caller, idempotency_key, implementation.serve)
        return implementation.serve(request, caller)
    check(message_violations(request))
    # `current` locks what it reads, so that two partial updates at once do not undo each other.
    with transaction.atomic():
        merge_masked(request, method.access.masked_resource, implementation.current(request, caller))
        check(violations(request))
        return implementation.serve(request, caller)


def _serve_once(method: Method, request: Message, caller: Caller, key: str, serve: Servicer) -> Message:
    answer = answered_once(
        account=caller.account,
        key=key,
        method=method.name,
        request=request.SerializeToString(deterministic=True),
        answer=lambda: serve(request, caller).SerializeToString(),
    )
    return method.response.FromString(answer)


def _admit(method: Method, request: Message, identity: Identity | None) -> Caller | Identity | None:
    """What a servicer knows of its caller: who it is in the account, or who it is where no account is concerned."""
    if method.access.public:
        return identity
    if identity is None:
        raise unauthenticated()
    if method.access.account:
        check(uuid_violations(request, method.access.account))
        caller = caller_in(identity, UUID(value_at(request, method.access.account)))
        if refusal := permission_refusal(method.access.permissions, caller.permissions):
            raise ServiceError(Code.PERMISSION_DENIED, refusal)
    if method.access.user_only and identity.user is None:
        raise ServiceError(
            Code.PERMISSION_DENIED, f"{method.short_name} is for signed-in people only. Do it in the console."
        )
    return caller if method.access.account else identity
