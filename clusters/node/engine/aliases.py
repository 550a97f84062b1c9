"""Aliases: other names of collections, changed all at once or not at all."""

from typing import Any

from clusters.node.engine.registry import Collections, check_name
from clusters.node.errors import Conflict, NotFound
from clusters.node.models import m


def list_aliases(collections: Collections, _name: None, _body: None) -> dict[str, Any]:
    """All aliases."""
    return _reported(collections.aliases)


def list_collection_aliases(collections: Collections, name: str, _body: None) -> dict[str, Any]:
    """The aliases of one collection."""
    target = collections.get(name).name
    return _reported({alias: real for alias, real in collections.aliases.items() if real == target})


def update_aliases(collections: Collections, _name: None, body: m.ChangeAliasesOperation) -> bool:
    """Create, rename and delete aliases, in order. Every later request sees all of it, and a refusal changes nothing.

    Raises NotFound for an unknown collection or alias and Conflict for an alias that is a collection's name.
    """
    aliases = collections.aliases
    for action in body.actions:
        match action:
            case m.CreateAliasOperation(create_alias=create):
                if create.collection_name not in collections.names():
                    raise NotFound(f"Collection `{create.collection_name}` doesn't exist!")
                _check_free(collections, create.alias_name)
                aliases[create.alias_name] = create.collection_name
            case m.RenameAliasOperation(rename_alias=rename):
                if rename.old_alias_name not in aliases:
                    raise NotFound(f"Alias {rename.old_alias_name} does not exists!")
                _check_free(collections, rename.new_alias_name)
                aliases[rename.new_alias_name] = aliases.pop(rename.old_alias_name)
            case m.DeleteAliasOperation(delete_alias=delete):
                aliases.pop(delete.alias_name, None)
    collections.set_aliases(aliases)
    return True


def _check_free(collections: Collections, alias: str) -> None:
    check_name(alias)
    if alias in collections.names():
        raise Conflict(f"Collection `{alias}` already exists!")


def _reported(aliases: dict[str, str]) -> dict[str, Any]:
    return {"aliases": [{"alias_name": alias, "collection_name": name} for alias, name in aliases.items()]}
