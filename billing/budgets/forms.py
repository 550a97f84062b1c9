"""The form of a budget. It checks shapes; what can be is for the services to say."""

from decimal import Decimal
from typing import Any
from uuid import UUID

from django import forms

from billing.budgets.models import Budget
from billing.budgets.services import BudgetWish
from billing.choices import SearchedSelect, find_clusters, find_keys
from cloudconsole.accounts.models import Account
from cloudconsole.money import usd_from_millicents

_MILLICENTS_PER_USD = 100_000
_PLACES = 5  # so that an amount is whole millicents


class BudgetForm(forms.Form):
    """What a budget is to be. ``of`` is empty for the account, else ``cluster:<id>`` or ``key:<id>``."""

    name = forms.CharField(max_length=64, widget=forms.TextInput(attrs={"autocomplete": "off"}))
    of = forms.RegexField(
        r"^(cluster|key):[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$",
        required=False,
        label="Counts the usage of",
        error_messages={"invalid": "Choose the whole account, a cluster or an API key of the list."},
    )
    amount = forms.DecimalField(
        label="Amount per month, in USD", min_value=Decimal("0.00001"), max_digits=15, decimal_places=_PLACES
    )
    hard_cap = forms.BooleanField(
        required=False,
        label="Hard cap",
        help_text="Once the budget is used up, inference is refused until the next month. Plain vectors go on.",
    )
    emails = forms.CharField(required=False, label="Email to", help_text="Addresses, separated by commas.")
    webhook_url = forms.CharField(required=False, label="Webhook", help_text="An https address that takes a POST.")

    def __init__(self, data: Any = None, *, account: Account, budget: Budget | None = None, query: Any = None) -> None:
        """``query`` is the page's: what is searched for, and what was chosen so far."""
        super().__init__(data, initial=(_as_form(budget) if budget else {}) | (query or {}))
        searched_for = (query or {}).get("find_of", "")
        current: str = self["of"].value() or ""
        kind, _, id = current.partition(":")
        clusters = find_clusters(account, searched_for, chosen=id if kind == "cluster" else "")
        keys = find_keys(account, searched_for, chosen=id if kind == "key" else "")
        choices = [
            ("", "The whole account"),
            *((f"cluster:{one.pk}", f"Cluster {one.name}") for one in clusters.things),
            *((f"key:{key.pk}", f"API key {key.name} of {key.cluster.name}") for key in keys.things),
        ]
        if current not in dict(choices):
            choices.append((current, f"{current} (gone)"))
        self.fields["of"].widget = SearchedSelect(
            choices, search="find_of", search_label="Search clusters and API keys", among=[clusters, keys]
        )

    @property
    def wish(self) -> BudgetWish:
        """What the valid form asks for."""
        kind, _, id = self.cleaned_data["of"].partition(":")
        return BudgetWish(
            name=self.cleaned_data["name"],
            amount_millicents=int(self.cleaned_data["amount"] * _MILLICENTS_PER_USD),
            cluster_id=UUID(id) if kind == "cluster" else None,
            api_key_id=UUID(id) if kind == "key" else None,
            hard_cap=self.cleaned_data["hard_cap"],
            webhook_url=self.cleaned_data["webhook_url"],
            emails=[address for one in self.cleaned_data["emails"].split(",") if (address := one.strip())],
        )


def _as_form(budget: Budget) -> dict[str, Any]:
    of = f"cluster:{budget.cluster_id}" if budget.cluster_id else f"key:{budget.api_key_id}"
    return {
        "name": budget.name,
        "of": of if budget.cluster_id or budget.api_key_id else "",
        "amount": f"{usd_from_millicents(budget.amount_millicents):f}",
        "hard_cap": budget.hard_cap,
        "emails": ", ".join(budget.emails),
        "webhook_url": budget.webhook_url,
    }
