"""Choosing one of an account's clusters and keys. There may be thousands: a form offers some and finds others."""

from dataclasses import dataclass
from typing import Any, Generic, TypeVar
from uuid import UUID

from django import forms
from django.db.models import Model, Q, QuerySet, TextField
from django.db.models.functions import Cast

from cloudconsole.accounts.models import Account
from clusters.models import Cluster, DatabaseApiKey
from clusters.queries import clusters_of

MOST_OFFERED = 25  # of each kind
MOST_LINES = 8  # of a list of what was found

Thing = TypeVar("Thing", bound=Model)


@dataclass(frozen=True)
class Found(Generic[Thing]):
    """Things to choose among, ``searched_for`` or the first ones. ``more``: there are others."""

    things: list[Thing]
    searched_for: str
    more: bool


class SearchedSelect(forms.Select):
    """A select of some things, with a search for the others (see ``console/field.html``) where there are any.

    ``search`` is its name in the query of the page, ``search_label`` what it is called.
    """

    def __init__(
        self, choices: list[tuple[str, str]], *, search: str, search_label: str, among: list[Found[Any]]
    ) -> None:
        self.searched_for = next((found.searched_for for found in among), "")
        lines = {"size": max(2, min(MOST_LINES, len(choices)))} if self.searched_for else {}
        super().__init__(lines, choices)
        if self.searched_for or any(found.more for found in among):
            self.search, self.search_label = search, search_label


def find_clusters(account: Account, searched_for: str = "", *, chosen: str = "") -> Found[Cluster]:
    """At most MOST_OFFERED, newest first, with every word in name or id; ``chosen`` (an id) is among them."""
    return _find(clusters_of(account).select_related(None).only("name"), ("name",), searched_for, chosen)


def find_keys(account: Account, searched_for: str = "", *, chosen: str = "") -> Found[DatabaseApiKey]:
    """At most MOST_OFFERED, by name, also revoked ones; words may be in the name of the key's cluster, too."""
    keys = DatabaseApiKey.objects.filter(cluster__account=account).select_related("cluster")
    named = keys.only("name", "cluster__name").order_by("name", "id")
    return _find(named, ("name", "cluster__name"), searched_for, chosen)


def _find(all: QuerySet[Thing], parts: tuple[str, ...], searched_for: str, chosen: str) -> Found[Thing]:
    matches = Q()
    for word in searched_for.split():
        of_word = Q(written_id__startswith=word.lower())
        for part in parts:
            of_word |= Q(**{f"{part}__icontains": word})
        matches &= of_word
    things = list(all.alias(written_id=Cast("id", TextField())).filter(matches)[: MOST_OFFERED + 1])
    more, things = len(things) > MOST_OFFERED, things[:MOST_OFFERED]
    if chosen and chosen not in {str(thing.pk) for thing in things}:
        things = [*_one(all, chosen), *things]
    return Found(things, searched_for, more)


def _one(all: QuerySet[Thing], id: str) -> list[Thing]:
    try:
        return list(all.filter(pk=UUID(id)))
    except ValueError:
        return []
