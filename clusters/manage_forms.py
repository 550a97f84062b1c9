"""Forms of a cluster's Manage page: its size, its version, and the name that confirms a deletion."""

from typing import Any

from django import forms

from clusters.admission import MOST_ADDITIONAL_DISK_GIB
from clusters.catalogue import releases_from
from clusters.models import Cluster, Package
from clusters.queries import packages_on_offer, quotas_of
from clusters.rules.quote import Quote, quote


class _PackageField(forms.ModelChoiceField):
    def label_from_instance(self, obj: Any) -> str:
        size = f"{obj.cpu_millicores / 1000:g} vCPU · {obj.ram_gib} GiB RAM · {obj.disk_gib} GiB disk"
        return f"{obj.name}: {size}"


class ScaleForm(forms.Form):
    """Package, number of nodes and additional disk per node, starting from what the cluster has."""

    package = _PackageField(queryset=Package.objects.none(), empty_label=None)
    number_of_nodes = forms.IntegerField(min_value=1, label="Nodes")
    additional_disk_gib = forms.IntegerField(
        min_value=0, max_value=MOST_ADDITIONAL_DISK_GIB, label="Additional disk per node, in GiB"
    )

    def __init__(self, data: Any = None, *, cluster: Cluster) -> None:
        initial = {name: getattr(cluster, name) for name in self.base_fields}
        super().__init__(data, initial=initial)
        offered = packages_on_offer().filter(tier=Package.Tier.STANDARD)
        if cluster.package.type == Package.Type.PAID:
            offered = offered.filter(type=Package.Type.PAID)
        self.fields["package"].queryset = offered | Package.objects.filter(pk=cluster.package_id)  # type: ignore[attr-defined]
        self.fields["number_of_nodes"].max_value = quotas_of(cluster.account).max_cluster_nodes  # type: ignore[attr-defined]

    @property
    def price(self) -> Quote:
        """What the valid form's size costs."""
        wanted = self.cleaned_data
        return quote(
            price_per_hour=wanted["package"].price_per_hour,
            number_of_nodes=wanted["number_of_nodes"],
            additional_disk_gib=wanted["additional_disk_gib"],
            disk_price_per_gib_hour=wanted["package"].disk_price_per_gib_hour,
        )


class UpgradeForm(forms.Form):
    """One of the releases that the cluster can be upgraded to."""

    version = forms.ChoiceField(label="Qdrant version")

    def __init__(self, data: Any = None, *, cluster: Cluster) -> None:
        super().__init__(data)
        self.releases = releases_from(cluster.version)[::-1]
        self.fields["version"].choices = [(one.version, one.version) for one in self.releases]  # type: ignore[attr-defined]


class DeleteForm(forms.Form):
    """The cluster's name, typed to say that this one is meant."""

    name = forms.CharField(
        label="Type the cluster's name to confirm",
        widget=forms.TextInput(attrs={"autocomplete": "off", "spellcheck": "false"}),
    )
    force = forms.BooleanField(
        required=False, label="Do not wait for what is at work now", help_text="For a cluster that hangs."
    )

    def __init__(self, data: Any = None, *, cluster: Cluster) -> None:
        super().__init__(data)
        self._cluster = cluster

    def clean_name(self) -> str:
        if self.cleaned_data["name"] != self._cluster.name:
            raise forms.ValidationError(f"This is not the cluster's name. Type {self._cluster.name}.")
        return self._cluster.name
