"""The pages of a cluster's imports: uploading, choosing, watching, and what could not be taken."""

import csv
from dataclasses import dataclass
from functools import cached_property
from typing import Any
from uuid import UUID

from django.contrib import messages
from django.http import Http404, HttpResponse
from django.shortcuts import redirect
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from cloudconsole.accounts.services import Actor
from cloudconsole.errors import Refusal, ServiceError
from cloudconsole.web.access import AccountRequest, account_page
from cloudconsole.web.pages import render_page
from clusters.data_plane import open_data_plane
from clusters.models import Cluster
from clusters.presentation import Badge, Tone
from clusters.queries import cluster_of
from clusters.views import ClusterView
from inference.gate import availability, cluster_facts
from inference.imports.estimate import Estimate, estimate
from inference.imports.forms import ChoicesForm, UploadForm, likely_choices
from inference.imports.models import Import
from inference.imports.queries import MOST_LISTED, import_of, imports_of
from inference.imports.services import (
    cancel_import,
    pause_import,
    resume_import,
    start_import,
    upload_file,
)
from inference.imports.target import collections_of, find_target
from inference.queries import OfferedModel, offered_models

DATA_PLANE_SECONDS = 10.0
SHOWN_PROBLEMS = 20
_ACTIONS = {"pause": pause_import, "resume": resume_import, "cancel": cancel_import}
State = Import.State
_BADGES = {
    State.DRAFT: Badge("Waits for your choices", "circle-dashed", Tone.QUIET),
    State.PENDING: Badge("Running", "loader-circle", Tone.BUSY),
    State.RUNNING: Badge("Running", "loader-circle", Tone.BUSY),
    State.PAUSED: Badge("Paused", "circle-pause", Tone.QUIET),
    State.SUCCEEDED: Badge("Done", "circle-check", Tone.GOOD),
    State.FAILED: Badge("Stopped", "circle-x", Tone.BAD),
    State.CANCELLED: Badge("Cancelled", "circle-minus", Tone.QUIET),
}
_WISHES = {Import.Wish.PAUSE: "Pausing", Import.Wish.CANCEL: "Cancelling"}


@dataclass(frozen=True)
class ImportView:
    """An import as its page and the list show it."""

    one: Import

    @property
    def badge(self) -> Badge:
        if self.one.unfinished and (wish := _WISHES.get(Import.Wish(self.one.wish))):
            return Badge(wish, "loader-circle", Tone.BUSY)
        return _BADGES[State(self.one.state)]

    @property
    def working(self) -> bool:
        return self.one.unfinished

    @property
    def can_pause(self) -> bool:
        return self.one.unfinished and not self.one.wish

    @property
    def can_resume(self) -> bool:
        return self.one.state in (State.PAUSED, State.FAILED)

    @property
    def can_cancel(self) -> bool:
        return self.one.state not in (State.SUCCEEDED, State.CANCELLED) and self.one.wish != Import.Wish.CANCEL

    @property
    def sentence(self) -> str:
        """What changes while somebody waits, for those who do not see it."""
        return f"{self.badge.word}: {self.one.rows_read:,} of {self.one.rows:,} rows, {self.one.bad_rows:,} not taken."

    @cached_property
    def problems(self) -> list[Any]:
        return list(self.one.problems.order_by("number")[:SHOWN_PROBLEMS])


class ImportsView(ClusterView):
    """The cluster with its imports."""

    @cached_property
    def imports(self) -> list[ImportView]:
        return [ImportView(one) for one in imports_of(self.cluster)[:MOST_LISTED]]

    @cached_property
    def models(self) -> list[OfferedModel]:
        """Those that this cluster may use now and that need no key of a provider's."""
        facts = cluster_facts(self.cluster)
        offered = [model for model in offered_models() if not model.spec.is_external]
        return [model for model in offered if not isinstance(availability(facts, model.spec), Refusal)]

    @property
    def refusal(self) -> str | None:
        """Why most models are not to be had now."""
        facts = cluster_facts(self.cluster)
        answers = (availability(facts, model.spec) for model in offered_models())
        return next((answer.sentence for answer in answers if isinstance(answer, Refusal)), None)


@require_http_methods(["GET", "HEAD", "POST"])
@account_page("read:clusters", "write:clusters")
def imports(request: AccountRequest, cluster_id: UUID) -> HttpResponse:
    """The list (its fragment ``imports``) and the form for a file; POST uploads one."""
    cluster = cluster_of(request.account, cluster_id)
    if request.method != "POST":
        return _list(request, cluster, UploadForm())
    form = UploadForm(request.POST, request.FILES)
    if form.is_valid():
        file = form.cleaned_data["file"]
        try:
            draft = upload_file(
                cluster=cluster,
                name=file.name,
                pieces=file.chunks(),
                requested_by=Actor.of_user(request.user),
            )
        except ServiceError as error:
            form.add_error("file", error.sentence)
        else:
            return redirect("imports:import", cluster.pk, draft.pk)
    return _list(request, cluster, form, status=422)


def _list(request: AccountRequest, cluster: Cluster, form: UploadForm, status: int = 200) -> HttpResponse:
    context = {"view": ImportsView(cluster), "cluster": cluster, "form": form}
    return render_page(request, "inference/imports.html", context, fragments=("imports",), status=status)


@require_http_methods(["GET", "HEAD", "POST"])
@account_page("read:clusters", "write:clusters")
def one_import(request: AccountRequest, cluster_id: UUID, import_id: UUID) -> HttpResponse:
    """A draft's choices (its fragment ``estimate``; POST begins), or how far it is (``progress``)."""
    cluster = cluster_of(request.account, cluster_id)
    one = import_of(cluster, import_id)
    if one.state != State.DRAFT:
        if request.method == "POST":
            messages.error(request, "This import has begun already.")
            return redirect("imports:import", cluster.pk, one.pk)
        context = {"view": ImportsView(cluster), "cluster": cluster, "import": ImportView(one)}
        return render_page(request, "inference/import.html", context, fragments=("progress",))
    return _begin(request, cluster, one) if request.method == "POST" else _ask(request, cluster, one)


def _ask(request: AccountRequest, cluster: Cluster, draft: Import) -> HttpResponse:
    view = ImportsView(cluster)
    if request.GET:
        form = ChoicesForm(request.GET, draft=draft, models=view.models)
    else:
        initial = likely_choices(draft, view.models) if view.models else {}
        form = ChoicesForm(initial=initial, draft=draft, models=view.models)
    return _choices(request, view, draft, form)


def _begin(request: AccountRequest, cluster: Cluster, draft: Import) -> HttpResponse:
    view = ImportsView(cluster)
    form = ChoicesForm(request.POST, draft=draft, models=view.models)
    if form.is_valid():
        chosen = form.cleaned_data
        model = next(one for one in view.models if one.spec.name == chosen["model"])
        try:
            with open_data_plane(cluster, timeout_seconds=DATA_PLANE_SECONDS) as data_plane:
                target = find_target(
                    data_plane, collection=chosen["collection"], spec=model.spec, vector=chosen["vector"]
                )
            start_import(
                draft=draft,
                **chosen | {"vector": target.vector},
                estimated_tokens=estimate(draft, column=chosen["column"], model=model).tokens,
                requested_by=Actor.of_user(request.user),
            )
        except ServiceError as error:
            form.refuse(error.field, error.sentence)
        else:
            return redirect("imports:import", cluster.pk, draft.pk)
    return _choices(request, view, draft, form, status=422)


def _choices(
    request: AccountRequest, view: ImportsView, draft: Import, form: ChoicesForm, status: int = 200
) -> HttpResponse:
    context: dict[str, Any] = {
        "view": view,
        "cluster": view.cluster,
        "draft": draft,
        "form": form,
        "estimate": _estimate(view, draft, form),
        "rows": [[row.get(name) for name in draft.columns] for row in draft.preview],
    }
    if not request.htmx:
        context |= _collections(view.cluster)
    return render_page(request, "inference/import_choices.html", context, fragments=("estimate",), status=status)


def _estimate(view: ImportsView, draft: Import, form: ChoicesForm) -> Estimate | None:
    column, name = form["column"].value(), form["model"].value()
    model = next((one for one in view.models if one.spec.name == name), None)
    return estimate(draft, column=column, model=model) if model is not None and column in draft.columns else None


def _collections(cluster: Cluster) -> dict[str, Any]:
    try:
        with open_data_plane(cluster, timeout_seconds=DATA_PLANE_SECONDS) as data_plane:
            return {"collections": collections_of(data_plane)}
    except ServiceError as error:
        return {"problem": error.sentence}


@require_POST
@account_page("read:clusters", "write:clusters")
def act(request: AccountRequest, cluster_id: UUID, import_id: UUID, action: str) -> HttpResponse:
    """Pause, resume or cancel; answers with the fragment ``progress``, or the page again."""
    cluster = cluster_of(request.account, cluster_id)
    one = import_of(cluster, import_id)
    if action not in _ACTIONS:
        raise Http404("An import can be paused, resumed or cancelled.")
    try:
        _ACTIONS[action](wanted=one, requested_by=Actor.of_user(request.user))
    except ServiceError as error:
        messages.error(request, error.sentence)
    if not request.htmx:
        return redirect("imports:import", cluster.pk, one.pk)
    context = {"view": ImportsView(cluster), "cluster": cluster, "import": ImportView(import_of(cluster, import_id))}
    return render_page(request, "inference/import.html", context, fragments=("progress",))


@require_safe
@account_page("read:clusters", "write:clusters")
def bad_rows(request: AccountRequest, cluster_id: UUID, import_id: UUID) -> HttpResponse:
    """Rows that could not be taken, each with its number and the reason, as CSV."""
    one = import_of(cluster_of(request.account, cluster_id), import_id)
    answer = HttpResponse(content_type="text/csv; charset=utf-8")
    answer.headers["Content-Disposition"] = f'attachment; filename="bad-rows-{one.pk}.csv"'
    report = csv.writer(answer, lineterminator="\r\n")
    report.writerow(["row", "reason", "begins_with"])
    for problem in one.problems.order_by("number").iterator():
        report.writerow([problem.number, problem.reason, problem.excerpt])
    return answer
