"""The Configuration tab of a cluster: what it is called and labelled, how it restarts, and all the rest to read."""

from typing import Any
from uuid import UUID

from django import forms
from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect
from django.views.decorators.http import require_http_methods
from google.protobuf import json_format

from cloudconsole.accounts.services import Actor
from cloudconsole.api.gen.qdrant.cloud.common.v1.common_pb2 import KeyValue
from cloudconsole.api.validation import violations
from cloudconsole.errors import ServiceError
from cloudconsole.web.access import AccountRequest, account_page
from cloudconsole.web.pages import render_page
from clusters.forms import NAME
from clusters.messages import cluster_message
from clusters.models import Cluster
from clusters.queries import cluster_of
from clusters.services import update_cluster
from clusters.views import ClusterView

_POLICY = "CLUSTER_CONFIGURATION_RESTART_POLICY_"
_RESTART_POLICIES = [
    ("", "As the cloud decides"),
    (f"{_POLICY}ROLLING", "One node after another"),
    (f"{_POLICY}PARALLEL", "All nodes at once"),
    (f"{_POLICY}AUTOMATIC", "One after another where collections are replicated"),
]
# Parts of the API's configuration message that something here acts on, or that this tab has fields for
_ACTED_ON = {"additionalResources", "restartPolicy", "databaseConfiguration.inference"}


class ConfigurationForm(forms.Form):
    """What changes without a restart. The API's rules for these fields, and its sentences, hold here too."""

    name = forms.CharField(
        validators=[NAME],
        help_text="2 to 64 letters, digits, hyphens and underscores.",
        widget=forms.TextInput(attrs={"autocomplete": "off", "spellcheck": "false"}),
    )
    labels = forms.CharField(
        required=False,
        help_text="One key=value a line, ten at most. Bills can be exported by label.",
        widget=forms.Textarea(attrs={"rows": 3, "spellcheck": "false"}),
    )
    cost_allocation_label = forms.CharField(
        required=False,
        help_text="The key of the label by which bills are split.",
        widget=forms.TextInput(attrs={"autocomplete": "off", "spellcheck": "false"}),
    )
    restart_policy = forms.ChoiceField(
        required=False, choices=_RESTART_POLICIES, help_text="For clusters with several nodes."
    )

    def __init__(self, data: Any = None, *, cluster: Cluster) -> None:
        initial = {
            "name": cluster.name,
            "labels": "\n".join(f"{one['key']}={one['value']}" for one in cluster.labels),
            "cost_allocation_label": cluster.cost_allocation_label or "",
            "restart_policy": cluster.extra_configuration.get("restartPolicy", ""),
        }
        super().__init__(data, initial=initial)
        self._cluster = cluster

    def clean_labels(self) -> list[dict[str, str]]:
        lines = [line.strip() for line in self.cleaned_data["labels"].splitlines() if line.strip()]
        if bad := next((line for line in lines if "=" not in line), None):
            raise forms.ValidationError(f"Write {bad} as key=value.")
        parts = [line.partition("=") for line in lines]
        return [{"key": key.strip(), "value": value.strip()} for key, _, value in parts]

    def clean(self) -> dict[str, Any]:
        cleaned: dict[str, Any] = super().clean() or self.cleaned_data
        if not self.errors:
            message = cluster_message(self._cluster)
            message.name = cleaned["name"]
            del message.labels[:]
            message.labels.extend(KeyValue(**one) for one in cleaned["labels"])
            if cleaned["cost_allocation_label"]:
                message.cost_allocation_label = cleaned["cost_allocation_label"]
            for one in violations(message):
                field = one.field.elements[0].field_name
                if field in self.fields:
                    self.add_error(field, f"{one.message[:1].upper()}{one.message[1:]}.")
        return cleaned

    @property
    def changes(self) -> dict[str, Any]:
        """Fields of the row with the values that the valid form has."""
        cleaned = self.cleaned_data
        extra = {key: value for key, value in self._cluster.extra_configuration.items() if key != "restartPolicy"}
        if cleaned["restart_policy"]:
            extra["restartPolicy"] = cleaned["restart_policy"]
        return {
            "name": cleaned["name"],
            "labels": cleaned["labels"],
            "cost_allocation_label": cleaned["cost_allocation_label"] or None,
            "extra_configuration": extra,
        }


class ConfigurationView(ClusterView):
    """A cluster as its Configuration tab shows it."""

    @property
    def as_json(self) -> str:
        """The configuration as the admin API gives it."""
        return json_format.MessageToJson(cluster_message(self.cluster).configuration, indent=2)

    @property
    def only_kept(self) -> list[str]:
        """Settings that API clients sent and get back, and that nothing here acts on."""
        extra = self.cluster.extra_configuration
        database = extra.get("databaseConfiguration", {})
        names = [name for name in extra if name != "databaseConfiguration"]
        names += [f"databaseConfiguration.{name}" for name in database]
        return sorted(set(names) - _ACTED_ON)


@require_http_methods(["GET", "HEAD", "POST"])
@account_page("read:clusters", "write:clusters")
def configuration(request: AccountRequest, cluster_id: UUID) -> HttpResponse:
    cluster = cluster_of(request.account, cluster_id)
    form = ConfigurationForm(request.POST if request.method == "POST" else None, cluster=cluster)
    if request.method == "POST" and form.is_valid():
        try:
            update_cluster(cluster=cluster, changes=form.changes, requested_by=Actor.of_user(request.user))
        except ServiceError as error:
            form.add_error(None, error.sentence)
        else:
            messages.success(request, "The configuration is saved. Nothing had to restart.")
            return redirect("clusters:configuration", cluster.pk)
    context = {"view": ConfigurationView(cluster), "cluster": cluster, "form": form}
    return render_page(request, "clusters/configuration.html", context, status=422 if form.errors else 200)
