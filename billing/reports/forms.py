"""What somebody wants exported, from the console's form or the API's body."""

from typing import Any

from django import forms
from django.utils import timezone

from billing.choices import SearchedSelect, find_clusters, find_keys
from billing.exports import EXPORT_FORMATS
from billing.lines import Selection
from billing.reports.services import EARLIEST
from billing.rules import Month
from cloudconsole.accounts.models import Account
from inference.models import InferenceModel

_ANY = ("", "All")


class MonthField(forms.CharField):
    """``2026-11`` as a Month."""

    def to_python(self, value: Any) -> Month | None:  # type: ignore[override]
        text = super().to_python(value)
        if not text:
            return None
        try:
            return Month.parse(text)
        except ValueError as error:
            raise forms.ValidationError(str(error)) from None


class ExportForm(forms.Form):
    """Months ``from`` to ``to`` (the same month without one), a format, and filters of which empty ones do not count.

    Usage outlives what it was for, so clusters and keys are ids that need not exist any more.
    """

    to = MonthField(required=False, label="To (month, UTC)")
    format = forms.ChoiceField(choices=[(name, one.label) for name, one in EXPORT_FORMATS.items()])
    cluster = forms.UUIDField(required=False)
    model = forms.CharField(required=False)
    api_key = forms.UUIDField(required=False, label="API key")
    label = forms.CharField(
        required=False, max_length=507, help_text="Only clusters with this label, such as team=search.", strip=False
    )
    field_order = ("from", "to", "format", "cluster", "model", "api_key", "label")

    def __init__(self, data: Any = None, *, account: Account | None = None, query: Any = None) -> None:
        """``account`` fills the choices of a page's form; without it ids are taken as they are.

        ``query`` is the page's: what is searched for, and what was chosen so far.
        """
        super().__init__(data, initial=query)
        self.fields["from"] = MonthField(label="From (month, UTC)")  # a keyword, so no attribute can have its name
        self.order_fields(self.field_order)
        if account is not None:
            self._offer(account, query or {})

    @property
    def first(self) -> Month:
        first: Month = self.cleaned_data["from"]
        return first

    @property
    def last(self) -> Month:
        return self.cleaned_data["to"] or self.first

    @property
    def selection(self) -> Selection:
        """The filters of the valid form."""
        return Selection(
            cluster_id=self.cleaned_data["cluster"],
            model=self.cleaned_data["model"] or None,
            api_key_id=self.cleaned_data["api_key"],
            label=self.cleaned_data["label"] or None,
        )

    def clean_model(self) -> str:
        name: str = self.cleaned_data["model"]
        if name and not InferenceModel.objects.filter(name=name).exists():
            raise forms.ValidationError(f"There is no model {name}.")
        return name

    def clean_label(self) -> tuple[str, str] | None:
        text: str = self.cleaned_data["label"]
        if not text:
            return None
        key, separator, value = text.partition("=")
        if not (key and separator):
            raise forms.ValidationError("A label is written as key=value.")
        return key, value

    def _offer(self, account: Account, query: Any) -> None:
        self._choose("from", months := _months(account))
        self._choose("to", [("", "The same month"), *months])
        self._choose("model", [_ANY, *((name, name) for name in _names_of_models())])
        clusters = find_clusters(account, query.get("find_cluster", ""), chosen=self["cluster"].value() or "")
        self.fields["cluster"].widget = SearchedSelect(
            [_ANY, *((str(one.pk), one.name) for one in clusters.things)],
            search="find_cluster",
            search_label="Search clusters",
            among=[clusters],
        )
        keys = find_keys(account, query.get("find_key", ""), chosen=self["api_key"].value() or "")
        self.fields["api_key"].widget = SearchedSelect(
            [_ANY, *((str(key.pk), f"{key.cluster.name}: {key.name}") for key in keys.things)],
            search="find_key",
            search_label="Search API keys",
            among=[keys],
        )

    def _choose(self, field: str, choices: list[tuple[str, str]]) -> None:
        self.fields[field].widget = forms.Select(choices=choices)


def _names_of_models() -> list[str]:
    return list(InferenceModel.objects.order_by("name").values_list("name", flat=True))


def _months(account: Account) -> list[tuple[str, str]]:
    """Every month since the account began, latest first."""
    first = max(EARLIEST, Month.of(account.created_at))
    months = [Month.of(timezone.now())]
    while months[-1] > first:
        months.append(months[-1].previous)
    return [(str(month), f"{month.start:%B %Y}") for month in months]
