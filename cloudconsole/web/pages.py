"""One template serves page and fragment: htmx's target names the partial it wants."""

from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django_htmx.middleware import HtmxDetails


def render_page(
    request: HttpRequest,
    template: str,
    context: dict[str, Any],
    *,
    fragments: tuple[str, ...] = (),
    status: int = 200,
) -> HttpResponse:
    """Render the template, or only its partial when htmx asks for an element of that id among ``fragments``."""
    htmx: HtmxDetails = request.htmx  # type: ignore[attr-defined]
    if htmx and htmx.target in fragments:
        template = f"{template}#{htmx.target}"
    return render(request, template, context, status=status)
