"""Holding a gRPC request to its key's scope, and keeping the replies that name collections within it."""

from collections.abc import Iterator
from functools import cache
from typing import Any

from google.protobuf.message import DecodeError

from clusters.qdrant_messages import message_classes
from gateway.errors import Refused
from gateway.operations import BY_GRPC_PATH, Row
from gateway.scope import Scope

# By the field's name, or by its message's and its own.
_COLLECTIONS = {"collection_name", "WithLookup.collection"}
_OTHER_NAMES = {"alias_name", "old_alias_name", "new_alias_name", "DeleteSnapshotRequest.snapshot_name"}
_IN_REPLIES = {"CollectionDescription.name", "collection_name", "alias_name", "SnapshotDescription.name"}
_LISTS = {"Collections/List": ("collections", "name"), "Collections/ListAliases": ("aliases", "collection_name")}


def hold_to_scope(path: str, message: bytes, scope: Scope) -> bytes:
    """The message with the names under which things are kept. Raises Refused: 403, or 501 for an unknown method."""
    if scope.whole:
        return message
    operation = BY_GRPC_PATH.get(path)
    if operation is None:
        raise Refused(501, f"Not supported: there is no method {path}")
    request = parsed(message_classes(path)[0], message)
    places = list(_places(request))
    scope.check(operation, [getattr(*place) for place in places if _stands_for(place, _COLLECTIONS)])
    if not scope.prefix:
        return message
    for holder, field in places:
        setattr(holder, field, scope.kept_as(getattr(holder, field)))
    rewritten: bytes = request.SerializeToString()
    return rewritten


def reply_within(path: str, reply: bytes, scope: Scope) -> bytes:
    """The reply as the client may see it."""
    operation = BY_GRPC_PATH.get(path)
    if scope.whole or operation is None:
        return reply
    reply_class = message_classes(path)[1]
    if not _named_fields(reply_class.DESCRIPTOR):
        return reply
    message = reply_class.FromString(reply)
    _keep_visible(operation, message, scope)
    for holder, field in _places(message):
        setattr(holder, field, scope.hide(getattr(holder, field)))
    rewritten: bytes = message.SerializeToString()
    return rewritten


def parsed(message_class: Any, message: bytes) -> Any:
    """The message of this type. Raises Refused 400."""
    try:
        return message_class.FromString(message)
    except DecodeError:
        sentence = "Format error in message: the message is not of the method's type, or nested too deeply"
        raise Refused(400, sentence) from None


def _keep_visible(operation: Row, message: Any, scope: Scope) -> None:
    if operation.grpc not in _LISTS:
        return
    rows, field = _LISTS[operation.grpc]
    listed = getattr(message, rows)
    visible = [row for row in listed if scope.known_as(getattr(row, field)) is not None]
    del listed[:]
    listed.extend(visible)


def _places(message: Any) -> Iterator[tuple[Any, str]]:
    """Every field of a message, however deep, that names a collection, an alias or a snapshot."""
    waiting = [message]
    while waiting:
        holder = waiting.pop()
        for name, descends in _named_fields(holder.DESCRIPTOR):
            if not descends:
                if getattr(holder, name):
                    yield holder, name
            elif holder.DESCRIPTOR.fields_by_name[name].is_repeated:
                waiting.extend(getattr(holder, name))
            elif holder.HasField(name):
                waiting.append(getattr(holder, name))


def _stands_for(place: tuple[Any, str], names: set[str]) -> bool:
    holder, field = place
    return field in names or f"{holder.DESCRIPTOR.name}.{field}" in names


@cache
def _named_fields(descriptor: Any) -> list[tuple[str, bool]]:
    """Fields that are names, or messages (True) that have some somewhere inside."""
    return [
        (name, descends)
        for name, descends in _candidates(descriptor)
        if not descends or _leads_to_names(descriptor, name)
    ]


def _candidates(descriptor: Any) -> list[tuple[str, bool]]:
    names = _COLLECTIONS | _OTHER_NAMES | _IN_REPLIES
    return [
        (field.name, field.message_type is not None)
        for field in descriptor.fields
        if field.message_type is not None or field.name in names or f"{descriptor.name}.{field.name}" in names
    ]


def _leads_to_names(descriptor: Any, name: str) -> bool:
    """Whether there is a name anywhere below a field. Messages may contain their own kind."""
    seen, waiting = set(), [descriptor.fields_by_name[name].message_type]
    while waiting:
        one = waiting.pop()
        if one.full_name in seen:
            continue
        seen.add(one.full_name)
        for field, descends in _candidates(one):
            if not descends:
                return True
            waiting.append(one.fields_by_name[field].message_type)
    return False
