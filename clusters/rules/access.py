"""What a database API key may do, as Qdrant's tokens say it and with Qdrant's sentences.

Source: Qdrant's ``access`` claim, https://qdrant.tech/documentation/guides/security/#granular-access-control
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

MOST_RULES = 20
COLLECTION_NAME = re.compile(r"[a-zA-Z0-9\-_.]{1,255}")

READ, READ_WRITE, POINTS_READ_WRITE, MANAGE = "r", "rw", "prw", "m"
_GLOBAL_MODES = (READ, MANAGE)
_COLLECTION_MODES = (READ, READ_WRITE, POINTS_READ_WRITE)


@dataclass(frozen=True)
class Requirement:
    """What an operation needs. ``extras`` are snapshots, payload indexes and vector names of a collection;
    ``everywhere`` is what concerns all collections at once."""

    write: bool = False
    manage: bool = False
    extras: bool = False
    everywhere: bool = False


@dataclass(frozen=True)
class CollectionRule:
    """``mode`` is ``r``, ``rw`` or ``prw`` (points, but no indexes, vector names and snapshots)."""

    collection: str
    mode: str


@dataclass(frozen=True)
class Access:
    """``everywhere`` is ``r`` or ``m``; None gives the ``rules`` alone, each for another collection."""

    everywhere: str | None
    rules: tuple[CollectionRule, ...] = ()

    @property
    def claim(self) -> Any:
        """The JSON of a token's ``access``."""
        return self.everywhere or [{"collection": rule.collection, "access": rule.mode} for rule in self.rules]

    def sees(self, collection: str) -> bool:
        """Whether the collection is in the key's lists."""
        return self.everywhere is not None or self._rule_for(collection) is not None

    def refusal(self, needed: Requirement, collections: Iterable[str] = ()) -> str | None:
        """Why this does not suffice for an operation on these collections, or None if it does."""
        if self.everywhere:
            lacking = self.everywhere == READ and (needed.write or needed.manage)
            return "Global manage access is required" if lacking else None
        if needed.everywhere:
            return "Global access is required"
        for collection in collections:
            rule = self._rule_for(collection)
            if rule is None:
                return f"Access to collection {collection} is required"
            if sentence := _refusal_by(rule, needed):
                return sentence
        return "Manage access for this operation is required" if needed.manage else None

    def _rule_for(self, collection: str) -> CollectionRule | None:
        return next((rule for rule in self.rules if rule.collection == collection), None)


FULL_ACCESS = Access(MANAGE)
READ_ONLY = Access(READ)


def _refusal_by(rule: CollectionRule, needed: Requirement) -> str | None:
    if needed.extras and rule.mode == POINTS_READ_WRITE:
        return f"Only points access is allowed for collection {rule.collection}"
    if needed.write and rule.mode == READ:
        return f"Write access to collection {rule.collection} is required"
    return None


def access_of_claim(claim: Any) -> Access:
    """The access that a token's ``access`` means; an absent one is full access. Raises ValueError with a sentence."""
    if claim is None:
        return FULL_ACCESS
    if isinstance(claim, str):
        if claim not in _GLOBAL_MODES:
            raise ValueError(f"access: {claim} is neither r nor m")
        return Access(claim)
    if not isinstance(claim, list):
        raise ValueError("access: neither a word nor a list")
    return collection_access(_rule(one) for one in claim)


def collection_access(rules: Iterable[CollectionRule]) -> Access:
    """Access to these collections and no others. Raises ValueError with a sentence when one is named twice."""
    rules = tuple(rules)
    if len({rule.collection for rule in rules}) < len(rules):
        raise ValueError("access: Collection name should be unique")
    return Access(None, rules)


def _rule(one: Any) -> CollectionRule:
    if not isinstance(one, dict) or not isinstance(one.get("collection"), str):
        raise ValueError("access: a rule must name its collection")
    if one.get("access") not in _COLLECTION_MODES:
        raise ValueError("access: a rule's access must be r, rw or prw")
    if one.get("payload") is not None:
        raise ValueError("access: payload restrictions are not supported any more")
    return CollectionRule(one["collection"], one["access"])
