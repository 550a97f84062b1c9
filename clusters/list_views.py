"""The list of clusters: searched, filtered, some at a time, with what each of them costs this month."""

from collections.abc import Sequence
from decimal import Decimal
from functools import cached_property
from typing import Any

from django import forms
from django.core.paginator import Page, Paginator
from django.db.models import Q, QuerySet, TextField
from django.db.models.functions import Cast
from django.http import HttpResponse
from django.views.decorators.http import require_safe

from cloudconsole.accounts.models import Account
from cloudconsole.web.access import AccountRequest, account_page
from cloudconsole.web.pages import render_page
from clusters import costs
from clusters.models import Cluster
from clusters.presentation import INFERENCE, PHASES, Tone, inference_state
from clusters.queries import clusters_of
from clusters.views import ClusterView

CLUSTERS_PER_PAGE = 25
_PHASES: list[tuple[str, str]] = [
    ("", "Any"),
    (Tone.GOOD, "Healthy"),
    (Tone.BUSY, "Changing"),
    (Tone.BAD, "Failed or not ready"),
    (Tone.QUIET, "Suspended"),
]


class ListForm(forms.Form):
    """What somebody looks for. Empty fields do not count, and neither does what is not on offer."""

    search = forms.CharField(
        required=False,
        max_length=100,
        widget=forms.TextInput(
            attrs={
                "type": "search",
                "placeholder": "Name, id or region",
                "autocomplete": "off",
                "spellcheck": "false",
            }
        ),
    )
    phase = forms.ChoiceField(required=False, choices=_PHASES)
    inference = forms.ChoiceField(
        required=False, choices=[("", "Any"), *((state, badge.word) for state, badge in INFERENCE.items())]
    )


class ClusterList:
    """The account's clusters that ``wanted`` (a query) asks for, newest first."""

    def __init__(self, account: Account, wanted: dict[str, Any]) -> None:
        self._account = account
        self.form = ListForm(wanted)
        self.form.is_valid()
        self._wanted: dict[str, str] = self.form.cleaned_data
        self._page_number = wanted.get("page", 1)
        self._with_costs = "costs" in wanted

    @property
    def filtered(self) -> bool:
        return any(self._wanted.values())

    @cached_property
    def page(self) -> "Page[Cluster]":
        return Paginator(self._found, CLUSTERS_PER_PAGE).get_page(self._page_number)

    @cached_property
    def rows(self) -> list[ClusterView]:
        return [ClusterView(cluster) for cluster in self.page]

    @cached_property
    def working(self) -> bool:
        """Whether something on the page is about to look different."""
        return any(row.phase.tone == Tone.BUSY or row.inference.tone == Tone.BUSY for row in self.rows)

    @cached_property
    def costs(self) -> dict[Any, Decimal] | None:
        """Millicents of this month by cluster; None when not asked for, as they may take longer than the rest."""
        return costs.source.cost_this_month(self._account) if self._with_costs else None

    @property
    def lines(self) -> list[tuple[ClusterView, Decimal | None]]:
        """Each row with its cost; None while that is not known."""
        if self.costs is None:
            return [(row, None) for row in self.rows]
        return [(row, self.costs.get(row.cluster.pk, Decimal(0))) for row in self.rows]

    @property
    def _found(self) -> "QuerySet[Cluster] | Sequence[Cluster]":
        clusters = clusters_of(self._account)
        if tone := self._wanted.get("phase"):
            clusters = clusters.filter(phase__in=[phase for phase, badge in PHASES.items() if badge.tone == tone])
        for word in self._wanted.get("search", "").split():
            in_place = Q(region__code__icontains=word) | Q(region__name__icontains=word) | Q(region__provider=word)
            clusters = clusters.annotate(written_id=Cast("id", TextField())).filter(
                in_place | Q(name__icontains=word) | Q(written_id__startswith=word.lower())
            )
        if state := self._wanted.get("inference"):
            # The gate decides about each cluster; no statement in SQL repeats what it knows.
            return [cluster for cluster in clusters if inference_state(cluster) == state]
        return clusters


@require_safe
@account_page("read:clusters", "write:clusters")
def cluster_list(request: AccountRequest) -> HttpResponse:
    """The list (the fragment ``clusters``). ``costs`` in the query asks for this month's, too."""
    query = request.GET.copy()
    found = ClusterList(request.account, request.GET.dict())
    query.pop("costs", None)
    query.pop("page", None)
    context = {"found": found, "query": query.urlencode()}
    return render_page(request, "clusters/list.html", context, fragments=("clusters",))
