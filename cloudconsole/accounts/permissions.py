"""Roles and permissions of an account, as Qdrant Cloud has them, in one table.

A permission holds in a whole account, never for single clusters. The system roles are those of Qdrant Cloud: Base is
everybody's and reaches no further than one's own profile, Admin may do everything but change the account itself,
Owner everything.
"""

from collections.abc import Collection
from enum import StrEnum


class Role(StrEnum):
    """A member's role. An account has exactly one owner."""

    OWNER = "owner"
    ADMIN = "admin"
    BASE = "base"

    @property
    def label(self) -> str:
        return self.value.capitalize()


# What permissions are about -> its category in lists, and the verbs there are for it
_OBJECTS: dict[str, tuple[str, tuple[str, ...]]] = {
    "profile": ("Profile", ("read",)),
    "account": ("Account", ("read", "write", "delete")),
    "clusters": ("Clusters", ("read", "write", "delete")),
    "api_keys": ("Database API Keys", ("read", "write", "delete")),
    "management_keys": ("Cloud Management Keys", ("read", "write", "delete")),
    "backups": ("Backups", ("read", "write", "delete", "restore")),
    "backup_schedules": ("Backup Schedules", ("read", "write", "delete")),
    "hybrid_cloud_environments": ("Hybrid Cloud Environments", ("read", "write", "delete")),
    "invites": ("Invites", ("read", "write", "delete")),
    "roles": ("Roles", ("read", "write", "delete")),
    "users": ("Users", ("read", "delete")),
    "payment_information": ("Payment Information", ("read", "write")),
}
# Every permission and its category
CATEGORIES: dict[str, str] = {
    f"{verb}:{name}": category for name, (category, verbs) in _OBJECTS.items() for verb in verbs
}
PERMISSIONS = frozenset(CATEGORIES)
OF_PEOPLE_ONLY = frozenset({"read:profile"})

_ROLES: dict[Role, frozenset[str]] = {
    Role.OWNER: PERMISSIONS,
    Role.ADMIN: PERMISSIONS - {"write:account", "delete:account"},
    Role.BASE: OF_PEOPLE_ONLY,
}
DESCRIPTIONS: dict[Role, str] = {
    Role.OWNER: "Everything, the account itself included. An account has one owner.",
    Role.ADMIN: "Everything but renaming and deleting the account.",
    Role.BASE: "Nothing but one's own profile. Every member has it.",
}


def permissions_of_role(role: str) -> frozenset[str]:
    """What a member with this role may do in the account."""
    return _ROLES[Role(role)]


def permissions_of_management_keys() -> frozenset[str]:
    """What every management key may do: it belongs to the account, not to a person."""
    return PERMISSIONS - OF_PEOPLE_ONLY


def permission_refusal(needed: Collection[str], granted: Collection[str]) -> str | None:
    """The sentence that console and API refuse with when a permission is missing; None when all are there."""
    missing = sorted(set(needed) - set(granted))
    if not missing:
        return None
    noun, pronoun = ("permission", "it") if len(missing) == 1 else ("permissions", "them")
    return f"This needs the {noun} {' and '.join(missing)}. Ask the owner of the account for a role that has {pronoun}."
