"""Partial updates: which fields of a resource a request replaces."""

from google.protobuf.message import Message

from cloudconsole.api.declarations import field_rules
from cloudconsole.api.validation import InvalidRequest, violation_at


def merge_masked(request: Message, resource_name: str, current: Message) -> None:
    """Turn a partial update into a full one: the request's resource becomes ``current`` with masked fields replaced.

    Paths are relative to the resource; an empty mask replaces everything. Fields that only the server writes are
    cleared, so that clients may send back what they read. Raises InvalidRequest for a path that names no field.
    """
    sent = getattr(request, resource_name)
    paths = dict.fromkeys(getattr(request, "update_mask").paths)  # noqa: B009 - not every message has it
    if paths:
        merged = type(sent)()
        merged.CopyFrom(current)
        for path in paths:
            if not _replace(sent, merged, path.split(".")):
                sentence = f"names no field: {path}"
                raise InvalidRequest([violation_at(request, "update_mask", "field_mask.known", sentence)])
        sent.CopyFrom(merged)
    _clear_output_only(sent)


def _replace(source: Message, target: Message, names: list[str]) -> bool:
    """Copy one field, set or not, from source to target; False if there is no such field."""
    name, *rest = names
    field = target.DESCRIPTOR.fields_by_name.get(name)
    if field is None:
        return False
    if rest:
        if field.is_repeated or field.message_type is None:
            return False
        if not source.HasField(name) and not target.HasField(name):
            # Nothing to copy or clear, and looking closer would leave an empty message behind.
            return _replace(getattr(source, name), type(getattr(target, name))(), rest)
        return _replace(getattr(source, name), getattr(target, name), rest)
    target.ClearField(name)
    if field.is_repeated:
        getattr(target, name).extend(getattr(source, name))
    elif field.has_presence and not source.HasField(name):
        pass
    elif field.message_type is not None:
        getattr(target, name).CopyFrom(getattr(source, name))
    else:
        setattr(target, name, getattr(source, name))
    return True


def _clear_output_only(message: Message) -> None:
    for field, value in message.ListFields():
        if field_rules(field).output_only:
            message.ClearField(field.name)
        elif field.message_type is not None and not field.is_repeated:
            _clear_output_only(value)
