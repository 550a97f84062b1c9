"""The form of a budget. It checks shapes; what can be is for the services to say."""

from decimal import Decimal
from typing import Any
from uuid import UUID

from django import forms

from billing.budgets.models import Budget
from billing.budgets.services import BudgetWish
from cloudconsole.accounts.models import Account
from cloudconsole.money import usd_from_millicents
from clusters.models import DatabaseApiKey
from clusters.queries import clusters_of

_MILLICENTS_PER_USD = 100_000
_PLACES = 5  # so that an amount is whole millicents


class BudgetForm(forms.Form):
    """What a budget is to be. ``of`` is empty for the account, else ``cluster:<id>`` or ``key:<id>``."""

    name = forms.CharField(max_length=64, widget=forms.TextInput(attrs={"autocomplete": "off"}))
    of = forms.ChoiceField(required=False, label="Counts the usage of")
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

    def __init__(self, data: Any = None, *, account: Account, budget: Budget | None = None) -> None:
        super().__init__(data, initial=_as_form(budget) if budget else None)
        keys = DatabaseApiKey.objects.filter(cluster__account=account).select_related("cluster").order_by("name")
        choices = [
            ("", "The whole account"),
            *((f"cluster:{one.pk}", f"Cluster {one.name}") for one in clusters_of(account)),
            *((f"key:{key.pk}", f"API key {key.name} of {key.cluster.name}") for key in keys),
        ]
        current = self.initial.get("of")
        if current and current not in dict(choices):
            choices.append((current, f"{current} (gone)"))
        self.fields["of"].choices = choices  # type: ignore[attr-defined]

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
