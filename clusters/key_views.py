"""The API keys of a cluster: made with an end and access rules, shown once, revoked."""

from functools import cached_property
from typing import Any
from uuid import UUID

from django.http import HttpResponse
from django.shortcuts import redirect
from django.views.decorators.http import require_http_methods, require_POST

from cloudconsole.accounts.services import Actor
from cloudconsole.errors import ServiceError
from cloudconsole.web.access import AccountRequest, account_page
from cloudconsole.web.pages import render_page
from clusters.database_keys import create_database_api_key, revoke_database_api_key
from clusters.forms import ApiKeyForm
from clusters.models import DatabaseApiKey
from clusters.queries import cluster_of
from clusters.views import ClusterView


class KeysView(ClusterView):
    """A cluster as the page of its keys shows it."""

    @cached_property
    def api_keys(self) -> list[DatabaseApiKey]:
        return list(self.cluster.api_keys.filter(revoked_at=None).order_by("created_at", "id"))


@require_http_methods(["GET", "HEAD", "POST"])
@account_page("read:clusters", "write:api_keys")
def api_keys(request: AccountRequest, cluster_id: UUID) -> HttpResponse:
    """The keys (the fragment ``api-keys``). POST makes one, and its answer shows the secret: it is kept nowhere, so
    there is nothing to redirect to.
    """
    view = KeysView(cluster_of(request.account, cluster_id))
    if request.method != "POST":
        return _page(request, view)
    form = ApiKeyForm(request.POST)
    if form.is_valid():
        try:
            key, secret = create_database_api_key(
                cluster=view.cluster,
                name=form.cleaned_data["name"],
                expires_at=form.expires_at,
                access=form.wanted_access,
                requested_by=Actor.of_user(request.user),
            )
        except ServiceError as error:
            form.add_error("name" if error.field == "name" else "access", error.sentence)
        else:
            return _page(request, view, new_key=key, secret=secret)
    return _page(request, view, status=422, key_form=form)


@require_POST
@account_page("read:clusters", "delete:api_keys")
def revoke_api_key(request: AccountRequest, cluster_id: UUID, key_id: UUID) -> HttpResponse:
    cluster = cluster_of(request.account, cluster_id)
    revoke_database_api_key(cluster=cluster, key_id=key_id, requested_by=Actor.of_user(request.user))
    if not request.htmx:
        return redirect("clusters:api-keys", cluster.pk)
    return _page(request, KeysView(cluster))


def _page(request: AccountRequest, view: KeysView, *, status: int = 200, **more: Any) -> HttpResponse:
    context = {"view": view, "cluster": view.cluster, "key_form": ApiKeyForm()} | more
    return render_page(request, "clusters/keys.html", context, fragments=("api-keys",), status=status)
