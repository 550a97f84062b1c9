"""Forms about clusters. They check shapes; what is on offer and allowed is for the services to say."""

from typing import Any

from django import forms
from django.core.validators import RegexValidator
from django.forms.boundfield import BoundWidget
from django.utils import timezone

from cloudconsole.errors import Refusal
from clusters import policies
from clusters.models import Package, Region
from clusters.queries import packages_on_offer, providers_with_regions
from clusters.rules.quote import Quote, quote
from clusters.services import ClusterSpecification

NAME = RegexValidator(r"^[a-zA-Z0-9_-]+\Z", "Use letters, digits, hyphens and underscores only.")


class ClusterForm(forms.Form):
    """A cluster somebody wants. The regions and packages to choose from follow from tier and provider.

    ``ClusterForm(initial=…)`` shows choices and their price without complaining about what is still missing.
    """

    name = forms.CharField(
        min_length=2,
        max_length=64,
        validators=[NAME],
        help_text="2 to 64 letters, digits, hyphens and underscores.",
        widget=forms.TextInput(attrs={"autocomplete": "off", "spellcheck": "false"}),
    )
    tier = forms.ChoiceField(widget=forms.RadioSelect)
    provider = forms.ChoiceField(widget=forms.RadioSelect)
    region = forms.ChoiceField()
    package = forms.ChoiceField(widget=forms.RadioSelect)

    def __init__(self, data: Any = None, *, initial: dict[str, Any] | None = None) -> None:
        super().__init__(data, initial=initial)
        self._offer_choices("tier", [("paid", "Paid"), ("free", "Free")])
        self.providers = {one.id: one for one in providers_with_regions()}
        self._offer_choices("provider", [(key, one.name) for key, one in self.providers.items()])
        self.regions = {region.code: region for region in self._regions_on_offer()}
        self._offer_choices("region", [(code, _region_label(one)) for code, one in self.regions.items()])
        self.packages = {str(one.pk): one for one in packages_on_offer() if one.type == self._chosen("tier")}
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
    def offer(self) -> "Offer | None":
        """What the choices made so far come to; None while region or package is missing."""
        region = self.regions.get(self._chosen("region"))
        package = self.packages.get(self._chosen("package"))
        return Offer(region, package) if region and package else None

    @property
    def specification(self) -> ClusterSpecification:
        """What the valid form asks for."""
        return ClusterSpecification(
            name=self.cleaned_data["name"],
            region=self.regions[self.cleaned_data["region"]],
            package=self.packages[self.cleaned_data["package"]],
        )


def _region_label(region: Region) -> str:
    return f"{region.name} · {region.code}{' · inference' if region.inference_available else ''}"


class Offer:
    """A package in a region: its price and what it means for inference."""

    def __init__(self, region: Region, package: Package) -> None:
        self.region = region
        self.package = package

    @property
    def price(self) -> Quote:
        return quote(price_per_hour=self.package.price_per_hour)

    @property
    def inference_refusal(self) -> Refusal | None:
        return policies.inference.refusal_to_enable(package=self.package, region=self.region)

    @property
    def starts_with_inference(self) -> bool:
        return policies.inference.enabled_at_creation(
            package=self.package, region=self.region, created_at=timezone.now()
        )


class ApiKeyForm(forms.Form):
    """The name of a new database API key."""

    name = forms.CharField(
        min_length=2,
        max_length=64,
        validators=[NAME],
        help_text="What will use the key, for example backend.",
        widget=forms.TextInput(attrs={"autocomplete": "off", "spellcheck": "false"}),
    )
