"""Forms about clusters. They check shapes; what is on offer and allowed is for the services to say."""

import re
from datetime import datetime, timedelta
from functools import cached_property
from typing import Any

from django import forms
from django.core.validators import RegexValidator
from django.forms.boundfield import BoundWidget
from django.utils import timezone

from cloudconsole.accounts.models import Account
from cloudconsole.errors import Refusal, ServiceError
from clusters import policies
from clusters.admission import MOST_ADDITIONAL_DISK_GIB, check_new_cluster
from clusters.models import Package, Region
from clusters.queries import packages_on_offer, providers_with_regions, quotas_of
from clusters.rules.access import FULL_ACCESS, READ, READ_ONLY, READ_WRITE, Access, CollectionRule, collection_access
from clusters.rules.quote import Quote, quote
from clusters.services import ClusterSpecification

_LIFETIMES = [("", "Never"), ("7", "In 7 days"), ("30", "In 30 days"), ("90", "In 90 days"), ("365", "In a year")]
_ACCESS = [("", "Everything"), (READ, "Read everything"), ("collections", "Chosen collections")]
NAME = RegexValidator(r"^[a-zA-Z0-9_-]+\Z", "Use letters, digits, hyphens and underscores only.")


class ClusterForm(forms.Form):
    """A cluster somebody wants. The regions and packages to choose from follow from tier and provider.

    ``ClusterForm(initial=…)`` shows choices and their price without complaining about what is still missing.
    A free cluster has one size, so its form has no fields for it.
    """

    name = forms.CharField(
        min_length=2,
        max_length=64,
        validators=[NAME],
        error_messages={"required": "Give the cluster a name."},
        help_text="2 to 64 letters, digits, hyphens and underscores.",
        widget=forms.TextInput(attrs={"autocomplete": "off", "spellcheck": "false"}),
    )
    tier = forms.ChoiceField(widget=forms.RadioSelect)
    provider = forms.ChoiceField(widget=forms.RadioSelect)
    region = forms.ChoiceField(widget=forms.RadioSelect)
    package = forms.ChoiceField(widget=forms.RadioSelect)
    additional_disk_gib = forms.IntegerField(
        label="Additional disk per node, in GiB", min_value=0, max_value=MOST_ADDITIONAL_DISK_GIB, required=False
    )

    def __init__(self, data: Any = None, *, account: Account, initial: dict[str, Any] | None = None) -> None:
        super().__init__(data, initial={"number_of_nodes": 1, "additional_disk_gib": 0} | (initial or {}))
        self._account = account
        self.fields["number_of_nodes"] = forms.IntegerField(
            label="Nodes", min_value=1, max_value=quotas_of(account).max_cluster_nodes, required=False
        )
        self._offer_choices("tier", [("paid", "Paid"), ("free", "Free")])
        self.providers = {one.id: one for one in providers_with_regions()}
        self._offer_choices("provider", [(key, one.name) for key, one in self.providers.items()])
        self.regions = {region.code: region for region in self._regions_on_offer()}
        self._offer_choices("region", [(code, one.name) for code, one in self.regions.items()])
        self.packages = {
            str(one.pk): one
            for one in packages_on_offer().filter(tier=Package.Tier.STANDARD)
            if one.type == self._chosen("tier")
        }
        self._offer_choices("package", [(key, one.name) for key, one in self.packages.items()])
        self._name_the_missing_choice()

    def _chosen(self, field: str) -> Any:
        return (self.data if self.is_bound else self.initial).get(field)

    def _offer_choices(self, field: str, choices: list[tuple[str, str]]) -> None:
        """Where the form is only being looked at, what is not on offer gives way to the first that is."""
        self.fields[field].choices = choices  # type: ignore[attr-defined]
        keys = [key for key, _ in choices]
        if not self.is_bound and self._chosen(field) not in keys:
            self.initial[field] = keys[0] if keys else None

    def _regions_on_offer(self) -> list[Region]:
        provider = self.providers.get(self._chosen("provider"))
        regions: list[Region] = provider.offered_regions if provider else []  # type: ignore[attr-defined]
        offered = [one for one in regions if one.free_tier or self._chosen("tier") != Package.Type.FREE]
        return sorted(offered, key=lambda one: not one.inference_available)

    def _name_the_missing_choice(self) -> None:
        chosen = self.providers.get(self._chosen("provider"))
        provider, tier = chosen.name if chosen else "This provider", self._chosen("tier")
        self.fields["region"].error_messages |= {
            "required": f"{provider} has no region for the {tier} tier. Choose another provider or tier.",
            "invalid_choice": f"Choose a region that {provider} offers for the {tier} tier.",
        }
        self.fields["package"].error_messages |= {
            "required": "Choose a package.",
            "invalid_choice": f"Choose a package of the {tier} tier.",
        }

    @property
    def package_options(self) -> list[tuple[BoundWidget, Package]]:
        """Each radio button with the package it stands for."""
        return [(radio, self.packages[radio.data["value"]]) for radio in self["package"]]

    @property
    def region_options(self) -> list[tuple[BoundWidget, Region]]:
        """Each radio button with the region it stands for."""
        return [(radio, self.regions[radio.data["value"]]) for radio in self["region"]]

    @property
    def sized(self) -> bool:
        """Whether there is a size to choose."""
        return bool(self._chosen("tier") != Package.Type.FREE)

    @cached_property
    def offer(self) -> "Offer | None":
        """What the choices made so far come to; None while region or package is missing."""
        region = self.regions.get(self._chosen("region"))
        package = self.packages.get(self._chosen("package"))
        if not (region and package):
            return None
        return Offer(self._account, region, package, self._size("number_of_nodes"), self._size("additional_disk_gib"))

    def _size(self, field: str) -> "int | str":
        """The number in the field, or what is wrong with it."""
        smallest = int(field == "number_of_nodes")
        if not self.sized:
            return smallest
        try:
            number = self.fields[field].clean(self._chosen(field))
        except forms.ValidationError as error:
            return f"{self.fields[field].label}: {' '.join(error.messages)}"
        return smallest if number is None else int(number)

    @property
    def specification(self) -> ClusterSpecification:
        """What the valid form asks for."""
        return ClusterSpecification(
            name=self.cleaned_data["name"],
            region=self.regions[self.cleaned_data["region"]],
            package=self.packages[self.cleaned_data["package"]],
            number_of_nodes=self.cleaned_data["number_of_nodes"] or 1,
            additional_disk_gib=self.cleaned_data["additional_disk_gib"] or 0,
        )


class Offer:
    """So many nodes of a package in a region: their price, what they mean for inference, whether they can be had.

    ``nodes`` and ``additional_disk_gib`` may be sentences that say why they are no numbers.
    """

    def __init__(
        self, account: Account, region: Region, package: Package, nodes: int | str, additional_disk_gib: int | str
    ) -> None:
        self._account = account
        self.region = region
        self.package = package
        self.nodes = nodes
        self.additional_disk_gib = additional_disk_gib

    @property
    def price(self) -> Quote | None:
        """None without numbers."""
        if isinstance(self.nodes, str) or isinstance(self.additional_disk_gib, str):
            return None
        return quote(
            price_per_hour=self.package.price_per_hour,
            number_of_nodes=self.nodes,
            additional_disk_gib=self.additional_disk_gib,
            disk_price_per_gib_hour=self.package.disk_price_per_gib_hour,
        )

    @cached_property
    def refusal(self) -> str | None:
        """Why the account cannot have it now."""
        if isinstance(self.nodes, str) or isinstance(self.additional_disk_gib, str):
            return " ".join(one for one in (self.nodes, self.additional_disk_gib) if isinstance(one, str))
        try:
            check_new_cluster(
                self._account,
                region=self.region,
                package=self.package,
                nodes=self.nodes,
                additional_disk_gib=self.additional_disk_gib,
            )
        except ServiceError as error:
            return error.sentence
        return None

    @property
    def inference_refusal(self) -> Refusal | None:
        return policies.inference.refusal_to_enable(package=self.package, region=self.region)

    @property
    def starts_with_inference(self) -> bool:
        return policies.inference.enabled_at_creation(
            package=self.package, region=self.region, created_at=timezone.now()
        )


class ApiKeyForm(forms.Form):
    """A new database API key: its name, when it ends, and what it may do."""

    name = forms.CharField(
        min_length=2,
        max_length=128,
        validators=[RegexValidator(r"^[\w\s-]+\Z", "Use letters, digits, spaces, hyphens and underscores only.")],
        error_messages={"required": "Give the key a name."},
        help_text="What will use the key, for example backend.",
        widget=forms.TextInput(attrs={"autocomplete": "off", "spellcheck": "false"}),
    )
    expires = forms.ChoiceField(choices=_LIFETIMES, required=False)
    access = forms.ChoiceField(choices=_ACCESS, required=False)
    read_write = forms.CharField(
        label="Collections to read and write",
        required=False,
        help_text="For chosen collections only: their names, separated by commas.",
        widget=forms.TextInput(attrs={"autocomplete": "off", "spellcheck": "false"}),
    )
    read_only = forms.CharField(
        label="Collections to read",
        required=False,
        help_text="For chosen collections only: their names, separated by commas.",
        widget=forms.TextInput(attrs={"autocomplete": "off", "spellcheck": "false"}),
    )

    def clean(self) -> dict[str, Any]:
        cleaned: dict[str, Any] = super().clean() or self.cleaned_data
        lists = {field: split_names(cleaned.get(field, "")) for field in ("read_write", "read_only")}
        chosen = cleaned.get("access") == "collections"
        for field, names in lists.items():
            if names and not chosen:
                self.add_error(field, "Choose “Chosen collections” as access, or leave this empty.")
        if chosen and not any(lists.values()):
            self.add_error("access", "Name at least one collection.")
        try:
            self.wanted_access = _access_of(cleaned.get("access", ""), lists)
        except ValueError:
            self.add_error("read_only", "Name each collection once: who may write may read.")
        return cleaned

    @property
    def expires_at(self) -> datetime | None:
        """When the key of the valid form ends; None for never."""
        days = self.cleaned_data["expires"]
        return timezone.now() + timedelta(days=int(days)) if days else None


def split_names(text: str) -> list[str]:
    """Names that somebody separated by commas, spaces or lines."""
    return [name for name in re.split(r"[,\s]+", text) if name]


def _access_of(choice: str, lists: dict[str, list[str]]) -> Access:
    if choice != "collections":
        return READ_ONLY if choice == READ else FULL_ACCESS
    modes = {"read_write": READ_WRITE, "read_only": READ}
    return collection_access(CollectionRule(name, modes[field]) for field, names in lists.items() for name in names)
